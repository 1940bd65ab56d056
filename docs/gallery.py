"""The gallery: every schedule and some plans of real runs, as pictures with the code that drew them.

``python docs/gallery.py`` (``make gallery``) writes docs/gallery.md and the pictures in docs/gallery/.  The code on
the page is the code that is run: each text below is executed as it stands, and draws by `Schedule.plot`.  Some of the
plans are also the picture of the README, docs/curves.svg.
"""

from __future__ import annotations

import ast
import doctest
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import lrdecay_native as lrd
from lrdecay_native.files import write_whole
from lrdecay_native.schedules.registry import all_schedules

PAGE = Path(__file__).with_suffix(".md")
PICTURES = Path(__file__).with_suffix("")
OVERVIEW = Path(__file__).with_name("curves.svg")

SECTIONS = {
    "decays": "Single formulas",
    "phases": "Rows of phases",
    "cycles": "Cycles",
    "tables": "Tables",
    "compositions": "Compositions",
}
"""The modules of the schedule classes, with the headings of their sections."""

STYLE = {
    "figure.figsize": (5.0, 2.2),
    "figure.constrained_layout.use": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.xmargin": 0.0,
    "grid.alpha": 0.3,
    "path.simplify_threshold": 0.3,
    "font.size": 8.0,
    # The names inside a file are hashes; without a salt of its own each run has others.
    "svg.hashsalt": "lrdecay_native",
}


def svg(figure: Figure) -> bytes:
    """A figure in SVG, without the date: the same bytes whenever it is drawn."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


@dataclass(frozen=True)
class Example:
    """A picture: its title, what is to be seen, and the code that makes ``schedule`` and draws it."""

    title: str
    sentence: str
    code: str

    @property
    def file(self) -> str:
        """The picture's file name."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") + ".svg"

    def run(self) -> lrd.Schedule:
        """Draw into the current axes; the schedule that was drawn."""
        namespace: dict[str, Any] = {"lrd": lrd}
        exec(compile(self.code, self.title, "exec"), namespace)
        schedule: lrd.Schedule = namespace["schedule"]
        return schedule

    def picture(self) -> bytes:
        """The picture, in SVG: the same bytes whenever it is drawn."""
        with plt.style.context(["default", STYLE]):
            figure = plt.figure()
            try:
                self.run()
                return svg(figure)
            finally:
                plt.close(figure)

    def markdown(self) -> str:
        """Its part of the page."""
        return (
            f"### {self.title}\n\n{self.sentence}\n\n"
            f"![{self.title}](gallery/{self.file})\n\n```python\n{self.code}```\n"
        )


CLASSES: dict[str, str] = {
    "Constant": """
        schedule = lrd.Constant(0.1)
        schedule.plot(1000)
    """,
    "StepDecay": """
        schedule = lrd.StepDecay(0.1, drop_rate=0.5, step_size=200)
        schedule.plot(1000)
        lrd.StepDecay(0.1, drop_rate=0.5, step_size=200, staircase=False).plot(1000)
    """,
    "ExponentialDecay": """
        schedule = lrd.ExponentialDecay(0.1, decay_rate=1.0, step_size=300)
        schedule.plot(1000)
    """,
    "InverseTimeDecay": """
        schedule = lrd.InverseTimeDecay(0.1, decay_rate=1.0, decay_steps=200)
        schedule.plot(1000)
        lrd.InverseTimeDecay(0.1, decay_rate=1.0, decay_steps=200, staircase=True).plot(1000)
    """,
    "PolynomialDecay": """
        schedule = lrd.PolynomialDecay(0.1, max_step=400, power=2.0)
        schedule.plot(1000)
        lrd.PolynomialDecay(0.1, max_step=400, power=2.0, cycle=True).plot(1000)
    """,
    "LinearDecay": """
        schedule = lrd.LinearDecay(0.1, 800, end_learning_rate=0.02)
        schedule.plot(1000)
    """,
    "CosineDecay": """
        schedule = lrd.CosineDecay(0.1, 800, end_learning_rate=0.01)
        schedule.plot(1000)
        lrd.CosineDecay(0.1, 800, end_learning_rate=0.01, exponent=2.0).plot(1000)
    """,
    "InverseSquareRootDecay": """
        schedule = lrd.InverseSquareRootDecay(0.1, 100)
        schedule.plot(1000)
    """,
    "PowerLawDecay": """
        schedule = lrd.PowerLawDecay(0.1, 0.75, decay_steps=100)
        schedule.plot(1000)
    """,
    "TanhDecay": """
        schedule = lrd.TanhDecay(0.1, 800)
        schedule.plot(1000)
    """,
    "RexDecay": """
        schedule = lrd.RexDecay(0.1, 800)
        schedule.plot(1000)
    """,
    "OneMinusSquareRootDecay": """
        schedule = lrd.OneMinusSquareRootDecay(0.1, 800)
        schedule.plot(1000)
    """,
    "LinearCosineDecay": """
        schedule = lrd.LinearCosineDecay(0.1, 800, num_periods=3.5)
        schedule.plot(1000)
    """,
    "MultiStepDecay": """
        schedule = lrd.MultiStepDecay(0.1, [300, 600, 800], drop_rate=0.3)
        schedule.plot(1000)
    """,
    "PiecewiseConstant": """
        schedule = lrd.PiecewiseConstant([200, 500, 800], [0.05, 0.1, 0.03, 0.01])
        schedule.plot(1000)
    """,
    "PiecewiseInterpolation": """
        schedule = lrd.PiecewiseInterpolation([0, 200, 600, 900], [0.01, 0.1, 0.06, 0.005])
        schedule.plot(1000)
        lrd.PiecewiseInterpolation([0, 200, 600, 900], [0.01, 0.1, 0.06, 0.005], shape="cosine").plot(1000)
    """,
    "WarmupStableDecay": """
        schedule = lrd.WarmupStableDecay(0.1, 100, 500, 300)
        schedule.plot(1000)
        lrd.WarmupStableDecay(0.1, 100, 500, 300, decay_shape="1-sqrt").plot(1000)
    """,
    "NoamDecay": """
        schedule = lrd.NoamDecay(512, 4000)
        schedule.plot(20_000)
    """,
    "OneCycle": """
        schedule = lrd.OneCycle(0.1, 1000)
        schedule.plot(1000)
        lrd.OneCycle(0.1, 1000, anneal_strategy="linear", three_phase=True).plot(1000)
    """,
    "CosineAnnealing": """
        schedule = lrd.CosineAnnealing(0.1, 300, end_learning_rate=0.01)
        schedule.plot(1000)
    """,
    "CosineRestarts": """
        schedule = lrd.CosineRestarts(0.1, 150, t_mul=2.0, m_mul=0.8)
        schedule.plot(1050)
    """,
    "Cyclic": """
        schedule = lrd.Cyclic(0.01, 0.1, 100)
        schedule.plot(1000)
        lrd.Cyclic(0.01, 0.1, 100, mode="triangular2").plot(1000)
    """,
    "Tabulated": """
        schedule = lrd.Tabulated([0.02, 0.1, 0.08, 0.05, 0.01], every=200)
        schedule.plot(1000)
        lrd.Tabulated([0.02, 0.1, 0.08, 0.05, 0.01], every=200, interpolation="previous").plot(1000)
    """,
    "Warmup": """
        schedule = lrd.CosineDecay(0.1, 800).warmup(200)
        schedule.plot(1000)
        lrd.CosineDecay(0.1, 800).warmup(200, start=0.001, shape="exponential").plot(1000)
    """,
    "Joined": """
        schedule = lrd.Constant(0.1).then(lrd.ExponentialDecay(0.05, 0.003), at=400)
        schedule.plot(1000)
    """,
    "Scaled": """
        plain = lrd.CosineDecay(0.1, 800)
        schedule = plain.scaled(0.5)  # or 0.5 * plain
        plain.plot(1000)
        schedule.plot(1000)
    """,
    "Clipped": """
        plain = lrd.CosineDecay(0.1, 800)
        schedule = plain.clipped(lowest=0.02, highest=0.08)
        plain.plot(1000)
        schedule.plot(1000)
    """,
    "PerEpoch": """
        in_epochs = lrd.CosineDecay(0.1, 8)
        schedule = in_epochs.per_epoch(100, staircase=True)
        in_epochs.per_epoch(100).plot(1000)
        schedule.plot(1000)
    """,
    "Restarted": """
        schedule = lrd.CosineDecay(0.1, 250, end_learning_rate=0.01).restarted(250, factor=0.8)
        schedule.plot(1000)
    """,
    "Shifted": """
        plain = lrd.LinearDecay(0.1, 600)
        schedule = plain.shifted(300)
        plain.plot(1000)
        schedule.plot(1000)
        plain.shifted(-300).plot(1000)
    """,
    "Reversed": """
        plain = lrd.OneMinusSquareRootDecay(0.1, 600)
        schedule = plain.reversed(600)
        plain.plot(1000)
        schedule.plot(1000)
    """,
    "Stretched": """
        plain = lrd.CosineDecay(0.1, 400).warmup(100)
        schedule = plain.stretched(to=1000)
        plain.plot(1000)
        schedule.plot(1000)
    """,
    "KDecay": """
        plain = lrd.CosineDecay(0.1, 800)
        schedule = plain.k_decay(2.0, decay_steps=800)
        plain.plot(1000)
        schedule.plot(1000)
    """,
    "CooledDown": """
        plain = lrd.InverseSquareRootDecay(0.1, 200)
        schedule = plain.cooled_down(at=600, steps=300)
        plain.plot(1000)
        schedule.plot(1000)
    """,
    "Sum": """
        schedule = lrd.ExponentialDecay(0.08, 0.005) + lrd.Cyclic(0.01, 0.02, 100)
        schedule.plot(1000)
    """,
    "Product": """
        schedule = lrd.LinearDecay(1.0, 1000) * lrd.Cyclic(0.02, 0.1, 50)
        schedule.plot(1000)
    """,
}
"""The code of schedule classes; ``schedule`` is of that class.  Others are drawn as in their docstring's example."""

PLANS = [
    (
        "Linear warm-up, then cosine",
        "What most transformers and vision models train with. `decay_steps` is without the warm-up.",
        """
        schedule = lrd.CosineDecay(0.001, 9000, end_learning_rate=0.0001).warmup(1000)
        schedule.plot(11_000)
        """,
    ),
    (
        "Warm-up, stable, decay with a 1-sqrt cool-down",
        "The length of the run may be chosen while it runs: the stable phase is the same for all.",
        """
        schedule = lrd.WarmupStableDecay(0.001, 500, 7500, 2000, decay_shape="1-sqrt")
        schedule.plot(11_000)
        """,
    ),
    (
        "Warm restarts, with a warm-up each time",
        "A cycle is a schedule like any other, and so is its repetition.",
        """
        schedule = lrd.CosineDecay(0.1, 2000).warmup(300).restarted(2300)
        schedule.plot(9200)
        """,
    ),
    (
        "Restarts whose peaks decay",
        "SGDR with cycles that get longer and peaks that get lower; after four of them the end rate stays.",
        """
        schedule = lrd.CosineRestarts(
            0.1, 1000, t_mul=1.5, peak_mul=0.7, end_learning_rate=0.005, cycle_limit=4
        )
        schedule.plot(9000)
        """,
    ),
    (
        "Step decay in epochs, with a floor",
        "Written in epochs: halved every 5 epochs, never below 0.004. An epoch has 391 steps.",
        """
        schedule = lrd.StepDecay(0.1, drop_rate=0.5, step_size=5).clipped(lowest=0.004).per_epoch(391)
        schedule.plot(30 * 391)
        """,
    ),
    (
        "The recipe of ResNet",
        "A warm-up of 5 epochs, and a tenth of the rate at epochs 30, 60 and 80. Epochs count from the beginning.",
        """
        warmup = lrd.LinearDecay(0.1, 5, end_learning_rate=1.0)
        schedule = (warmup * lrd.MultiStepDecay(0.4, [30, 60, 80])).per_epoch(1252)
        schedule.plot(90 * 1252)
        """,
    ),
    (
        "Trapezoid",
        "A line up, a plateau, a line down.",
        """
        schedule = lrd.WarmupStableDecay(0.4, 1000, 6000, 3000)
        schedule.plot(11_000)
        """,
    ),
    (
        "One cycle",
        "Super-convergence: one rise, one fall, and a long way down.",
        """
        schedule = lrd.OneCycle(0.5, 10_000, pct_start=0.25)
        schedule.plot(10_000)
        """,
    ),
    (
        "Rates given at epochs",
        "Straight lines through rates at epochs 0, 5, 20 and 24; an epoch has 98 steps.",
        """
        schedule = lrd.PiecewiseInterpolation([0, 5, 20, 24], [0.0, 0.4, 0.04, 0.0]).per_epoch(98)
        schedule.plot(25 * 98)
        """,
    ),
    (
        "A plan for a new budget",
        "The same plan in half the steps and in one and a half times as many, warm-up included.",
        """
        plan = lrd.CosineDecay(0.001, 9000).warmup(1000)
        schedule = plan.stretched(to=15_000)
        plan.plot(16_000)
        schedule.plot(16_000)
        plan.stretched(to=5000).plot(16_000)
        """,
    ),
    (
        "A plan that goes on",
        "At step 6000 the budget grows to 15,000 steps: what was done stays, what is left is stretched.",
        """
        plan = lrd.CosineDecay(0.001, 9000).warmup(1000)
        schedule = plan.continued(from_step=6000, to=15_000)
        plan.plot(16_000)
        schedule.plot(16_000)
        """,
    ),
    (
        "A cool-down from any step",
        "One long run, and a cool-down wherever a model is wanted: it begins with the rate that is there.",
        """
        run = lrd.InverseSquareRootDecay(0.001, 2000).warmup(1000)
        for at in (3000, 6000, 9000):
            schedule = run.cooled_down(at, steps=1500)
            schedule.plot(11_000)
        """,
    ),
    (
        "A sum: decay to a floor without a kink",
        "Beside it the clipped schedule, which has the kink.",
        """
        schedule = lrd.StepDecay(0.09, 0.5, 1000, staircase=False) + lrd.Constant(0.01)
        schedule.plot(8000)
        lrd.StepDecay(0.1, 0.5, 1000, staircase=False).clipped(lowest=0.01).plot(8000)
        """,
    ),
    (
        "A product: waves that die out",
        "A cyclic schedule under an envelope. Any two schedules can be multiplied.",
        """
        schedule = lrd.Cyclic(0.02, 0.1, 250) * lrd.CosineDecay(1.0, 8000, end_learning_rate=0.05)
        schedule.plot(9000)
        """,
    ),
    (
        "k-decay",
        "The same cosine for k = 1, 2 and 4: the higher rates last longer.",
        """
        for k in (1, 2, 4):
            schedule = lrd.CosineDecay(0.1, 8000, end_learning_rate=0.001).k_decay(k, 8000)
            schedule.plot(9000)
        """,
    ),
    (
        "A smaller rate for the backbone",
        "Two schedules that can't drift apart: one is the other times a number.",
        """
        schedule = lrd.PolynomialDecay(0.01, max_step=9000, power=0.9).warmup(1000)
        schedule.plot(10_500)
        (0.1 * schedule).plot(10_500)
        """,
    ),
    (
        "A schedule through points",
        "From 0.1 to 0.01 in 90 epochs, by three formulas whose parameters are solved for.",
        """
        points = [(0, 0.1), (90, 0.01)]
        schedule = lrd.fit(lrd.StepDecay, points, step_size=90, staircase=False)
        schedule.plot(100)
        lrd.fit(lrd.InverseTimeDecay, points).plot(100)
        lrd.fit(lrd.PolynomialDecay, points, end_learning_rate=0.0).plot(100)
        """,
    ),
]
"""Titles, sentences and code of plans for real runs."""

SHOWN_FIRST = (
    "Linear warm-up, then cosine",
    "Warm-up, stable, decay with a 1-sqrt cool-down",
    "The recipe of ResNet",
    "Restarts whose peaks decay",
    "A product: waves that die out",
    "A plan that goes on",
)
"""The plans in the picture of the README."""


def class_examples(module: str) -> Iterator[Example]:
    """An example of each schedule class of a module of the library."""
    for name, cls in all_schedules().items():
        if cls.__module__.startswith(f"lrdecay_native.schedules.{module}"):
            summary = (cls.__doc__ or "").partition("\n")[0]
            code = dedent(CLASSES[name]).lstrip() if name in CLASSES else code_of_docstring(cls)
            yield Example(name, summary, code)


def code_of_docstring(cls: type[lrd.Schedule]) -> str:
    """Code that draws the first schedule of this class in its docstring's example."""
    examples = doctest.DocTestParser().get_examples(cls.__doc__ or "")
    nodes = (node for example in examples for node in ast.walk(ast.parse(example.source)))
    calls = (node for node in nodes if isinstance(node, ast.Call))
    made = next(
        (ast.unparse(call) for call in calls if ast.unparse(call.func) == f"lrd.{cls.__name__}"), None
    )
    if made is None:
        raise LookupError(f"{cls.__name__} needs an example in its docstring, or code in CLASSES")
    length = eval(made, {"lrd": lrd}).length
    stop = 1000 if not length else max(2, round(1.25 * length))
    return f"schedule = {made}\nschedule.plot({stop})\n"


def plans() -> Iterator[Example]:
    """The examples of plans for real runs."""
    for title, sentence, code in PLANS:
        yield Example(title, sentence, dedent(code).lstrip())


def sections() -> dict[str, list[Example]]:
    """The examples of each section of the page."""
    described = {heading: list(class_examples(module)) for module, heading in SECTIONS.items()}
    return {**described, "Plans for real runs": list(plans())}


def page() -> str:
    """The page, in markdown."""
    contents = "\n".join(
        f"- {heading}: {', '.join(_link(example.title) for example in examples)}"
        for heading, examples in sections().items()
    )
    return "\n".join(
        [
            "# Gallery\n",
            "Written by `make gallery`; not to be edited. The code under each picture is the code that drew it, "
            "after `import lrdecay_native as lrd`. The first curve is blue, the second orange, the third green.\n",
            "[schedules.md](schedules.md) has the formulas, the equals in other libraries and the rules at edges.\n",
            f"{contents}\n",
            *(
                f"## {heading}\n\n" + "\n".join(example.markdown() for example in examples)
                for heading, examples in sections().items()
            ),
        ]
    )


def _link(title: str) -> str:
    anchor = re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
    return f"[{title}](#{anchor})"


def pictures() -> dict[Path, bytes]:
    """Every picture by its path."""
    return {
        PICTURES / example.file: example.picture() for examples in sections().values() for example in examples
    }


def overview() -> bytes:
    """The picture of the README: some of the plans, side by side."""
    by_title = {example.title: example for example in plans()}
    with plt.style.context(["default", STYLE, {"figure.figsize": (9.0, 4.2)}]):
        figure, panels = plt.subplots(2, 3)
        try:
            for panel, title in zip(panels.flat, SHOWN_FIRST, strict=True):
                plt.sca(panel)
                by_title[title].run()
                panel.set_title(title.removesuffix(" with a 1-sqrt cool-down"), fontsize=9.0)
                panel.set(xlabel="", ylabel="")
                panel.locator_params(nbins=4)
            return svg(figure)
        finally:
            plt.close(figure)


def write() -> None:
    """Write the page and the pictures, and remove the pictures that it has no more."""
    plt.switch_backend("Agg")  # no window
    drawn = pictures()
    write_whole({PAGE: page().encode(), OVERVIEW: overview(), **drawn})
    for path in set(PICTURES.iterdir()) - set(drawn):
        path.unlink()
    print(f"wrote {PAGE} and {len(drawn)} pictures")


if __name__ == "__main__":
    write()
