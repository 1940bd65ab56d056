"""A torch optimizer trains with the very rates of the schedule, whatever happens on the way."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import warnings
import weakref
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from draws import draws
from peers import peer
from reference import some_schedule

import lrdecay_native as lrd

torch = peer("torch")
from torch.optim import lr_scheduler  # noqa: E402
from torch_adapter.training import applied, give_gradients, optimizer, trained, weights  # noqa: E402

from lrdecay_native.torch import TorchSchedule  # noqa: E402

PLAN = lrd.CosineDecay(0.1, 90).warmup(10)


@pytest.fixture(autouse=True)
def _without_warnings() -> Iterator[None]:
    """No warning where there is no fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # torch.compile's own.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        # Of checkpoints that one process writes.
        warnings.filterwarnings("ignore", "torch.distributed is disabled")
        yield


class TestRates:
    def test_those_applied_are_those_of_the_schedule(self, random: Random) -> None:
        for _ in range(draws(300)):
            schedule = some_schedule(random)
            sgd = optimizer()
            scheduler = TorchSchedule(sgd, schedule)
            assert trained(sgd, scheduler, 12) == [[schedule(step)] for step in range(12)], schedule

    def test_a_jump_leads_where_steps_lead(self, random: Random) -> None:
        for _ in range(draws(300)):
            schedule = some_schedule(random)
            sgd = optimizer()
            scheduler = TorchSchedule(sgd, schedule)
            for _ in range(4):
                step = random.choice([random.randrange(2000), random.randrange(2**40)])
                scheduler.step(step)
                assert scheduler.last_epoch == step
                assert trained(sgd, scheduler, 3) == [[schedule(step + k)] for k in range(3)], (
                    schedule,
                    step,
                )

    def test_far_out(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, lrd.InverseTimeDecay(0.1, 1.0, decay_steps=3), first_step=2**63 - 3)
        assert trained(sgd, scheduler, 2) == [
            [lrd.InverseTimeDecay(0.1, 1.0, decay_steps=3)(2**63 - 3 + k)] for k in (0, 1)
        ]
        assert applied(sgd) == [lrd.InverseTimeDecay(0.1, 1.0, decay_steps=3)(2**63 - 1)]
        with pytest.raises(ValueError, match="must be a step from 0 to below 2"):
            scheduler.step()
        assert scheduler.last_epoch == 2**63 - 1

    def test_a_step_between_whole_ones(self) -> None:
        sgd = optimizer()
        TorchSchedule(sgd, PLAN).step(5.5)
        assert applied(sgd) == [PLAN(5.5)]

    @pytest.mark.parametrize("step", [np.int64(30), np.float32(30.0), torch.tensor(30).item(), 30.0])
    def test_a_step_of_any_kind_of_number_is_stored_as_a_plain_one(self, step: Any) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN, first_step=np.int64(7))
        assert type(scheduler.state_dict()["step"]) is int
        scheduler.step(step)
        assert type(scheduler.state_dict()["step"]) is int
        assert trained(sgd, scheduler, 2) == [[PLAN(30)], [PLAN(31)]]

    def test_of_a_first_step(self) -> None:
        sgd = optimizer()
        assert trained(sgd, TorchSchedule(sgd, PLAN, first_step=40), 2) == [[PLAN(40)], [PLAN(41)]]

    def test_set_before_a_step_as_torch_lets_one(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        scheduler.last_epoch = 29
        applied(sgd)
        scheduler.step()
        assert applied(sgd) == [PLAN(30)]

    def test_of_a_formula_without_a_value_further_on(self) -> None:
        pytest.importorskip("numba")

        @lrd.own_formula
        def until(step, last):  # type: ignore[no-untyped-def]
            return 0.1 if step <= last else float("nan")

        sgd = optimizer()
        scheduler = TorchSchedule(sgd, until(3))
        assert trained(sgd, scheduler, 3) == [[0.1]] * 3
        applied(sgd)
        with pytest.raises(ValueError, match="is nan"):
            scheduler.step()
        assert scheduler.last_epoch == 3

    def test_that_are_read_back(self) -> None:
        sgd = optimizer(2)
        scheduler = TorchSchedule(sgd, PLAN, first_step=20)
        assert scheduler.get_last_lr() == scheduler.get_lr() == [PLAN(20)] * 2
        assert isinstance(scheduler, lr_scheduler.LRScheduler)
        assert repr(scheduler) == f"<TorchSchedule of SGD at step 20: lr: {PLAN!r}>"
        assert scheduler.schedules == {"lr": PLAN}


class TestUpdatesCount:
    def test_a_second_call_stays(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        for step in range(5):
            assert applied(sgd) == [PLAN(step)]
            for _ in range(3):
                scheduler.step()

    def test_unless_each_call_is_to_count(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN, advance_always=True)
        for step in range(5):
            assert applied(sgd) == [PLAN(3 * step)]
            for _ in range(3):
                scheduler.step()

    def test_gradients_that_accumulate(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        found = []
        for batch in range(12):
            if batch % 4 == 3:
                found += applied(sgd)
            else:
                give_gradients(sgd)
            scheduler.step()
        assert found == [PLAN(0), PLAN(1), PLAN(2)]

    def test_epochs(self) -> None:
        plan = lrd.StepDecay(0.1, 0.5, 1)
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, plan)
        found = []
        for _ in range(3):
            found += [applied(sgd) for _ in range(4)]
            scheduler.step()
        assert found == [[plan(epoch)] for epoch in range(3) for _ in range(4)]

    @pytest.mark.parametrize("skipped", [[0, 1, 5], [3], []])
    def test_updates_that_a_gradient_scaler_skips(self, skipped: list[int]) -> None:
        sgd = optimizer()
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        scheduler = TorchSchedule(sgd, PLAN)
        found = []
        for batch in range(8):
            (weight,) = weights(sgd)
            weight.data.zero_()
            sgd.zero_grad()
            scaler.scale((weight * (float("inf") if batch in skipped else 1.0)).sum()).backward()
            scaler.step(sgd)
            scaler.update()
            scheduler.step()
            if batch not in skipped:
                found.append(-weight.item())
        assert found == [PLAN(step) for step in range(8 - len(skipped))]

    def test_a_step_before_the_first_of_the_optimizer_warns_once(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        with pytest.warns(UserWarning, match=r"call optimizer.step\(\) first") as warned:
            scheduler.step()
        assert warned[0].filename == __file__
        scheduler.step()
        # The order of old programs: each update has its own rate all the same.
        for step in range(3):
            scheduler.step()
            assert applied(sgd) == [PLAN(step)]

    def test_an_optimizer_whose_updates_cannot_be_seen(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        for _ in range(99):
            give_gradients(sgd)
            scheduler.step()
        with pytest.warns(
            UserWarning, match="called 100 times, and no update .* still at step 0, and TorchSchedule"
        ):
            scheduler.step()
        # And not again, nor once updates are seen.
        for _ in range(200):
            scheduler.step()
        trained(sgd, scheduler, 2)
        for _ in range(200):
            scheduler.step()
        assert applied(sgd) == [PLAN(2)]

    def test_a_wrapper_without_hooks(self) -> None:
        class Wrapper(torch.optim.Optimizer):  # type: ignore[misc,name-defined]
            def __init__(self, own: Any) -> None:
                self.own = own
                self.param_groups = own.param_groups

        sgd = optimizer(learning_rate=0.75)
        with pytest.raises(
            TypeError, match=r"Wrapper, which has no hooks of .*: give the optimizer that it wraps"
        ):
            TorchSchedule(Wrapper(sgd), PLAN)
        assert sgd.param_groups[0]["lr"] == 0.75
        assert "initial_lr" not in sgd.param_groups[0]

    def test_a_step_that_others_have_wrapped(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        own = sgd.step
        calls = []

        def wrapped(*arguments: Any) -> Any:
            calls.append(arguments)
            return own(*arguments)

        sgd.step = wrapped
        assert trained(sgd, scheduler, 3) == [[PLAN(step)] for step in range(3)]
        assert len(calls) == 3
        other = optimizer()
        other.step = lambda: type(other).step(other)
        assert trained(other, TorchSchedule(other, PLAN), 3) == [[PLAN(step)] for step in range(3)]


class TestTensors:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_are_written_in_place(self, dtype: Any) -> None:
        rate = torch.tensor(1.0, dtype=dtype)
        sgd = optimizer(2, learning_rate=rate)
        held = [group["lr"] for group in sgd.param_groups]
        scheduler = TorchSchedule(sgd, PLAN)
        for step in range(4):
            assert applied(sgd) == [torch.tensor(PLAN(step), dtype=dtype).item()] * 2
            scheduler.step()
        assert all(group["lr"] is own for group, own in zip(sgd.param_groups, held, strict=True))
        last = scheduler.get_last_lr()
        last[0].zero_()
        assert sgd.param_groups[0]["lr"] == torch.tensor(PLAN(4), dtype=dtype)

    def test_also_those_that_come_with_a_state(self) -> None:
        stored = optimizer(learning_rate=torch.tensor(0.5)).state_dict()
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        sgd.load_state_dict(stored)
        scheduler.step(30)
        assert isinstance(sgd.param_groups[0]["lr"], torch.Tensor)
        assert sgd.param_groups[0]["lr"].item() == torch.tensor(PLAN(30)).item()

    def test_a_compiled_step_is_compiled_once(self) -> None:
        import torch._dynamo.testing

        torch._dynamo.reset()
        counter = torch._dynamo.testing.CompileCounter()
        sgd = optimizer(learning_rate=torch.tensor(1.0, dtype=torch.float64))
        scheduler = TorchSchedule(sgd, PLAN)

        @torch.compile(backend=counter)  # type: ignore[untyped-decorator]
        def update() -> None:
            sgd.step()

        found = []
        for _ in range(12):
            give_gradients(sgd)
            update()
            found.append(-weights(sgd)[0].item())
            scheduler.step()
        assert found == [PLAN(step) for step in range(12)]
        assert counter.frame_count == 1


class TestStates:
    def stored(self, state: Any) -> Any:
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        return torch.load(file, weights_only=True)

    def test_a_run_goes_on(self, random: Random) -> None:
        for _ in range(draws(100)):
            schedule = some_schedule(random)
            before = random.randrange(30)
            sgd = optimizer(momentum=0.0)
            scheduler = TorchSchedule(sgd, schedule)
            trained(sgd, scheduler, before)
            states = [(sgd, "optimizer"), (scheduler, "scheduler")]
            stored = {name: self.stored(each.state_dict()) for each, name in states}
            sgd = optimizer(momentum=0.0)
            scheduler = TorchSchedule(sgd, lrd.from_json(schedule.to_json()))
            # In either order.
            for each, name in random.sample([(sgd, "optimizer"), (scheduler, "scheduler")], 2):
                each.load_state_dict(stored[name])
            assert trained(sgd, scheduler, 3) == [[schedule(before + k)] for k in range(3)], schedule

    def test_in_the_midst_of_an_update(self) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        applied(sgd)
        stored = scheduler.state_dict()
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        scheduler.load_state_dict(stored)
        scheduler.step()
        assert applied(sgd) == [PLAN(1)]

    def test_is_small_and_plain(self) -> None:
        state = TorchSchedule(optimizer(), PLAN, quantities={"momentum": lrd.Constant(0.9)}).state_dict()
        assert len(pickle.dumps(state)) < 2048
        assert state == {
            "version": 1,
            "step": 0,
            "updated": False,
            "plan": {
                "lr": {"schedule": PLAN.to_dict()},
                "momentum": {"schedule": lrd.Constant(0.9).to_dict()},
            },
        }

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda s: s | {"version": 2}, "version=2 is unknown; this release reads version 1"),
            (lambda s: {"last_epoch": 3, "_last_lr": [0.1]}, "that of a scheduler of torch's"),
            (lambda s: s | {"more": 1}, "must have the entries version, step, updated, plan"),
            (lambda s: s | {"step": -1}, "step=-1 must be a step"),
            (
                lambda s: TorchSchedule(optimizer(), lrd.CosineDecay(0.1, 80).warmup(10)).state_dict(),
                "lr.schedule.schedule.decay_steps is 90 here, and 80 in the state",
            ),
            (
                lambda s: TorchSchedule(optimizer(), lrd.Constant(0.1)).state_dict(),
                "lr.schedule.class is 'Warmup' here, and 'Constant' in the state",
            ),
        ],
    )
    def test_what_is_refused(self, change: Any, message: str) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN, first_step=7)
        with pytest.raises(ValueError, match=message):
            scheduler.load_state_dict(change(scheduler.state_dict()))
        assert (scheduler.last_epoch, applied(sgd)) == (7, [PLAN(7)])

    def test_of_another_plan_if_told(self) -> None:
        stored = TorchSchedule(optimizer(), lrd.Constant(0.1), first_step=12).state_dict()
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        scheduler.load_state_dict(stored, another_plan=True)
        assert applied(sgd) == [PLAN(12)]

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
    def test_copies_train_by_themselves(self, copied: Any) -> None:
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        trained(sgd, scheduler, 5)
        other = copied(scheduler)
        assert trained(other.optimizer, other, 3) == [[PLAN(5 + k)] for k in range(3)]
        assert trained(sgd, scheduler, 2) == [[PLAN(5)], [PLAN(6)]]

    def test_distributed_checkpoints(self, tmp_path: Any) -> None:
        import torch.distributed.checkpoint as dcp

        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        trained(sgd, scheduler, 5)
        dcp.save({"scheduler": scheduler}, checkpoint_id=tmp_path, no_dist=True)
        sgd = optimizer()
        scheduler = TorchSchedule(sgd, PLAN)
        dcp.load({"scheduler": scheduler}, checkpoint_id=tmp_path, no_dist=True)
        assert applied(sgd) == [PLAN(5)]


def test_no_circle_keeps_a_model() -> None:
    gc.collect()
    gc.disable()
    try:
        sgd = optimizer()
        weight = weakref.ref(weights(sgd)[0])
        scheduler = TorchSchedule(sgd, PLAN)
        trained(sgd, scheduler, 2)
        del scheduler
        assert not sgd._optimizer_step_post_hooks
        del sgd
        assert weight() is None
    finally:
        gc.enable()


class TestAmongTorchs:
    def test_in_a_sequence_of_theirs(self) -> None:
        sgd = optimizer(learning_rate=0.1)
        first = TorchSchedule(sgd, lrd.LinearDecay(0.01, 5, end_learning_rate=0.1))
        second = TorchSchedule(sgd, PLAN)
        scheduler = lr_scheduler.SequentialLR(sgd, [first, second], [5])
        expected = [lrd.LinearDecay(0.01, 5, end_learning_rate=0.1)(k) for k in range(5)] + [
            PLAN(k) for k in range(6)
        ]
        assert trained(sgd, scheduler, 11) == [[rate] for rate in expected]

    def test_averaged_weights_begin_at_ours(self) -> None:
        sgd = optimizer(learning_rate=0.5)
        scheduler = TorchSchedule(sgd, PLAN)
        trained(sgd, scheduler, 20)
        averaging = torch.optim.swa_utils.SWALR(sgd, swa_lr=0.01, anneal_epochs=4, anneal_strategy="linear")
        rates = [rate for (rate,) in trained(sgd, averaging, 6)]
        assert rates[0] == PLAN(20)
        assert rates[4:] == pytest.approx([0.01, 0.01])
        assert rates[:5] == sorted(rates[:5], reverse=True)
