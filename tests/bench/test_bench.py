"""The pure parts of the benchmarks: ratios, the baseline's comparison, limits and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from reference import CLASSES
from rich.console import Console

from bench.accuracy import worst_ulp
from bench.cases import Case
from bench.comparison import baseline_json, compare, kept, read_baseline, slower, tracked
from bench.limits import LIMITS, judgements
from bench.measurement import Measurement, Spread, measurements, paired_ratios
from bench.namespaces import InPlace, NumPyExpression
from bench.peers import FORMULA_SCHEDULES, expression_text
from bench.report import Sheet, changes_sheet, document, figures, lost_cases, peers, picture, requirements
from bench.subjects import KERNELS_MEASURED, SCHEDULES_MEASURED, kernel, swept_arguments, swept_schedules
from lrdecay_native import StepDecay
from lrdecay_native.formulas.catalogue import FORMULAS

MACHINE = {"processor": "a processor", "cores": 2, "system": "Linux", "python": "3.11", "numpy": "2.4"}
GRID = Case("grid", "StepDecay", "float64", 1_000_000, "cython")


def measured(case: Case, ratio: float, nanoseconds: float = 1.0) -> Measurement:
    spread = Spread(ratio, ratio * 0.9, ratio * 1.1)
    return Measurement(case, Spread(nanoseconds, nanoseconds, nanoseconds), {"fill": spread, "copy": spread})


def text(sheet: Sheet) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(sheet.rich())
    return capture.get()


def test_every_schedule_and_formula_is_measured() -> None:
    assert {type(schedule).__name__ for schedule in SCHEDULES_MEASURED.values()} >= set(CLASSES)
    assert set(KERNELS_MEASURED) == set(FORMULAS)


@pytest.mark.parametrize("formula", KERNELS_MEASURED)
def test_kernel_call_is_the_curve_of_its_schedule(formula: str) -> None:
    call = KERNELS_MEASURED[formula]
    steps = np.arange(0, 1_000_000, 1000)
    expected = SCHEDULES_MEASURED[call.schedule](steps)
    np.testing.assert_allclose(kernel(formula)(steps, **call.arguments), expected, rtol=1e-14)


@pytest.mark.parametrize("formula", KERNELS_MEASURED)
def test_sweep_is_the_curves_of_its_schedules(formula: str) -> None:
    call = KERNELS_MEASURED[formula]
    steps = np.arange(0, 1_000_000, 100_000)
    expected = [schedule(steps) for schedule in swept_schedules(call)]
    np.testing.assert_allclose(kernel(formula)(steps, **swept_arguments(call)), expected, rtol=1e-14)


def test_ratio_is_paired_by_round() -> None:
    spread = paired_ratios([2.0, 30.0, 4.0, 5.0, 6.0], [1.0, 10.0, 1.0, 1.0, 1.0])
    assert spread == Spread(median=4.0, lower=3.0, upper=5.0)


def test_measurements_are_read_from_the_report_of_pytest_benchmark() -> None:
    ratios = {"fill": {"median": 2.0, "lower": 1.5, "upper": 2.5}}
    case = {
        "operation": "grid",
        "schedule": "StepDecay",
        "dtype": "float64",
        "size": 10,
        "contender": "numba",
    }
    benchmark: dict[str, Any] = {
        "fullname": "test_native.py::test_grid",
        "stats": {"median": 4e-8, "q1": 3e-8, "q3": 5e-8},
        "extra_info": {"case": case, "values": 10, "ratios": ratios, "worst_ulp": 0.5},
    }
    (measurement,) = measurements({"benchmarks": [benchmark]})
    assert measurement.nanoseconds.median == pytest.approx(4.0)
    assert measurement.ratio == Spread(2.0, 1.5, 2.5)
    assert measurement.worst_ulp == 0.5


def test_a_slowed_case_is_flagged() -> None:
    baseline = {
        "slowed": Spread(1.0, 1.0, 1.0),
        "noisy": Spread(1.0, 1.0, 1.0),
        "gone": Spread(1.0, 1.0, 1.0),
    }
    now = {"slowed": Spread(1.21, 1.2, 1.3), "noisy": Spread(1.19, 1.1, 1.3), "added": Spread(9.0, 9.0, 9.0)}
    changes = {change.case: change.verdict for change in compare(baseline, now)}
    assert changes == {"slowed": "slower", "noisy": "same", "gone": "not measured", "added": "new"}
    assert [change.case for change in slower(compare(baseline, now))] == ["slowed"]
    assert compare(now, baseline)[-1].verdict == "faster"


def test_only_what_is_slower_twice_is_kept_as_slower() -> None:
    first, other = measured(GRID, 3.0), measured(replace(GRID, dtype="float32"), 1.0)
    assert kept([first, other], [measured(GRID, 1.0)]) == [measured(GRID, 1.0), other]
    assert kept([first, other], [measured(GRID, 4.0)]) == [first, other]


def test_baseline_holds_this_librarys_ratios() -> None:
    peer = measured(replace(GRID, contender="numexpr"), 50.0)
    machine, ratios = read_baseline(baseline_json([measured(GRID, 1.23456), peer], MACHINE))
    assert machine == MACHINE
    assert ratios == {str(GRID): Spread(1.235, 1.111, 1.358)}


def test_array_is_tracked_against_copy() -> None:
    ratios = {"fill": Spread(4.0, 4.0, 4.0), "copy": Spread(2.0, 2.0, 2.0)}
    array = Measurement(replace(GRID, operation="array"), Spread(1.0, 1.0, 1.0), ratios)
    assert tracked([array]) == {str(array.case): ratios["copy"]}


def test_table_lists_lost_cases() -> None:
    ours = measured(GRID, 2.0, nanoseconds=0.5)
    faster = measured(replace(GRID, contender="numba loop"), 1.0, nanoseconds=0.25)
    beaten = measured(replace(GRID, contender="numexpr"), 40.0, nanoseconds=10.0)
    rows = lost_cases([ours, faster, beaten]).rows
    assert [(row[2], row[4]) for row in rows] == [("numba loop", "slower: 0.5x")]
    (against,) = peers([ours, faster, beaten])
    assert against.rows == [
        ("numba loop", "float64", "slower: 0.5x (0.25 ns)"),
        ("numexpr", "float64", "20x (10 ns)"),
    ]
    assert "slower: 0.5x" in text(against)
    assert lost_cases([ours, beaten]).rows[0][0] == "nowhere"


def test_peers_that_take_a_vector_stand_beside_arrays_too() -> None:
    array = measured(replace(GRID, operation="array"), 1.0)
    peer = measured(replace(GRID, contender="NumPy in place"), 5.0, nanoseconds=5.0)
    assert peers_of(array, peer) == ["5x (5 ns)"]
    assert peers_of(array, replace(peer, case=replace(peer.case, dtype="float32"))) == []


def peers_of(ours: Measurement, peer: Measurement) -> list[str]:
    return [row[2] for sheet in peers([ours, peer]) for row in sheet.rows]


@pytest.mark.parametrize(("ratio", "verdict"), [(1.1, "pass"), (1.11, "short")])
def test_grid_limit(ratio: float, verdict: str) -> None:
    grid, *_ = figures([measured(GRID, ratio)])
    assert grid.rows[0][-1] == verdict
    assert requirements([measured(GRID, ratio)]).rows[0][-1].startswith(verdict)
    assert requirements([measured(GRID, ratio)]).rows[1][-1] == "not measured"


def test_worst_figure_comes_first() -> None:
    against_numpy = next(limit for limit in LIMITS if "NumPy expression" in limit.requirement)
    run = [
        measured(replace(GRID, dtype=dtype, contender=contender), 1.0, nanoseconds)
        for dtype, ours, theirs in (("float32", 1.0, 50.0), ("float64", 1.0, 30.0))
        for contender, nanoseconds in (("cython", ours), ("NumPy expression", theirs))
    ]
    judged = judgements(against_numpy, run)
    assert [(judgement.figure, judgement.passed) for judgement in judged] == [(30.0, False), (50.0, True)]


def test_changes_sheet_shows_missing_sides() -> None:
    changes = compare({"a | b": Spread(1.0, 1.0, 1.0)}, {"c": Spread(2.0, 2.0, 2.0)})
    assert changes_sheet(changes).rows == [
        ("a, b", "1.00 [1.00, 1.00]", "", "", "not measured"),
        ("c", "", "2.00 [2.00, 2.00]", "", "new"),
    ]


def test_document_holds_tables_and_picture() -> None:
    run = [
        measured(replace(GRID, dtype=dtype, size=size), 1.0)
        for dtype in ("float64", "float32")
        for size in (1_000, 1_000_000)
    ]
    page = document(list(figures(run)), MACHINE, "benchmarks.png", "a command").decode()
    assert "![Time against the number of steps](benchmarks.png)" in page
    assert "| StepDecay | float64 | 1,000,000 | cython |" in page
    assert picture(run).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FORMULA_SCHEDULES)
def test_every_namespace_makes_the_same_curve(name: str) -> None:
    schedule = SCHEDULES_MEASURED[name]
    steps = np.arange(0.0, 1_000_000.0, 1000.0)
    expected = schedule(steps)
    naive = schedule.evaluate(NumPyExpression(), steps)
    in_place = schedule.evaluate(NumPyExpression(), InPlace(steps, np.empty_like(steps)))
    written, numbers = expression_text(schedule)
    evaluated = eval(written, {"exp": np.exp, "minimum": np.minimum, "t": steps, **numbers})
    for values in (naive, in_place.array, evaluated):
        np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert in_place.array is in_place.buffer
    assert steps[1] == 1000.0


def test_worst_ulp_sees_a_wrong_last_bit() -> None:
    schedule = StepDecay(0.1, 0.96, 1000, staircase=False)
    values = schedule.values(1000)
    assert worst_ulp(schedule, values) < 0.56
    assert worst_ulp(schedule, np.nextafter(values, 1.0)) > 0.9


@pytest.mark.parametrize("name", SCHEDULES_MEASURED)
def test_accuracy_of_every_measured_schedule(name: str) -> None:
    schedule = SCHEDULES_MEASURED[name]
    assert worst_ulp(schedule, schedule.values(5000)) <= 0.51
    assert worst_ulp(schedule, schedule.values(5000, dtype=np.float32)) <= 0.51
