"""The state of a schedule in training, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrdecay_native import validation
from lrdecay_native.messages import shown

VERSION = 1
ENTRIES = ("version", "step", "updated", "plan")


def state_of(step: int | float, updated: bool, plan: dict[str, Any]) -> dict[str, Any]:
    return {"version": VERSION, "step": step, "updated": updated, "plan": plan}


def check_state(state: Any, plan: dict[str, Any], another_plan: bool) -> tuple[int | float, bool]:
    """The step, and whether an update was made since, of a state of this plan."""
    if not isinstance(state, Mapping):
        raise TypeError(f"state_dict={shown(state)} must be a dictionary, not {type(state).__name__}")
    if "plan" not in state and "last_epoch" in state:
        raise ValueError(
            "state_dict is that of a scheduler of torch's: load it into one, and call from_torch(scheduler)"
        )
    version = state.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version={shown(version)} is unknown; this release reads version {VERSION}")
    if set(state) != set(ENTRIES):
        raise ValueError(
            f"state_dict must have the entries {', '.join(ENTRIES)}, not {sorted(map(str, state))}"
        )
    if not another_plan:
        found = list(_differences(state["plan"], plan, ""))
        if found:
            raise ValueError(
                f"state_dict is of another plan: {'; '.join(found[:3])}{'; ...' if len(found) > 3 else ''}. "
                "load_state_dict(state, another_plan=True) goes on at its step with the plan of this object"
            )
    step = state["step"]
    validation.step("step", step)
    return step, validation.flag("updated", state["updated"])


def _differences(stored: Any, own: Any, name: str) -> Any:
    """Where two descriptions differ, as texts."""
    if isinstance(stored, Mapping) and isinstance(own, Mapping):
        for key in dict.fromkeys([*own, *stored]):
            inside = f"{name}.{key}" if name else str(key)
            if key not in own or key not in stored:
                yield f"{inside} is only in {'this object' if key in own else 'the state'}"
            else:
                yield from _differences(stored[key], own[key], inside)
    elif isinstance(stored, list) and isinstance(own, list) and len(stored) == len(own):
        for place, pair in enumerate(zip(stored, own, strict=True)):
            yield from _differences(*pair, f"{name}[{place}]")
    elif stored != own or type(stored) is not type(own):
        yield f"{name} is {shown(own)} here, and {shown(stored)} in the state"
