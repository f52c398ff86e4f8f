"""The figures of the two studies: rounds to a target accuracy, and algorithms under skew."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .. import mcmahan, skew
from ..errors import NothingToDraw
from ..labels import show
from ..study import Study
from . import style


@style.styled
def rounds_to_target(study: Study) -> Figure:
    """The best accuracy so far over rounds, for each row of McMahan's table that was run.

    A curve a learning rate, and dotted where the paper's curve crossed its target. Over
    several seeds the curves are means.
    """
    tried = {row: mcmahan.conditions(study, row) for row in mcmahan.PUBLISHED}
    rows = [row for row, conditions in tried.items() if len(conditions)]
    if not rows:
        raise NothingToDraw("no run holds a test accuracy for a row of the table")
    columns = min(len(rows), 2)
    lines = -(-len(rows) // columns)
    figure, panels = style.canvas(
        5.4 * columns, 0.7 + 3.4 * lines, rows=lines, columns=columns, squeeze=False
    )
    for axes in panels.flat[len(rows) :]:
        axes.set_visible(False)
    for row, axes in zip(rows, panels.flat):
        _draw_row(axes, mcmahan.runs_of(study, row), row, tried[row])
    for axes in panels[:, 0]:
        axes.set_ylabel("Best test accuracy so far")
    style.headline(figure, "Rounds to a test accuracy, beside McMahan et al. 2017")
    guides = "dotted: target and published rounds"
    style.caption(figure, [guides, style.seed_note(study), style.unfinished_note(study)])
    return figure


@style.styled
def algorithms_under_skew(study: Study) -> Figure:
    """Test accuracy over rounds: a panel each Dirichlet alpha, a curve each algorithm."""
    runs = skew.compared(study)
    alphas = sorted(runs["alpha"].unique())
    colours = style.colours_of(runs["algorithm"])
    rounds = study.rounds.merge(runs[["run", "alpha", "algorithm"]], on="run")
    figure, panels = style.canvas(
        5.4 * len(alphas), 4.2, columns=len(alphas), squeeze=False, sharey=True
    )
    for axes, alpha in zip(panels[0], alphas):
        part = rounds[rounds["alpha"] == alpha]
        for (algorithm, _), curve in part.groupby(["algorithm", "condition"], sort=False):
            style.draw_mean(axes, curve, "round", "test_accuracy", color=colours[algorithm])
        axes.set_title(f"Dirichlet, alpha = {show(alpha)}")
        axes.set_xlabel("Round")
        style.count_axis(axes.xaxis)
    panels[0, 0].set_ylabel("Test accuracy")
    handles = [Line2D([], [], label=name, color=colour) for name, colour in colours.items()]
    panels[0, -1].legend(handles=handles, **style.BESIDE)
    style.headline(figure, "Algorithms under label skew")
    style.caption(figure, [style.seed_note(study), style.unfinished_note(study)])
    return figure


def _draw_row(axes: Axes, study: Study, row: mcmahan.Row, conditions: pd.DataFrame) -> None:
    rounds = study.rounds.assign(best=study.rounds.groupby("run")["test_accuracy"].cummax())
    conditions = conditions.sort_values("learning_rate")
    colours = style.colours_of(conditions["learning_rate"])
    for _, condition in conditions.iterrows():
        rate = condition["learning_rate"]
        style.draw_mean(
            axes,
            rounds[rounds["condition"] == condition["condition"]],
            "round",
            "best",
            color=colours[rate],
            label=f"lr={show(rate)}: {mcmahan.rounds_text(condition)}",
        )
    guide = {"color": style.GREY, "linestyle": ":", "linewidth": 1.2, "gid": style.GUIDE}
    axes.axhline(row.target, **guide)
    axes.axvline(row.rounds, **guide)
    # What matters is near the target, unless all curves end below it.
    axes.set_ylim(min(row.target, conditions["best_accuracy"].min()) - 0.06, 1.0)
    axes.set_title(f"{row.model}, {row.clients}: {row.target:.0%}, published {row.rounds}")
    axes.set_xlabel("Round")
    style.count_axis(axes.xaxis)
    axes.legend(loc="lower right")
