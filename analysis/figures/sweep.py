"""Final accuracy over the number of local epochs, next to the published study."""

from typing import Dict, List

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .. import schema
from ..errors import NothingToDraw
from ..labels import describe_rows
from ..paper import PUBLISHED, is_repeated_by
from ..statistics import spread
from ..study import Study
from . import style

_MARKERS = "osD^vP"


@style.styled
def accuracy_over_epochs(study: Study) -> style.PrintedFigure:
    """Final test accuracy of both models over E, for the study's own runs with its ranges.

    Error bars are one standard deviation over seeds, small marks the single runs. What
    differs besides E makes a line of its own.
    """
    study = study.replicates()
    runs = study.runs
    if schema.EPOCHS not in runs:
        raise NothingToDraw(f"no run has the key {schema.EPOCHS}")
    others = [key for key in study.condition_keys if key != schema.EPOCHS]
    runs = runs.assign(kind=describe_rows(runs, others))
    models = [model for model in PUBLISHED if style.has(runs, f"{model}_test_accuracy")]
    if not models:
        raise NothingToDraw("no run holds a final test accuracy")

    figure, ((axes,),) = style.canvas(3.0)
    handles: List[Line2D] = []
    names = list(dict.fromkeys(runs["kind"]))
    step = 0.03 * max(np.ptp(runs[schema.EPOCHS].to_numpy(dtype=float)), 1.0)
    for model in models:
        colour = style.MODEL_COLOUR[model]
        for i, kind in enumerate(names):
            part = runs[runs["kind"] == kind]
            look = {
                "color": colour,
                "marker": _MARKERS[i % len(_MARKERS)],
                "linestyle": style.LINE_STYLES[i % len(style.LINE_STYLES)],
            }
            shift = step * (i - (len(names) - 1) / 2)
            _draw_series(axes, part, f"{model}_test_accuracy", shift, look)
            handles.append(
                Line2D([], [], label=", ".join(filter(None, [model.capitalize(), kind])), **look)
            )
        if is_repeated_by(study):
            low, high = PUBLISHED[model]
            label = f"Published, {model}: {low:.2f} to {high:.2f}"
            handles.append(
                axes.axhspan(
                    low, high, color=colour, alpha=0.12, linewidth=0, gid=style.GUIDE, label=label
                )
            )
    axes.set_xlabel("Local epochs a round, E")
    axes.set_ylabel("Final test accuracy")
    axes.set_xticks(sorted(runs[schema.EPOCHS].unique()))
    axes.margins(x=0.08)
    figure.handles = handles
    figure.headline = "Centralized against federated over E"
    replicated = style.has_replicates(study)
    note = (
        "mean \u00b1 standard deviation over seeds, small marks: single runs" if replicated else ""
    )
    figure.notes = [note, style.unfinished_note(study)]
    return figure


def _draw_series(
    axes: Axes, runs: pd.DataFrame, metric: str, shift: float, look: Dict[str, object]
) -> None:
    table = spread(runs, [schema.EPOCHS], metric).dropna(subset=["mean"]).sort_values(schema.EPOCHS)
    x = table[schema.EPOCHS].astype(float) + shift
    errors = np.nan_to_num(table["std"].astype(float))
    axes.errorbar(
        x, table["mean"], yerr=errors if errors.any() else None, capsize=3, elinewidth=1.2, **look
    )
    if (table["n"] > 1).any():
        single = runs[schema.EPOCHS].astype(float) + shift
        axes.plot(
            single,
            runs[metric],
            linestyle="",
            marker=look["marker"],
            markersize=2.6,
            markerfacecolor="white",
            markeredgewidth=0.7,
            color=look["color"],
            alpha=0.8,
        )
