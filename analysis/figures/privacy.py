"""Accuracy over epsilon: what privacy costs."""

import numpy as np
from matplotlib.lines import Line2D

from ..errors import NothingToDraw
from ..statistics import spread
from ..study import Study
from . import style

_SPENT = "privacy/rounds"


@style.styled
def accuracy_over_epsilon(study: Study) -> style.PrintedFigure:
    """Final test accuracy of private runs over the epsilon that all their rounds cost.

    By the upper bound; error bars are one standard deviation over seeds. A dashed line is the
    mean of the runs that promise nothing.
    """
    study = study.replicates()
    runs, spent = study.runs, study.tables.get(_SPENT)
    if spent is None or spent.empty or not style.has(runs, "federated_test_accuracy"):
        raise NothingToDraw("no run under differential privacy holds a test accuracy")
    epsilon = spent.groupby("run")["epsilon_upper"].last().replace(np.inf, np.nan)
    runs = runs.assign(epsilon=runs["run"].map(epsilon).astype(float))
    private = runs.dropna(subset=["epsilon", "federated_test_accuracy"])
    if private.empty:
        raise NothingToDraw("no run has a finite epsilon")
    # Of one condition only rounding tells the seeds' epsilons apart.
    means = spread(private, ["condition"], "federated_test_accuracy")
    means["epsilon"] = means["condition"].map(private.groupby("condition")["epsilon"].max())
    means = means.sort_values("epsilon")
    figure, ((axes,),) = style.canvas(3.0)
    look = {"color": style.MODEL_COLOUR["federated"], "marker": "o"}
    errors = np.nan_to_num(means["std"].astype(float))
    axes.errorbar(
        means["epsilon"],
        means["mean"],
        yerr=errors if errors.any() else None,
        capsize=3,
        elinewidth=1.2,
        **look,
    )
    handles = [Line2D([], [], label="Differentially private", **look)]
    others = runs[~runs["run"].isin(spent["run"])]["federated_test_accuracy"].dropna()
    if not others.empty:
        handles.append(
            axes.axhline(
                others.mean(), color="0.4", linestyle="--", gid=style.GUIDE, label="Not private"
            )
        )
    axes.set_xscale("log")
    axes.set_xlabel(f"\u03b5 at \u03b4 = {private_delta(spent)}")
    axes.set_ylabel("Final test accuracy")
    figure.handles = handles
    figure.headline = "What privacy costs"
    replicated = style.has_replicates(study)
    figure.notes = [
        "mean \u00b1 standard deviation over seeds" if replicated else "",
        style.unfinished_note(study),
    ]
    return figure


def private_delta(spent) -> str:
    """The runs' delta, or that they have several."""
    deltas = sorted(set(spent["delta"]))
    return f"{deltas[0]:g}" if len(deltas) == 1 else "that of each run"
