"""A study: the runs that were loaded together, as tidy data frames."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from . import schema
from .errors import ResultsError
from .labels import Label, label_runs, order, varying_keys
from .reader import Run, Sources, read
from .statistics import SPREAD, spread

OUTCOMES = (
    "federated_test_accuracy",
    "federated_validation_accuracy",
    "centralized_test_accuracy",
    "centralized_validation_accuracy",
    "gap",
)


@dataclass(frozen=True)
class Study:
    """Runs and what they recorded.

    Every frame has the columns `run` (unique and readable), `condition` (what sets the
    run apart from others but for its seed) and the configuration keys that differ
    between the runs.
    """

    runs: pd.DataFrame  # a run a row: attributes, configuration, outcomes, totals
    rounds: pd.DataFrame  # /federated/rounds
    clients: pd.DataFrame  # /federated/clients
    local_epochs: pd.DataFrame  # /federated/local_epochs
    epochs: pd.DataFrame  # /centralized/epochs
    label_counts: pd.DataFrame  # client, class, samples
    confusion: pd.DataFrame  # model, class, predicted, samples
    varying: Tuple[str, ...]  # the configuration keys that differ between the runs
    notes: Tuple[str, ...]  # what a reader of these results should know

    @property
    def condition_keys(self) -> List[str]:
        """The configuration keys that differ and are not the seed."""
        return [key for key in self.varying if key != schema.SEED]

    @property
    def conditions(self) -> List[str]:
        """The conditions, ordered by the keys that differ."""
        return list(self.runs["condition"].unique())

    def select(self, runs: Iterable[str]) -> "Study":
        """The part of the study that belongs to some runs; their names stay as they are."""
        chosen = list(runs)
        unknown = set(chosen) - set(self.runs["run"])
        if unknown:
            raise ResultsError(
                f"no run {sorted(unknown)[0]!r}; there are: "
                + ", ".join(map(repr, self.runs["run"]))
            )
        frames = {
            field.name: frame[frame["run"].isin(chosen)].reset_index(drop=True)
            for field in fields(self)
            for frame in [getattr(self, field.name)]
            if isinstance(frame, pd.DataFrame)
        }
        return replace(self, **frames)

    def replicates(self) -> "Study":
        """The runs that a mean over seeds is taken of: one for each condition and seed.

        A repetition with the same configuration and seed has the same results, whatever
        machine it ran on, and must not count twice. Unfinished runs are left out where
        their condition has finished ones.
        """
        progress = self.runs.assign(complete=self.runs["status"] == "complete").sort_values(
            ["complete", "rounds_done", "epochs_done"], ascending=False, kind="stable"
        )
        best = progress.drop_duplicates(["condition", schema.SEED])
        finished = best.groupby("condition")["complete"].transform("any")
        return self.select(best.loc[best["complete"] | ~finished, "run"])

    def summary(self, metrics: Optional[Sequence[str]] = None) -> pd.DataFrame:
        """Outcomes over replicates: a row a condition.

        For each metric (a numeric column of `runs`; those of OUTCOMES that were recorded
        if none are named) the columns METRIC_n, METRIC_mean, METRIC_std and METRIC_ci95,
        the half width of the mean's 95 % confidence interval.
        """
        runs = self.replicates().runs
        if metrics is None:
            metrics = [name for name in OUTCOMES if name in runs and runs[name].notna().any()]
        unknown = [name for name in metrics if name not in runs]
        if unknown:
            raise ResultsError(f"runs have no column {unknown[0]!r}")
        by = ["condition", *self.condition_keys]
        table = runs.groupby(by, sort=False, dropna=False).size().rename("runs").reset_index()
        for metric in metrics:
            columns = {name: f"{metric}_{name}" for name in SPREAD}
            table = table.merge(
                spread(runs, ["condition"], metric).rename(columns=columns), on="condition"
            )
        return table

    def __repr__(self) -> str:
        """How many runs there are and in what they differ."""
        varying = ", ".join(map(schema.symbol, self.varying)) or "nothing"
        return f"<Study of {len(self.runs)} runs that differ in {varying}>"


def load(sources: Sources) -> Study:
    """Load results: a path, a glob pattern, or a list of them; merged files hold many runs.

    Raises ResultsError for what is missing, damaged or something else. A run that is
    unfinished is loaded as far as it went, with a note.
    """
    runs, notes = _distinct(read(sources))
    keys = varying_keys(runs)
    runs.sort(
        key=lambda run: [
            *(order(run.config.get(key)) for key in keys),
            order(run.attributes.get("ranks")),
        ]
    )
    labels = label_runs(runs, keys)

    frames: Dict[str, pd.DataFrame] = {
        name: _stack(
            [
                label.join(run.tables[name]) if name in run.tables else None
                for run, label in zip(runs, labels)
            ],
            labels[0].columns(table.columns),
        )
        for name, table in schema.TABLES.items()
    }
    frames["label_counts"] = _stack(
        [_tidy(run, label, schema.LABEL_COUNTS) for run, label in zip(runs, labels)],
        labels[0].columns(_grid_columns(schema.LABEL_COUNTS)),
    )
    frames["confusion"] = _stack(
        [
            _tidy(run, label, grid, model=model)
            for run, label in zip(runs, labels)
            for model, grid in schema.CONFUSION.items()
        ],
        labels[0].columns(("model", *_grid_columns(schema.CONFUSION["federated"]))),
    )
    rows = [_run_row(run, label) for run, label in zip(runs, labels)]
    notes += [_unfinished(row) for row in rows if row["status"] != "complete"]
    return Study(runs=pd.DataFrame(rows), varying=tuple(keys), notes=tuple(notes), **frames)


def _distinct(runs: List[Run]) -> Tuple[List[Run], List[str]]:
    """Drop a run that was given twice, as when a merged file lies beside its parts."""
    first: Dict[Any, Run] = {}
    notes = []
    for run in runs:
        dated = "started" in run.attributes
        identity = (tuple(sorted(run.attributes.items())), run.ini) if dated else run.source
        if identity in first:
            notes.append(
                f"{run.source} is the same run as {first[identity].source} and is left out"
            )
        else:
            first[identity] = run
    return list(first.values()), notes


def _stack(parts: Iterable[Optional[pd.DataFrame]], columns: Sequence[str]) -> pd.DataFrame:
    """Frames one below the other; columns first, even where no part has rows."""
    present = [part for part in parts if part is not None and len(part)]
    if not present:
        return pd.DataFrame(columns=list(columns))
    frame = pd.concat(present, ignore_index=True)
    for column in columns:
        if column not in frame:
            frame[column] = np.nan
    return frame[[*columns, *(name for name in frame if name not in columns)]]


def _grid_columns(grid: schema.Grid) -> Tuple[str, ...]:
    return (*grid.axes, grid.value)


def _tidy(run: Run, label: Label, grid: schema.Grid, **extra: Any) -> Optional[pd.DataFrame]:
    """A matrix of counts as a frame with a row a cell."""
    counts = run.grids.get(grid.path)
    if counts is None:
        return None
    rows, columns = (axis.ravel() for axis in np.indices(counts.shape))
    cells = {grid.axes[0]: rows, grid.axes[1]: columns, grid.value: counts.ravel()}
    return label.join(pd.DataFrame({**extra, **cells}))


def _run_row(run: Run, label: Label) -> Dict[str, Any]:
    """The row of `runs`: labels, attributes, configuration, outcomes and totals."""
    row: Dict[str, Any] = {"run": label.run, "condition": label.condition, "source": run.source}
    row["status"] = "unknown"
    row.update(run.attributes)
    row.setdefault("ranks", np.nan)
    row.update(run.config)
    row.setdefault(schema.SEED, run.attributes.get("seed", np.nan))
    row["ini"] = run.ini
    row.update(_outcomes(run))
    row.update(_totals(run))
    return row


def _outcomes(run: Run) -> Dict[str, float]:
    """The last value that was recorded of each measure, and the gap between the models."""
    outcomes: Dict[str, float] = {}
    for model, table in schema.HISTORY.items():
        for split in schema.SPLITS:
            for measure in schema.MEASURES:
                recorded = _column(run, table, f"{split}_{measure}").dropna()
                outcomes[f"{model}_{split}_{measure}"] = (
                    recorded.iloc[-1] if len(recorded) else np.nan
                )
    outcomes["gap"] = outcomes["centralized_test_accuracy"] - outcomes["federated_test_accuracy"]
    return outcomes


def _totals(run: Run) -> Dict[str, float]:
    """What the run took: rounds, time and bytes."""
    wall_seconds = _column(run, "rounds", "wall_seconds")
    return {
        "rounds_done": len(_column(run, "rounds", "round")),
        "epochs_done": len(_column(run, "epochs", "epoch")),
        "participants_per_round": _column(run, "rounds", "participants").mean(),
        "samples_per_round": _column(run, "rounds", "samples").mean(),
        "federated_wall_seconds": wall_seconds.sum(),
        "round_seconds": wall_seconds.median(),
        "run_seconds": _run_seconds(run),
        "centralized_train_seconds": _column(run, "epochs", "train_seconds").sum(),
        "total_bytes_down": _column(run, "rounds", "bytes_down").sum(),
        "total_bytes_up": _column(run, "rounds", "bytes_up").sum(),
    }


def _run_seconds(run: Run) -> float:
    """From the run's start to its end, in whole seconds; NaN if it did not go through at once."""
    started, finished = (run.attributes.get(name) for name in ("started", "finished"))
    complete = run.attributes.get("status") == "complete"
    if not (complete and started and finished) or "resumed" in run.attributes:
        return np.nan
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()


def _column(run: Run, table: str, name: str) -> pd.Series:
    """A column of a run's table as numbers; without values if the run does not have it."""
    frame = run.tables.get(table)
    if frame is None or name not in frame:
        return pd.Series(dtype=float)
    return frame[name].astype(float)


def _unfinished(row: Dict[str, Any]) -> str:
    status = {
        "running": "is still running or was killed",
        "interrupted": "was interrupted and can be resumed",
    }.get(row["status"], f"has status {row['status']!r}")
    return (
        f"{row['run']} {status}: {row['rounds_done']} rounds and {row['epochs_done']} centralized "
        f"epochs are there ({row['source']})"
    )
