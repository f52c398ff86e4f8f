"""A study: the runs that were loaded together, as tidy data frames."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from . import schema
from .errors import ResultsError
from .labels import Label, effective, label_runs, order, varying_keys
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
    between the runs. Columns of tables are those of the files; `describe` says what they are.
    """

    runs: pd.DataFrame  # a run a row: attributes, configuration, outcomes, totals
    tables: Dict[str, pd.DataFrame]  # every table of the files, by its path there
    label_counts: pd.DataFrame  # client, class, samples
    confusion: pd.DataFrame  # model, class, predicted, samples
    columns: pd.DataFrame  # table, column, unit, help
    varying: Tuple[str, ...]  # the configuration keys that differ between the runs
    notes: Tuple[str, ...]  # what a reader of these results should know

    @property
    def rounds(self) -> pd.DataFrame:
        """The global model round by round: /federated/rounds."""
        return self._table("rounds")

    @property
    def clients(self) -> pd.DataFrame:
        """A row for each client that took part in a round: /federated/clients."""
        return self._table("clients")

    @property
    def local_epochs(self) -> pd.DataFrame:
        """The tracked clients' local epochs: /federated/local_epochs."""
        return self._table("local_epochs")

    @property
    def epochs(self) -> pd.DataFrame:
        """The centralized baseline: /centralized/epochs."""
        return self._table("epochs")

    def _table(self, name: str) -> pd.DataFrame:
        """A table by this package's name for it, without rows and columns if no run holds it."""
        empty = self.runs.loc[[], ["run", "condition", *self.varying]]
        return self.tables.get(schema.TABLES[name], empty)

    def describe(self, table: str) -> pd.DataFrame:
        """What the files say of a table's columns: unit ("1": none) and help, by column.

        The table is named by its path, such as federated/rounds, or as the study's attribute.
        """
        path = schema.TABLES.get(table, table)
        rows = self.columns[self.columns["table"] == path]
        if rows.empty:
            raise ResultsError(f"no table {table!r}; there are: {', '.join(self.tables)}")
        return rows.set_index("column")[["unit", "help"]]

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

        def part(frame: pd.DataFrame) -> pd.DataFrame:
            return frame[frame["run"].isin(chosen)].reset_index(drop=True)

        return replace(
            self,
            runs=part(self.runs),
            tables={path: part(table) for path, table in self.tables.items()},
            label_counts=part(self.label_counts),
            confusion=part(self.confusion),
        )

    def replicates(self) -> "Study":
        """The runs that a mean over seeds is taken of: one for each condition and seed.

        A repetition with the same configuration and seed has the same results, whatever
        machine it ran on, and must not count twice. Unfinished runs are left out where
        their condition has finished ones.
        """
        progress = self.runs.assign(complete=self.runs["status"] == schema.COMPLETE).sort_values(
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
            *(order(effective(run, key)) for key in keys),
            order(run.attributes.get("ranks")),
        ]
    )
    labels = label_runs(runs, keys)
    labelled = list(zip(runs, labels))
    rows = [_run_row(run, label) for run, label in labelled]
    return Study(
        runs=pd.DataFrame(rows),
        tables={
            path: _stack(label.join(run.tables[path]) for run, label in labelled if path in run.tables)
            for path in dict.fromkeys(path for run in runs for path in run.tables)
        },
        label_counts=_stack(_tidy(run, label, schema.LABEL_COUNTS) for run, label in labelled),
        confusion=_stack(
            _tidy(run, label, path, model=model)
            for run, label in labelled
            for model, path in schema.CONFUSION.items()
        ),
        columns=_described(runs),
        varying=tuple(keys),
        notes=(*notes, *_notes(runs, rows)),
    )


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


def _stack(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other, with all their columns even where none has rows."""
    frames = list(parts)
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    stacked = pd.concat(filled, ignore_index=True)
    return stacked.reindex(columns=dict.fromkeys(name for frame in frames for name in frame))


def _tidy(run: Run, label: Label, path: str, **extra: Any) -> pd.DataFrame:
    """A matrix of counts as a frame with a row a cell; without rows if the run has none."""
    grid = run.grids.get(path)
    if grid is None:
        return label.join(pd.DataFrame())
    rows, columns = (axis.ravel() for axis in np.indices(grid.counts.shape))
    cells = {grid.axes[0]: rows, grid.axes[1]: columns, "samples": grid.counts.ravel()}
    return label.join(pd.DataFrame({**extra, **cells}))


def _described(runs: Sequence[Run]) -> pd.DataFrame:
    """What the files say of their tables' columns, each once."""
    said = {
        (path, name): column
        for run in reversed(runs)
        for path, columns in run.columns.items()
        for name, column in columns.items()
    }
    rows = [(path, name, column.unit, column.help) for (path, name), column in said.items()]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "help"])


def _run_row(run: Run, label: Label) -> Dict[str, Any]:
    """The row of `runs`: labels, attributes, configuration, outcomes and totals."""
    row: Dict[str, Any] = {"run": label.run, "condition": label.condition, "source": run.source}
    row["status"] = "unknown"
    row.update(run.attributes)
    row.setdefault("ranks", np.nan)
    row.update(run.config)
    row.update(label.varying)  # a key without effect has no value
    row.setdefault(schema.SEED, run.attributes.get("seed", np.nan))
    row["ini"] = run.ini
    row.update(_outcomes(run))
    row.update(_totals(run))
    return row


def _outcomes(run: Run) -> Dict[str, float]:
    """The last value that was recorded of each measure, and the gap between the models."""
    outcomes: Dict[str, float] = {}
    for model in schema.HISTORY:
        for split in schema.SPLITS:
            for measure in schema.MEASURES:
                recorded = _column(run, model, f"{split}_{measure}").dropna()
                outcomes[f"{model}_{split}_{measure}"] = (
                    recorded.iloc[-1] if len(recorded) else np.nan
                )
    outcomes["gap"] = outcomes["centralized_test_accuracy"] - outcomes["federated_test_accuracy"]
    return outcomes


def _totals(run: Run) -> Dict[str, float]:
    """What the run took: rounds, time and bytes."""
    wall_seconds = _column(run, "federated", "wall_seconds")
    return {
        "rounds_done": len(_column(run, "federated", "round")),
        "epochs_done": len(_column(run, "centralized", "epoch")),
        "participants_per_round": _column(run, "federated", "participants").mean(),
        "samples_per_round": _column(run, "federated", "samples").mean(),
        "federated_wall_seconds": wall_seconds.sum(),
        "round_seconds": wall_seconds.median(),
        "run_seconds": _run_seconds(run),
        "centralized_train_seconds": _column(run, "centralized", "train_seconds").sum(),
        "total_bytes_down": _column(run, "federated", "bytes_down").sum(),
        "total_bytes_up": _column(run, "federated", "bytes_up").sum(),
    }


def _run_seconds(run: Run) -> float:
    """From the run's start to its end, in whole seconds; NaN if it did not go through at once."""
    started, finished = (run.attributes.get(name) for name in ("started", "finished"))
    complete = run.attributes.get("status") == schema.COMPLETE
    if not (complete and started and finished) or "resumed" in run.attributes:
        return np.nan
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()


def _column(run: Run, model: str, name: str) -> pd.Series:
    """A column of a model's history as numbers; without values if the run does not have it."""
    frame = run.tables.get(schema.HISTORY[model])
    if frame is None or name not in frame:
        return pd.Series(dtype=float)
    return frame[name].astype(float)


def _notes(runs: Sequence[Run], rows: Sequence[Dict[str, Any]]) -> Iterator[str]:
    """What is remarkable about each run: that it is unfinished, and numbers out of range."""
    for run, row in zip(runs, rows):
        if row["status"] != schema.COMPLETE:
            yield (
                f"{row['run']} {_ending(row)}: {row['rounds_done']} rounds and "
                f"{row['epochs_done']} centralized epochs are there ({run.source})"
            )
        left_out = _column(run, "federated", "diverged")
        if left_out.any():
            yield (
                f"{row['run']}: {left_out.sum():g} updates of clients diverged and were left out, "
                f"in {(left_out > 0).sum()} of {len(left_out)} rounds ({run.source})"
            )
        for model in schema.HISTORY:
            if not np.isfinite(_training_losses(run, model)).all():
                yield f"{row['run']}: losses of the {model} model are not finite ({run.source})"


def _training_losses(run: Run, model: str) -> pd.Series:
    """The training losses of a model, but for rounds in which nobody took part."""
    losses = _column(run, model, "train_loss")
    participants = _column(run, model, "participants").reindex(losses.index, fill_value=1)
    return losses[participants > 0]


def _ending(row: Dict[str, Any]) -> str:
    """How an unfinished run came to be so, by what the file says."""
    if row["status"] == schema.RUNNING:
        return "is still running or was killed"
    if row["status"] != schema.INTERRUPTED:
        return f"has status {row['status']!r}"
    message = str(row.get("stopped_message", ""))
    return {
        schema.REQUEST: "was interrupted and can be resumed",
        schema.DIVERGENCE: f"diverged and was stopped ({message})",
        schema.FAILURE: f"failed ({message})",
    }.get(row.get("stopped_because", ""), "was interrupted")
