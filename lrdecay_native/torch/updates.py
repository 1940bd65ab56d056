"""Whether an optimizer has updated its parameters since one last asked."""

from __future__ import annotations

import weakref
from typing import Any

from torch.optim import Optimizer


class Updates:
    """Notes each update of an optimizer, also where its ``step`` was wrapped by others.

    Torch's own schedulers put a wrapper of theirs in the place of ``optimizer.step``, and warn where another one is.
    An optimizer's hook is called in each case.  It knows this object alone, which knows no model.
    """

    __slots__ = ("__weakref__", "ever", "made")

    def __init__(self, optimizer: Optimizer, made: bool = False) -> None:
        self.made = self.ever = made
        self._watch(optimizer)

    def _watch(self, optimizer: Any) -> None:
        noted = weakref.ref(self)

        def note(*_: object) -> None:
            updates = noted()
            if updates is not None:
                updates.made = updates.ever = True

        # Wrappers that are optimizers too, such as Accelerate's, have no hooks of their own.
        while not hasattr(optimizer, "_optimizer_step_post_hooks"):
            if not hasattr(optimizer, "optimizer"):
                raise TypeError(
                    f"optimizer is a {type(optimizer).__name__}, which has no hooks of torch.optim.Optimizer: give "
                    "the optimizer that it wraps"
                )
            optimizer = optimizer.optimizer
        handle = optimizer.register_step_post_hook(note)
        weakref.finalize(self, handle.remove).atexit = False
