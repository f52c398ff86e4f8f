"""The figures of the two studies: rounds to a target accuracy, and algorithms under skew."""

from typing import Any, Dict

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .. import mcmahan, skew
from ..errors import NothingToDraw
from ..labels import show
from ..study import Study
from . import style


@style.styled
def rounds_to_target(study: Study) -> style.PrintedFigure:
    """The best accuracy so far over rounds, for each row of McMahan's table that was run.

    A curve a learning rate, and dotted where the paper's curve crossed its target. Over
    several seeds the curves are means.
    """
    tried = {row: mcmahan.conditions(study, row) for row in mcmahan.PUBLISHED}
    rows = [row for row, conditions in tried.items() if len(conditions)]
    if not rows:
        raise NothingToDraw("no run holds a test accuracy for a row of the table")
    columns = min(len(rows), 2)
    figure, panels = style.canvas(2.3, rows=-(-len(rows) // columns), columns=columns)
    for axes in panels.flat[len(rows) :]:
        axes.set_visible(False)
    rates = sorted({rate for row in rows for rate in tried[row]["learning_rate"]})
    colours = style.colours_of(pd.Series(rates))
    for row, axes in zip(rows, panels.flat):
        _draw_row(axes, mcmahan.runs_of(study, row), row, tried[row], colours)
    figure.handles = [
        Line2D([], [], label=f"learning rate {show(rate)}", color=colours[rate]) for rate in rates
    ]
    figure.headline = "Rounds to a test accuracy, beside McMahan et al. 2017"
    figure.notes = [
        "dotted: target and published rounds",
        style.seed_note(study),
        style.unfinished_note(study),
    ]
    return figure


@style.styled
def algorithms_under_skew(study: Study) -> style.PrintedFigure:
    """Test accuracy over rounds: a panel each Dirichlet alpha, a curve each algorithm."""
    runs = skew.compared(study)
    alphas = sorted(runs["alpha"].unique())
    colours = style.colours_of(runs["algorithm"])
    rounds = study.rounds.merge(runs[["run", "alpha", "algorithm"]], on="run")
    figure, panels = style.canvas(2.5, columns=len(alphas))
    for axes, alpha in zip(panels[0], alphas):
        part = rounds[rounds["alpha"] == alpha]
        for (algorithm, _), curve in part.groupby(["algorithm", "condition"], sort=False):
            style.draw_mean(axes, curve, "round", "test_accuracy", color=colours[algorithm])
        axes.set_title(f"Dirichlet, alpha = {show(alpha)}")
        axes.set_xlabel("Communication round")
        axes.set_ylabel("Test accuracy")
        style.count_axis(axes.xaxis)
    style.same_scale(panels[0])
    figure.handles = [Line2D([], [], label=name, color=colour) for name, colour in colours.items()]
    figure.headline = "Algorithms under label skew"
    figure.notes = [style.seed_note(study), style.unfinished_note(study)]
    return figure


def _draw_row(
    axes: Axes,
    study: Study,
    row: mcmahan.Row,
    conditions: pd.DataFrame,
    colours: Dict[Any, Any],
) -> None:
    rounds = study.rounds.assign(best=study.rounds.groupby("run")["test_accuracy"].cummax())
    for _, condition in conditions.sort_values("learning_rate").iterrows():
        curve = rounds[rounds["condition"] == condition["condition"]]
        style.draw_mean(axes, curve, "round", "best", color=colours[condition["learning_rate"]])
    guide = {"color": style.GREY, "linestyle": ":", "linewidth": 1.2, "gid": style.GUIDE}
    axes.axhline(row.target, **guide)
    axes.axvline(row.rounds, **guide)
    # What matters is near the target, unless all curves end below it.
    axes.set_ylim(min(row.target, conditions["best_accuracy"].min()) - 0.06, 1.0)
    best = conditions.iloc[0]
    reached = f"{mcmahan.rounds_text(best)} (lr={show(best['learning_rate'])})"
    axes.set_title(
        f"{row.model}, {row.clients}: rounds to {row.target:.0%}\n"
        f"published {row.rounds}, here {reached}"
    )
    axes.set_xlabel("Communication round")
    axes.set_ylabel("Best test accuracy so far")
    style.count_axis(axes.xaxis)
