"""Make a report of a study: one HTML file with its pictures inside."""

import base64
import io
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import jinja2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import command, figures, schema
from .atomic import replacing
from .errors import NothingToDraw
from .labels import show, show_spread
from .reader import Sources
from .study import OUTCOMES, Study, load

_FOLDER = Path(__file__).parent

#: Beyond this many conditions the two models' curves would fill pages; the sweep's
#: figures show them together.
_MOST_CONDITIONS = 4


class _Picture(NamedTuple):
    """A picture of the report: how it is drawn and what the reader should see in it."""

    anchor: str
    title: str
    draw: Callable[..., Figure]  # of a study, with title=False
    caption: str


class _Fold(NamedTuple):
    """What opens at a click."""

    title: str
    table: Optional[pd.DataFrame] = None
    text: str = ""


class _Section(NamedTuple):
    """A section of the report, of those parts that it has."""

    anchor: str
    title: str
    items: Sequence[str] = ()
    table: Optional[pd.DataFrame] = None
    picture: str = ""  # PNG in base64
    remark: str = ""  # under the table or picture
    folds: Sequence[_Fold] = ()


class _Card(NamedTuple):
    """A headline figure."""

    value: str
    label: str
    kind: str = ""


def _curves(study: Study, title: bool) -> Figure:
    if len(study.conditions) > _MOST_CONDITIONS:
        raise NothingToDraw(
            f"more than {_MOST_CONDITIONS} conditions; the figures below show them together"
        )
    return figures.federated_and_centralized(study, title=title)


def _over_epochs(study: Study, title: bool) -> Figure:
    if schema.EPOCHS not in study.varying:
        raise NothingToDraw("E is the same in all runs")
    return figures.accuracy_over_epochs(study, title=title)


def _conditions_together(study: Study, title: bool) -> Figure:
    if not study.condition_keys:
        raise NothingToDraw("there is one condition, which is shown above")
    return figures.global_model(study, title=title)


def _times_by_condition(study: Study, title: bool) -> Figure:
    if len(study.runs.drop_duplicates(["condition", "ranks"])) < 2:
        raise NothingToDraw("there is one condition, which is shown above")
    return figures.round_time_by_run(study, title=title)


_PICTURES = (
    _Picture(
        "curves",
        "Federated against centralized",
        _curves,
        "Test accuracy and loss of the global model after each round, and of the centralized "
        "baseline after each epoch. A round is E local epochs on every participant.",
    ),
    _Picture(
        "sweep",
        "Accuracy over E",
        _over_epochs,
        "Final test accuracy over the number of local epochs a round.",
    ),
    _Picture(
        "rounds",
        "Global model by condition",
        _conditions_together,
        "The global model on the test set after each round.",
    ),
    _Picture(
        "centralized",
        "Centralized training",
        figures.centralized_training,
        "The baseline over its epochs on the training and the test set.",
    ),
    _Picture(
        "clients",
        "Clients",
        figures.local_training,
        "The tracked clients over their local epochs. Each round they start again from the "
        "global model (diamonds).",
    ),
    _Picture(
        "labels",
        "Label distribution",
        figures.label_distribution,
        "What each client holds, by class.",
    ),
    _Picture(
        "confusion",
        "Confusion",
        figures.confusion_matrix,
        "The final models on the test set. The colour is the share of the true class, on a "
        "scale that brings out the few that are wrong.",
    ),
    _Picture(
        "time",
        "Time of a round",
        figures.round_times,
        "What the seconds of each round went into.",
    ),
    _Picture(
        "times",
        "Time by condition",
        _times_by_condition,
        "A mean round of each condition and number of ranks.",
    ),
    _Picture(
        "scaling",
        "Scaling",
        figures.scaling,
        "Seconds a round against the number of ranks; rank 0 is the server and does not train "
        "clients. Strong: the same work on more ranks. Weak: the work grows with the ranks.",
    ),
)

_COLUMNS = {
    "federated_test_accuracy": "federated test accuracy",
    "federated_validation_accuracy": "federated validation accuracy",
    "centralized_test_accuracy": "centralized test accuracy",
    "centralized_validation_accuracy": "centralized validation accuracy",
    "gap": "gap",
    "rounds_done": "rounds",
    "epochs_done": "centralized epochs",
    "round_seconds": "seconds a round",
    "federated_wall_seconds": "federated seconds",
    "run_seconds": "seconds in all",
}

_PROVENANCE = (
    "source",
    "status",
    "started",
    "finished",
    "fedmpi_version",
    "git_revision",
    "ranks",
    "hosts",
    "cpu",
    "blas",
    "mpi_library",
    "slurm_job_id",
    "command_line",
)


def write_report(sources: Sources, folder: Path) -> Tuple[Path, Study]:
    """Write `index.html` about these results into a folder; return its path and the study."""
    study = load(sources)
    path = folder / "index.html"
    text = render(study)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path, study


def render(study: Study) -> str:
    """The report as HTML text."""
    pictures, missing = _pictures(study)
    notes = [_Section("notes", "Notes", items=study.notes)] if study.notes else []
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html.jinja").render(
        name=_name(study),
        lead=_lead(study),
        style=(_FOLDER / "report.css").read_text(encoding="utf-8"),
        cards=_headlines(study),
        sections=[
            *notes,
            _summary(study),
            *pictures,
            _Section("runs", "Runs", table=_runs_table(study)),
            _configuration(study),
            _Section("provenance", "Provenance", table=_provenance(study)),
        ],
        missing=missing,
        show=show,
        number_columns=_number_columns,
    )


def _pictures(study: Study) -> Tuple[List[_Section], List[str]]:
    """The sections with pictures, and why the others are not there."""
    sections: List[_Section] = []
    missing: List[str] = []
    for picture in _PICTURES:
        try:
            figure = picture.draw(study, title=False)  # the section has one
            figures.assert_drawn(figure)
        except NothingToDraw as reason:
            missing.append(f"{picture.title}: {reason}")
            continue
        sections.append(
            _Section(picture.anchor, picture.title, picture=_png(figure), remark=picture.caption)
        )
    return sections, missing


def _png(figure: Figure, dpi: int = 200) -> str:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=dpi)
    return base64.b64encode(image.getvalue()).decode("ascii")


def _number_columns(frame: pd.DataFrame) -> List[bool]:
    """Which columns hold numbers, that stand to the right."""
    return [
        pd.api.types.is_numeric_dtype(kind) and kind != np.dtype(bool) for kind in frame.dtypes
    ]


def _name(study: Study) -> str:
    key = "experiment.name"
    names = study.runs[key].dropna().astype(str).unique() if key in study.runs else []
    return (
        ", ".join(names[:3]) + (", \u2026" if len(names) > 3 else "")
        if len(names)
        else "fedmpi results"
    )


def _lead(study: Study) -> str:
    runs = len(study.runs)
    seeds = study.runs[schema.SEED].nunique()
    parts = [f"{runs} run{'s' * (runs != 1)}"]
    if study.condition_keys:
        parts.append(f"{len(study.conditions)} conditions ({', '.join(study.condition_keys)})")
    if seeds > 1:
        parts.append(f"{seeds} seeds")
    parts.append("report of " + time.strftime("%Y-%m-%d %H:%M %Z"))
    return " \u00b7 ".join(parts)


def _headlines(study: Study) -> List[_Card]:
    """The best condition's accuracies, or the only one's."""
    summary = study.summary()
    cards = []
    for model in schema.HISTORY:
        column = f"{model}_test_accuracy_mean"
        if column in summary and summary[column].notna().any():
            best = summary.loc[summary[column].idxmax()]
            where = f", highest at {best['condition']}" if study.condition_keys else ""
            cards.append(_Card(f"{best[column]:.4f}", f"{model} test accuracy{where}", model))
    if "gap_mean" in summary and len(summary) == 1 and summary["gap_mean"].notna().all():
        cards.append(_Card(f"{summary['gap_mean'].iloc[0]:+.4f}", "centralized minus federated"))
    seconds = study.runs["round_seconds"].median()
    if len(summary) == 1 and pd.notna(seconds):
        cards.append(_Card(f"{seconds:.3g} s", "a round (median)"))
    return cards


def _summary(study: Study) -> _Section:
    summary = study.summary()
    metrics = [name for name in OUTCOMES if f"{name}_mean" in summary]
    table = pd.DataFrame({"condition": summary["condition"], "seeds": summary["runs"]})
    for metric in metrics:
        rows = summary[[f"{metric}_{part}" for part in ("mean", "std", "ci95")]].itertuples(
            index=False
        )
        table[_COLUMNS[metric]] = [_with_spread(*row) for row in rows]
    explanation = (
        "Mean \u00b1 standard deviation over seeds [95 % confidence interval of the mean after "
        "Student]. Repetitions with the same seed give the same results and count once."
    )
    return _Section("summary", "Summary", table=table, remark=explanation)


def _with_spread(mean: float, std: float, ci95: float) -> str:
    interval = "" if pd.isna(ci95) else f" [{mean - ci95:.4f}, {mean + ci95:.4f}]"
    return show_spread(mean, std) + interval


def _runs_table(study: Study) -> pd.DataFrame:
    columns: Dict[str, str] = {"run": "run", "status": "status", "ranks": "ranks"}
    columns.update(
        {name: label for name, label in _COLUMNS.items() if study.runs[name].notna().any()}
    )
    table = study.runs[list(columns)].rename(columns=columns)
    return table.round(dict.fromkeys(set(_COLUMNS.values()) & set(table), 4))


def _configuration(study: Study) -> _Section:
    runs = study.runs
    keys = [key for key in runs if "." in key and key not in study.varying]
    same = pd.DataFrame({"key": keys, "value": [_common(runs[key]) for key in keys]})
    folds = [_Fold(f"The {len(keys)} keys that are the same in all runs", same)]
    first = runs.iloc[0]
    if first["ini"]:
        title = f"The configuration of {first['run']}, ready to run"
        folds.append(_Fold(title, text=first["ini"]))
    differing = runs[["run", *study.varying]] if study.varying else None
    return _Section("configuration", "Configuration", table=differing, folds=folds)


def _common(values: pd.Series) -> str:
    """The value that all runs share; of names that differ, the first and how many more."""
    distinct = list(dict.fromkeys(map(show, values)))
    return distinct[0] if len(distinct) == 1 else f"{distinct[0]} and {len(distinct) - 1} more"


def _provenance(study: Study) -> pd.DataFrame:
    """Where the runs come from: a row a run; for a single run, a row a fact."""
    names = [name for name in _PROVENANCE if name in study.runs]
    table = study.runs[["run", *names]]
    if len(table) > 1:
        return table
    row = table.iloc[0]
    return pd.DataFrame({"what": names, "value": [show(row[name]) for name in names]})


def main(arguments: Optional[List[str]] = None) -> None:
    """Run the command `python3 -m analysis.report`."""
    parser = command.parser("report", __doc__, "the folder that index.html is written to")
    options = parser.parse_args(arguments)
    path, study = write_report(options.results, Path(options.output))
    command.report_notes(study.notes)
    print(path)


if __name__ == "__main__":
    command.run(main)
