"""The learning-rate range test: at which rates a model learns, before it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim import Optimizer

from lrdecay_native.formulas.synonyms import known_by_name
from lrdecay_native.messages import shown
from lrdecay_native.monitoring.finding import LearningRateFinding, RangeTest
from lrdecay_native.torch.arguments import optimizer_given
from lrdecay_native.torch.quantities import LEARNING_RATE
from lrdecay_native.torch.snapshots import unchanged


@known_by_name
def find_learning_rate(
    model: torch.nn.Module,
    loader: Iterable[Any],
    *,
    optimizer: Optimizer,
    loss: Callable[[Any, Any], Any] | None = None,
    step_function: Callable[[Any], Any] | None = None,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int = 200,
    smoothing: float = 0.9,
    divergence: float = 4.0,
    verbose: int = 1,
) -> LearningRateFinding:
    """Train for a few steps at rates that grow exponentially, and see where the loss falls.

    Step ``i`` has the rate ``lowest * (highest / lowest) ** (i / (steps - 1))`` in all parameter groups.  Afterwards
    all is what it was: the weights, the buffers, the gradients, the optimizer, the modes of the modules, and the
    random numbers of Python, NumPy and PyTorch.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    loader : iterable of batches
        Such as a ``DataLoader``; where it ends before ``steps``, its batches are taken again from the first.
    optimizer : torch.optim.Optimizer
        The optimizer of the model's parameters; its own rates aren't used.
    loss : callable, optional
        ``loss(model(x), y)``, for batches ``(x, y)``.
    step_function : callable, optional
        In place of ``loss``: takes a batch, makes a whole step of training, also the optimizer's, and returns the
        loss.
    lowest, highest : float, default 1e-7 and 10
        The rates of the first and the last step, from 1e-100 to 1e100.
    steps : int, default 200
        The number of steps, at least 10.
    smoothing : float, default 0.9
        The weight of the past in the average of the losses, from 0 to below 1.
    divergence : float, default 4
        Stop when the smoothed loss is above this many times its lowest, above 1; a loss that is infinite or NaN
        always ends it.
    verbose : {0, 1}, default 1
        Whether to show a bar of progress, where the package rich is installed.

    Returns
    -------
    LearningRateFinding
        The rates, the losses, a suggestion, a plot.

    Raises
    ------
    ValueError, TypeError
        For a parameter out of range or of a wrong kind, and for batches that end and can't be taken again.

    Notes
    -----
    The optimizer begins as it is, with its momenta.  A scheduler that ``step_function`` calls is a part of what it
    trains with, and isn't put back.

    References
    ----------
    L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3,
    https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> import torch
    >>> from lrdecay_native.torch import find_learning_rate
    >>> generator = torch.Generator().manual_seed(1)
    >>> x = torch.randn(512, 4, generator=generator)
    >>> y = x @ torch.tensor([[1.0], [-2.0], [3.0], [0.5]])
    >>> model = torch.nn.Linear(4, 1)
    >>> optimizer = torch.optim.SGD(model.parameters())
    >>> batches = list(zip(x.split(32), y.split(32)))
    >>> finding = find_learning_rate(
    ...     model, batches, optimizer=optimizer, loss=torch.nn.functional.mse_loss, steps=100, verbose=0
    ... )
    >>> 0.003 < finding.suggestion < 0.3
    True
    """
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model={shown(model)} must be a torch.nn.Module, not {type(model).__name__}")
    optimizer_given(optimizer)
    if (loss is None) == (step_function is None):
        raise ValueError(
            "loss=None or step_function=None must be a function, and not both: loss(output, target), or a whole step "
            "of training that returns its loss"
        )
    test = RangeTest(lowest, highest, steps, smoothing, divergence)
    step = step_function or _step_with(model, optimizer, loss)
    with unchanged(model, optimizer), _bar(test.steps, verbose) as advance:
        model.train()
        for number, batch in enumerate(_exactly(test.steps, loader)):
            for group in optimizer.param_groups:
                LEARNING_RATE.write(group, test.sweep(number))
            if not test.goes_on(number, float(step(batch))):
                break
            advance()
    return test.finding()


def _step_with(model: Any, optimizer: Optimizer, loss: Any) -> Callable[[Any], Any]:
    def step(batch: Any) -> Any:
        try:
            x, y = batch
        except (TypeError, ValueError):
            raise ValueError(
                f"loader must give batches (x, y) for loss(model(x), y), not {type(batch).__name__}; "
                "step_function takes others"
            ) from None
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value.detach()

    return step


def _exactly(steps: int, loader: Iterable[Any]) -> Iterator[Any]:
    given = 0
    while given < steps:
        before = given
        for batch in loader:
            yield batch
            given += 1
            if given == steps:
                return
        if given == before:
            raise ValueError(
                f"loader gave {given} batches and can't be taken again: steps={steps!r} must be lower"
            )


@contextmanager
def _bar(steps: int, verbose: int) -> Iterator[Callable[[], None]]:
    try:
        from rich.progress import Progress
    except ImportError:
        verbose = 0
    if not verbose:
        yield lambda: None
        return
    with Progress() as progress:
        task = progress.add_task("range test", total=steps)
        yield lambda: progress.advance(task)
