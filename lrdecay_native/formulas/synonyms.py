"""What other libraries call our parameters: an unknown keyword is refused with the name that it has here.

Nothing but the standard library is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_FIRST = ("initial_learning_rate", "learning_rate", "max_learning_rate", "base_learning_rate")
_HIGHEST = ("max_learning_rate", "learning_rate", "initial_learning_rate", "highest")
_START = ("start", "initial_learning_rate", "learning_rate", "base_learning_rate")
_END = ("end_learning_rate", "end", "lowest", "min_learning_rate")
_FACTOR = ("drop_rate", "factor")
_STEPS = (
    "decay_steps",
    "max_step",
    "half_period",
    "total_steps",
    "first_decay_steps",
    "step_size",
    "steps",
    "to",
)
_PERIOD = (
    "step_size",
    "max_step",
    "half_period",
    "first_decay_steps",
    "step_size_up",
    "every",
    "decay_steps",
)
_WARMUP = ("warmup_steps", "steps")
_SHAPE = ("shape", "warmup_shape", "decay_shape", "anneal_strategy", "interpolation")

SYNONYMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("lr", "learning_rate", "value", "eta0"), _FIRST),
    **dict.fromkeys(("base_lr", "lr_base"), ("base_learning_rate", *_FIRST)),
    **dict.fromkeys(("initial_lr", "init_lr", "lr_initial"), (*_FIRST, "start")),
    **dict.fromkeys(
        ("max_lr", "peak_lr", "lr_max", "eta_max", "peak_value", "maximal_learning_rate"), _HIGHEST
    ),
    **dict.fromkeys(("init_value", "start_value", "start_lr", "start_learning_rate"), _START),
    **dict.fromkeys(("warmup_lr_init", "warmup_init_lr", "warmup_start_lr", "warmup_min_lr"), ("start",)),
    **dict.fromkeys(("eta_min", "lr_min", "min_lr", "lr_end", "end_lr", "final_lr", "last_lr"), _END),
    **dict.fromkeys(("end_value", "final_value", "min_learning_rate", "minimum_learning_rate"), _END),
    **dict.fromkeys(("gamma", "factor", "decay_factor", "drop", "drop_factor", "decay_rate"), _FACTOR),
    "drop_rate": ("decay_rate", "factor"),
    **dict.fromkeys(
        ("decay_steps", "transition_steps", "decay_t", "step_size", "period", "cycle_length"), _PERIOD
    ),
    **dict.fromkeys(("steps", "num_steps", "max_step", "max_steps", "max_iter", "max_iters"), _STEPS),
    **dict.fromkeys(("total_iters", "num_training_steps", "training_steps", "total_steps"), _STEPS),
    **dict.fromkeys(("T_max", "t_max", "T_0", "t_initial"), _STEPS),
    **dict.fromkeys(
        ("milestones", "boundaries_and_scales", "drop_steps", "drop_epochs"), ("boundaries", "at")
    ),
    **dict.fromkeys(("values", "lrs", "rates"), ("learning_rates",)),
    **dict.fromkeys(("T_mult", "cycle_mul"), ("t_mul",)),
    "cycle_decay": ("peak_mul",),
    **dict.fromkeys(("cycles", "num_cycles"), ("cycle_limit", "num_periods")),
    **dict.fromkeys(("warmup_steps", "num_warmup_steps", "warmup_t", "warmup_iters"), _WARMUP),
    **dict.fromkeys(("warmup_epochs", "warmup"), _WARMUP),
    **dict.fromkeys(("duration", "cooldown_steps"), ("steps",)),
    "num_decay_steps": ("decay_steps",),
    "num_stable_steps": ("stable_steps",),
    **dict.fromkeys(("step", "begin", "start_step", "transition_begin", "offset"), ("at", "by", "from_step")),
    **dict.fromkeys(("d_model", "model_dim", "hidden_size", "dim"), ("model_size",)),
    **dict.fromkeys(("exponent", "p", "degree"), ("power", "k")),
    "power": ("exponent", "k"),
    **dict.fromkeys(("lb", "lower", "min", "minimum", "min_value", "low"), ("lower", "lowest")),
    **dict.fromkeys(("ub", "upper", "max", "maximum", "max_value", "high"), ("upper", "highest")),
    **dict.fromkeys(("epoch_size", "n_batches", "num_batches", "iters_per_epoch"), ("steps_per_epoch",)),
    **dict.fromkeys(("shape", "mode", "anneal_strategy", "interpolation", "interpolate_type"), _SHAPE),
    **dict.fromkeys(("decay_type", "warmup_type", "decay_fn"), _SHAPE),
    "min_delta": ("threshold",),
    "eps": ("least_reduction",),
}
"""Words of Keras, torch, optax, transformers, timm and others, with ours: the first one that there is."""

PARTS = {
    "alpha": "Keras's is a part of the initial rate: write end_learning_rate=alpha * initial_learning_rate",
    "end_factor": "torch's is a part of the initial rate: write end_learning_rate=end_factor * initial_learning_rate",
}
"""Words for an end rate whose number isn't ours."""

_WITH_WARMUP = "write .warmup(steps, start=...) after the schedule, which rises to the schedule's first rate"

_IN_EPOCHS = (
    "schedules count steps: write epochs * steps_per_epoch, or .per_epoch(...) behind a plan in epochs"
)

REMARKS = {
    **dict.fromkeys(("warmup", "warmup_steps", "num_warmup_steps", "warmup_t", "warmup_iters"), _WITH_WARMUP),
    **dict.fromkeys(("warmup_epochs", "warmup_target", "warmup_lr_init", "warmup_init_lr"), _WITH_WARMUP),
    "warmup_ratio": "write .warmup(warmup_ratio * total_steps) after the schedule",
    **dict.fromkeys(("epochs", "num_epochs", "total_epochs", "steps_per_epoch"), _IN_EPOCHS),
    "k_decay": "write .k_decay(k, decay_steps) after the schedule",
    **dict.fromkeys(
        ("optimizer", "last_epoch", "verbose", "global_step", "count"),
        "a schedule is a function of the step alone, schedule(step)",
    ),
}
"""What to write for words that stand for no parameter of ours."""

_STEP_DECAY = "it is step_size here, and Keras's ExponentialDecay is StepDecay"
_WITH_PERIOD = "divide the step by it; and Keras's ExponentialDecay is step_decay"
_END_OF_PHASES = "decay_steps is what is left of them after warmup_steps and stable_steps"

OF_ONE: dict[tuple[str, str], str] = {
    ("ExponentialDecay", "decay_steps"): _STEP_DECAY,
    ("ExponentialDecay", "transition_steps"): _STEP_DECAY,
    ("ExponentialDecay", "gamma"): "torch's ExponentialLR(gamma) is StepDecay(lr, gamma, 1)",
    ("exponential_decay", "decay_steps"): _WITH_PERIOD,
    ("exponential_decay", "transition_steps"): _WITH_PERIOD,
    ("inverse_time_decay", "decay_steps"): "divide the step by it",
    **{
        ("WarmupStableDecay", word): _END_OF_PHASES
        for word in ("total_steps", "num_training_steps", "training_steps", "t_initial", "steps", "max_steps")
    },
}
"""What to write for a word where a function or class of ours has its own answer."""


def hint(callee: str, word: str, known: Collection[str]) -> str:
    """What is to be written for a word that is no parameter; empty if that isn't known."""
    if (callee, word) in OF_ONE:
        return OF_ONE[callee, word]
    if word in PARTS and "end_learning_rate" in known:
        return PARTS[word]
    ours = next((name for name in SYNONYMS.get(word, ()) if name in known), None)
    if ours is not None:
        return f"it is {ours} here"
    if word in REMARKS:
        return REMARKS[word]
    # Few calls need it.
    from difflib import get_close_matches

    return "".join(f"is {name} meant?" for name in get_close_matches(word, known, n=1, cutoff=0.75))


def hints(callee: str, words: Iterable[str], known: Collection[str]) -> str:
    """What is to be written for words that are no parameters, to follow a message."""
    found = ((word, hint(callee, word, known)) for word in words)
    return "".join(f"; {word}: {text}" for word, text in found if text)


def refuse_unknown(callee: str, given: Iterable[str], known: Collection[str], instead: str) -> None:
    """Refuse keywords that are no parameters, with the names that they have here."""
    for word in given:
        if word not in known:
            text = hint(callee, word, known)
            raise TypeError(
                f"{callee} got an unexpected keyword argument {word!r}"
                + (f": {text}" if text else "")
                + f"; {instead}"
            )


def refuse_surplus(callee: str, given: int, allowed: int, instead: str) -> None:
    """Refuse more arguments by position than there are."""
    if given > allowed:
        raise TypeError(f"{callee} takes {allowed} positional arguments, {given} were given; {instead}")


def known_by_name(function: Callable[P, R]) -> Callable[P, R]:
    """A method that refuses unknown keywords as `refuse_unknown` does."""
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    instead = f"its parameters are {', '.join(names)}"
    scope, _, name = function.__qualname__.rpartition(".")
    callee = scope.rpartition(".")[2] if name == "__init__" else name

    @wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> R:
        if not keywords.keys() <= known:
            refuse_unknown(callee, keywords, known, instead)
        return function(*arguments, **keywords)

    known = frozenset(names)
    return call
