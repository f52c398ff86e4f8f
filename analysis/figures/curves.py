"""Learning curves: the global model over rounds, the centralized one over epochs."""

from typing import List

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..errors import NothingToDraw
from ..study import Study
from . import style

#: The two histories: which frame, over what, and how they are drawn and named.
_GLOBAL = ("rounds", "round", "federated", "Global model (federated)")
_BASELINE = ("epochs", "epoch", "centralized", "Centralized baseline")


@style.styled
def federated_and_centralized(study: Study) -> Figure:
    """The global model over rounds and the baseline over epochs: accuracy and loss.

    A row of panels for each condition. Over several seeds the curves are means; the
    bands are one standard deviation. The legend gives the final accuracies.
    """
    study = study.replicates()
    conditions = [
        condition
        for condition in study.conditions
        if any(
            condition in style.with_values(study, frame, "test_accuracy")
            for frame in ("rounds", "epochs")
        )
    ]
    if not conditions:
        raise NothingToDraw("no run holds a test accuracy")
    figure, panels = style.canvas(
        10.0,
        0.7 + 3.6 * len(conditions),
        rows=len(conditions),
        columns=2,
        squeeze=False,
        sharex=True,
        sharey="col",
    )
    for (accuracy, loss), condition in zip(panels, conditions):
        suffix = f", {condition}" if study.condition_keys else ""
        handles = _draw_histories(accuracy, loss, study, condition)
        accuracy.legend(handles=handles, loc="lower right")
        _finish_panel(accuracy, "accuracy", f"Accuracy{suffix}")
        _finish_panel(loss, "loss", f"Cross-entropy loss{suffix}")
    for axes in panels[-1]:
        axes.set_xlabel("Round (federated) or epoch (centralized)")
    style.headline(figure, f"{style.set_name(study)}: federated against centralized")
    style.caption(figure, [style.seed_note(study), style.unfinished_note(study)])
    return figure


@style.styled
def global_model(study: Study, split: str = "test") -> Figure:
    """The global model's accuracy and loss over rounds, a curve a condition."""
    study = study.replicates()
    conditions = style.with_values(study, "rounds", f"{split}_accuracy")
    if not conditions:
        raise NothingToDraw(f"no run holds a {split} accuracy of the global model")
    figure, panels = style.canvas(10.0, 4.1, columns=2)
    for axes, measure in zip(panels, ("accuracy", "loss")):
        _draw_conditions(axes, study, conditions, "rounds", "round", f"{split}_{measure}")
        _finish_panel(axes, measure, measure.capitalize())
        axes.set_xlabel("Round")
    style.condition_legend(panels[-1], study, conditions)
    style.headline(figure, f"Global model over rounds, {split} set")
    style.caption(figure, [style.seed_note(study), style.unfinished_note(study)])
    return figure


@style.styled
def centralized_training(study: Study) -> Figure:
    """The centralized baseline over epochs: training and test, a curve a condition."""
    study = study.replicates()
    conditions = style.with_values(study, "epochs", "train_accuracy")
    if not conditions:
        raise NothingToDraw("no run holds a centralized baseline")
    splits = [split for split in ("train", "test") if style.has(study.epochs, f"{split}_accuracy")]
    figure, panels = style.canvas(
        10.0, 3.4 * len(splits), rows=len(splits), columns=2, squeeze=False
    )
    names = {"train": "Training set", "test": "Test set"}
    for split, row in zip(splits, panels):
        for axes, measure in zip(row, ("accuracy", "loss")):
            _draw_conditions(axes, study, conditions, "epochs", "epoch", f"{split}_{measure}")
            _finish_panel(axes, measure, f"{names[split]}: {measure}")
    for axes in panels[-1]:
        axes.set_xlabel("Epoch")
    style.condition_legend(panels[0, -1], study, conditions)
    style.headline(figure, "Centralized training")
    style.caption(figure, [style.seed_note(study)])
    return figure


def _draw_histories(accuracy: Axes, loss: Axes, study: Study, condition: str) -> List[Line2D]:
    """Draw both models of a condition and return what the legend shows."""
    handles = []
    for frame, x, model, name in (_GLOBAL, _BASELINE):
        table: pd.DataFrame = getattr(study, frame)
        table = table[table["condition"] == condition]
        for split, line, marker in (("test", "-", "o"), ("validation", style.LINE_STYLES[1], "s")):
            if not style.has(table, f"{split}_accuracy"):
                continue
            look = {"color": style.MODEL_COLOUR[model], "linestyle": line, "marker": marker}
            means = style.draw_mean(accuracy, table, x, f"{split}_accuracy", **look)
            if style.has(table, f"{split}_loss"):
                style.draw_mean(loss, table, x, f"{split}_loss", **look)
            final = means["mean"].iloc[-1]
            handles.append(
                Line2D([], [], markersize=4, label=f"{name}, {split}: {final:.4f}", **look)
            )
    return handles


def _draw_conditions(
    axes: Axes, study: Study, conditions: List[str], frame: str, x: str, y: str
) -> None:
    looks = style.series_styles(study)
    table: pd.DataFrame = getattr(study, frame)
    for condition in conditions:
        style.draw_mean(axes, table[table["condition"] == condition], x, y, **looks[condition])


def _finish_panel(axes: Axes, measure: str, title: str) -> None:
    axes.set_title(title)
    style.count_axis(axes.xaxis)
    if measure == "loss":
        axes.set_ylim(bottom=0)
