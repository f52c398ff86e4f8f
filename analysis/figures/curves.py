"""Learning curves: the global model over rounds, the centralized one over epochs."""

from typing import Any, Dict, List, NamedTuple, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..errors import NothingToDraw
from ..study import Study
from . import style


class _History(NamedTuple):
    """A model's progress: in which frame and over what it is, and what it is called."""

    model: str
    frame: str
    x: str
    title: str


_HISTORIES = (
    _History("federated", "rounds", "round", "Federated: global model"),
    _History("centralized", "epochs", "epoch", "Centralized baseline"),
)

_X_LABELS = {"round": "Communication round", "epoch": "Epoch"}
_SPLITS = {"test": "Test", "validation": "Validation", "train": "Training"}
_MEASURES = {"accuracy": "accuracy", "loss": "loss (nats)"}

#: How the second data set of a panel differs from the first.
_SECOND: Dict[str, Any] = {"linewidth": 0.8, "alpha": 0.75, "marker": None}


@style.styled
def federated_and_centralized(study: Study) -> style.PrintedFigure:
    """The global model over rounds beside the baseline over epochs: accuracy and loss.

    A curve a condition; both models have the same vertical scale. Over several seeds the
    curves are means; the bands are one standard deviation. The legend gives the final
    accuracies. A thin line is the validation set, where there is one.
    """
    study = study.replicates()
    histories = [
        history for history in _HISTORIES if style.with_values(study, history.frame, "test_accuracy")
    ]
    if not histories:
        raise NothingToDraw("no run holds a test accuracy")
    figure, panels = style.canvas(2.1, rows=2, columns=len(histories))
    for history, column in zip(histories, panels.T):
        for axes, measure in zip(column, _MEASURES):
            _draw_conditions(axes, study, history, f"test_{measure}")
            _draw_conditions(axes, study, history, f"validation_{measure}", **_SECOND)
            _finish_panel(axes, history, f"Test {_MEASURES[measure]}", history.title)
    for row in panels:
        style.same_scale(row)
    validated = any(style.has(getattr(study, history.frame), "validation_accuracy") for history in histories)
    figure.handles = _final_handles(study, histories)
    figure.headline = f"{style.set_name(study)}: federated against centralized"
    figure.notes = [
        "legend: final test accuracy",
        "thin lines: validation set" if validated else "",
        style.seed_note(study),
        style.unfinished_note(study),
    ]
    return figure


@style.styled
def global_model(study: Study, split: str = "test") -> style.PrintedFigure:
    """The global model's accuracy and loss over rounds, a curve a condition."""
    study = study.replicates()
    history = _HISTORIES[0]
    conditions = style.with_values(study, history.frame, f"{split}_accuracy")
    if not conditions:
        raise NothingToDraw(f"no run holds a {split} accuracy of the global model")
    figure, panels = style.canvas(2.3, columns=2)
    for axes, measure in zip(panels[0], _MEASURES):
        _draw_conditions(axes, study, history, f"{split}_{measure}")
        _finish_panel(axes, history, f"{_SPLITS[split]} {_MEASURES[measure]}")
    figure.handles = style.condition_handles(study, conditions)
    figure.headline = f"Global model over rounds, {split} set"
    figure.notes = [style.seed_note(study), style.unfinished_note(study)]
    return figure


@style.styled
def centralized_training(study: Study) -> style.PrintedFigure:
    """The centralized baseline over epochs: training and test, a curve a condition."""
    study = study.replicates()
    history = _HISTORIES[1]
    conditions = style.with_values(study, history.frame, "train_accuracy")
    if not conditions:
        raise NothingToDraw("no run holds a centralized baseline")
    splits = [split for split in ("train", "test") if style.has(study.epochs, f"{split}_accuracy")]
    figure, panels = style.canvas(2.1, rows=len(splits), columns=2)
    for split, row in zip(splits, panels):
        for axes, measure in zip(row, _MEASURES):
            _draw_conditions(axes, study, history, f"{split}_{measure}")
            _finish_panel(axes, history, f"{_SPLITS[split]} {_MEASURES[measure]}")
    figure.handles = style.condition_handles(study, conditions)
    figure.headline = "Centralized training"
    figure.notes = [style.seed_note(study)]
    return figure


def _final_handles(study: Study, histories: Sequence[_History]) -> List[Line2D]:
    """A legend's entry for each condition, with the last test accuracy of each model."""
    looks = style.series_styles(study)
    entries = []
    for condition in study.conditions:
        finals = {
            history.model: _final(getattr(study, history.frame), condition, history.x)
            for history in histories
            if condition in style.with_values(study, history.frame, "test_accuracy")
        }
        if finals:
            reached = ", ".join(f"{model} {value:.4f}" for model, value in finals.items())
            label = f"{condition}: {reached}" if study.condition_keys else reached
            entries.append(Line2D([], [], label=label, **looks[condition]))
    return entries


def _final(frame: pd.DataFrame, condition: str, x: str) -> float:
    """The mean over seeds of the last test accuracy, at the last x that has one."""
    rows = frame[(frame["condition"] == condition) & frame["test_accuracy"].notna()]
    return float(rows.loc[rows[x] == rows[x].max(), "test_accuracy"].mean())


def _draw_conditions(axes: Axes, study: Study, history: _History, y: str, **look: Any) -> None:
    table: pd.DataFrame = getattr(study, history.frame)
    if y not in table:
        return
    for condition, own in style.series_styles(study).items():
        rows = table[table["condition"] == condition]
        style.draw_mean(axes, rows, history.x, y, **{**own, **look})


def _finish_panel(axes: Axes, history: _History, measure: str, title: str = "") -> None:
    axes.set_title(title)
    axes.set_xlabel(_X_LABELS[history.x])
    axes.set_ylabel(measure)
    style.count_axis(axes.xaxis)
    if "loss" in measure:
        axes.set_ylim(bottom=0)
