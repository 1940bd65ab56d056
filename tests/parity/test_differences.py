"""The rates in docs/differences.md are what the packages give, of the versions that the page names."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from parity.equals import OURS
from peers import peer, peer_alone

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"


@dataclass(frozen=True)
class Difference:
    """A row of the page: the peer's schedule and ours at a step, and their rates as they are printed there."""

    package: str
    theirs: str
    step: int
    ours: str
    its_rate: str
    our_rate: str


def differences() -> list[Difference]:
    """The rows of all tables that have the name and version of a package as their heading."""
    parts = re.split(r"^## (\S+) [\d.]\S*$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [
        Difference(package, theirs, int(step), ours.strip("`"), its_rate, our_rate)
        for package, text in zip(parts[::2], parts[1::2], strict=True)
        for theirs, step, ours, its_rate, our_rate, _ in _rows(text)
    ]


def _rows(text: str) -> Iterator[list[str]]:
    table, _, _ = text.partition("\n## ")
    for row in re.findall(r"^\| (?:`|S|C).*$", table, flags=re.MULTILINE):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if cells[1] != "step":
            yield cells


def is_shown(rate: float, shown: str) -> bool:
    """Whether a rate is a number of the page, to the digits that are printed and at least to five."""
    number = float(shown)
    digits = max(5, len(re.sub(r"e.*|\D", "", shown).lstrip("0")))
    return abs(rate) < 1e-12 if number == 0 else float(f"{rate:.{digits}g}") == number


# The peers, by the texts of the page.


def sgd() -> Any:
    torch = peer("torch")
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)


def applied(scheduler: Any) -> float:
    return float(scheduler.optimizer.param_groups[0]["lr"])


def after(step: int, make: Callable[..., Any]) -> float:
    """The rate after so many steps of a torch scheduler, which ``make(schedulers, optimizer)`` makes."""
    scheduler = make(peer("torch").optim.lr_scheduler, sgd())
    for _ in range(step):
        scheduler.step()
    return applied(scheduler)


def restarts_by_step(step: int) -> float:
    scheduler = peer("torch").optim.lr_scheduler.CosineAnnealingWarmRestarts(sgd(), 10, 3)
    scheduler.step(step)
    return applied(scheduler)


def of_transformers(step: int, name: str, *given: Any, **options: Any) -> float:
    (factor,) = getattr(peer("transformers.optimization"), name)(sgd(), *given, **options).lr_lambdas
    return float(0.1 * factor(step))


def of_timm(step: int, name: str, **options: Any) -> float:
    scheduler = getattr(peer_alone("timm.scheduler", ["timm"]), name)(sgd(), **options)
    scheduler.step(step)
    return applied(scheduler)


def of_optax(step: int, name: str, *given: Any, **options: Any) -> float:
    return float(getattr(peer("optax"), name)(*given, **options)(step))


def jitted(step: int, name: str, *given: Any, **options: Any) -> float:
    schedule = getattr(peer("optax"), name)(*given, **options)
    return float(peer("jax").jit(schedule)(step))


def counted(step: int) -> float:
    optax, jax = peer("optax"), peer("jax")
    with jax.enable_x64(True):
        counter = optax.scale_by_schedule(lambda count: count)
        state = counter.init(jax.numpy.zeros(()))
        last = jax.numpy.asarray(min(step, 2**31 - 2), state.count.dtype)
        for _ in range(3):
            _, state = counter.update(jax.numpy.ones(()), state._replace(count=last))
            last = state.count
        assert state.count == 2**31 - 1
        return float(optax.exponential_decay(0.1, 2**30, 0.5)(state.count))


def of_fvcore(step: int) -> float:
    schedulers = peer("fvcore.common.param_scheduler")
    return float(schedulers.MultiStepParamScheduler([0.1, 0.01], milestones=[5 * 10**6, 10**7])(step / 10**7))


def of_composer(step: int) -> float:
    from parity.test_composer import schedulers, state_at

    return float(0.1 * schedulers.CosineAnnealingWarmRestartsScheduler("5ba", 1.5)(state_at(step)))


def of_keras(step: int, name: str, *given: Any) -> float:
    keras = peer("keras")
    return float(keras.ops.convert_to_numpy(getattr(keras.optimizers.schedules, name)(*given)(step)))


HARD_RESTARTS = "get_cosine_with_hard_restarts_schedule_with_warmup"
LR_RATE = "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"
RESTARTS = {"t_initial": 10, "cycle_mul": 3.0, "cycle_limit": 10}
NO_CYCLE = {"t_initial": 10, "lr_min": 0.001, "cycle_limit": 0}

RATES: Mapping[str, Callable[[int], float]] = {
    "`CosineAnnealingLR(T_max=37)`, stepped": partial(
        after, make=lambda s, sgd: s.CosineAnnealingLR(sgd, 37)
    ),
    "`ExponentialLR(0.9999)`, stepped": partial(after, make=lambda s, sgd: s.ExponentialLR(sgd, 0.9999)),
    "`LinearLR(1e-4, 1.0, 1000)`, stepped": partial(
        after, make=lambda s, sgd: s.LinearLR(sgd, 1e-4, 1.0, 1000)
    ),
    "`CosineAnnealingWarmRestarts(10, 3)`, `step(epoch)`": restarts_by_step,
    '`CyclicLR(0.01, 0.1, 1, 1, "triangular2")`': partial(
        after, make=lambda s, sgd: s.CyclicLR(sgd, 0.01, 0.1, 1, 1, "triangular2")
    ),
    "`OneCycleLR(0.1, 5)`": partial(after, make=lambda s, sgd: s.OneCycleLR(sgd, 0.1, 5)),
    "`ChainedScheduler` of `ExponentialLR(0.9)` and `CosineAnnealingLR(4)`": partial(
        after,
        make=lambda s, sgd: s.ChainedScheduler([s.ExponentialLR(sgd, 0.9), s.CosineAnnealingLR(sgd, 4)]),
    ),
    "`SequentialLR` of `LinearLR(0.5, 1.0, 3)` and `OneCycleLR(0.1, 10)`, at 3": partial(
        after,
        make=lambda s, sgd: s.SequentialLR(
            sgd, [s.LinearLR(sgd, 0.5, 1.0, 3), s.OneCycleLR(sgd, 0.1, 10)], [3]
        ),
    ),
    "`ConstantLR(0.5, 0)`": partial(after, make=lambda s, sgd: s.ConstantLR(sgd, 0.5, 0)),
    f"`{HARD_RESTARTS}(0, 220, 22)`": lambda step: of_transformers(step, HARD_RESTARTS, 0, 220, 22),
    f"`{LR_RATE}(10, 110, min_lr=0.0)`": lambda step: of_transformers(step, LR_RATE, 10, 110, min_lr=0.0),
    "`CosineLRScheduler(t_initial=10, cycle_mul=3.0, cycle_limit=10)`": partial(
        of_timm, name="CosineLRScheduler", **RESTARTS
    ),
    "`MultiStepLRScheduler(decay_t=[30], decay_rate=0.1)`": partial(
        of_timm, name="MultiStepLRScheduler", decay_t=[30], decay_rate=0.1
    ),
    "`TanhLRScheduler(t_initial=10)`": partial(of_timm, name="TanhLRScheduler", t_initial=10),
    "`CosineLRScheduler(t_initial=10, lr_min=0.001, cycle_limit=0)`": partial(
        of_timm, name="CosineLRScheduler", **NO_CYCLE
    ),
    "`CosineLRScheduler(t_initial=10, warmup_t=5)`": partial(
        of_timm, name="CosineLRScheduler", t_initial=10, warmup_t=5
    ),
    "`WSDLRScheduler(t_initial=15, decay_t=5, warmup_t=5)`": partial(
        of_timm, name="WSDLRScheduler", t_initial=15, decay_t=5, warmup_t=5
    ),
    "`linear_onecycle_schedule(101, 1.0)`": lambda step: of_optax(step, "linear_onecycle_schedule", 101, 1.0),
    "`linear_onecycle_schedule(1, 1.0)`": lambda step: of_optax(step, "linear_onecycle_schedule", 1, 1.0),
    "`exponential_decay(0.1, 41, 0.5, staircase=True)`, jitted": lambda step: jitted(
        step, "exponential_decay", 0.1, 41, 0.5, staircase=True
    ),
    "`polynomial_schedule(0.1, 0.0, 0.5, 41)`, jitted": lambda step: jitted(
        step, "polynomial_schedule", 0.1, 0.0, 0.5, 41
    ),
    "`linear_schedule(0.1, 0.0, 2**26)`": lambda step: of_optax(step, "linear_schedule", 0.1, 0.0, 2**26),
    "`exponential_decay(0.1, 2**30, 0.5)` of the optimizer's count": counted,
    "`MultiStepParamScheduler([0.1, 0.01], milestones=[5 * 10**6, 10**7])`": of_fvcore,
    '`CosineAnnealingWarmRestartsScheduler("5ba", 1.5)`': of_composer,
    "`PolynomialDecay(0.1, 2**26, 0.0)`": lambda step: of_keras(step, "PolynomialDecay", 0.1, 2**26, 0.0),
    "`CosineDecayRestarts(0.1, 1, 2.0)`": lambda step: of_keras(step, "CosineDecayRestarts", 0.1, 1, 2.0),
    "`PiecewiseConstantDecay([30], [0.1, 0.01])`": lambda step: of_keras(
        step, "PiecewiseConstantDecay", [30], [0.1, 0.01]
    ),
}


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """No model is trained here, so no optimizer takes a step, of which torch warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.mark.parametrize("row", differences(), ids=lambda row: row.theirs)
def test_rates_are_those_of_the_page(row: Difference) -> None:
    if row.its_rate == "OverflowError":
        with pytest.raises(OverflowError):
            RATES[row.theirs](row.step)
    else:
        assert is_shown(RATES[row.theirs](row.step), row.its_rate)
    assert is_shown(eval(row.ours, dict(OURS))(row.step), row.our_rate)
    assert row.its_rate != row.our_rate


def test_every_row_is_run() -> None:
    assert sorted(row.theirs for row in differences()) == sorted(RATES)


def test_versions_are_those_of_the_page() -> None:
    versions = dict(
        re.findall(r"^## (\S+) ([\d.]\S*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert set(versions) == {row.package for row in differences()}
    for package, version in versions.items():
        if importlib.util.find_spec({"mosaicml": "composer"}.get(package, package)) is None:
            peer(package)
        assert importlib.metadata.version(package).partition("+")[0] == version


@pytest.mark.parametrize(
    ("rate", "shown", "same"),
    [
        (0.1, "0.1", True),
        (0.100004, "0.1", True),
        (0.10004, "0.1", False),
        (1e-13, "0.0", True),
        (1e-4, "0.0", False),
    ],
)
def test_digits_that_are_shown(rate: float, shown: str, same: bool) -> None:
    assert is_shown(rate, shown) == same
