"""Rounds to a test accuracy beside those of McMahan et al. 2017, as a table.

Of the learning rates that were tried a row shows the best, as the paper does. `> 50` stands
where the target was not reached in so many rounds, `-` where there are no results.
"""

from typing import Dict, List, NamedTuple, Optional

import numpy as np
import pandas as pd

from . import command, schema, tables
from .errors import NothingToDraw
from .labels import show
from .statistics import rounds_to_target, spread
from .study import Study


class Row(NamedTuple):
    """A row of the paper's table: the model, how the clients' samples are dealt, the result."""

    model: str  # the paper's name
    clients: str
    type: str  # model.type
    scheme: str  # partition.scheme
    target: float  # test accuracy
    rounds: int  # that the paper needed


#: arXiv 1602.05629, Table 1, C = 0.1, B = 10; E = 1 for the 2NN and 5 for the CNN.
PUBLISHED = (
    Row("2NN", "IID", "mlp", "iid", 0.97, 87),
    Row("2NN", "shards", "mlp", "shards", 0.97, 664),
    Row("CNN", "IID", "cnn", "iid", 0.99, 18),
    Row("CNN", "shards", "cnn", "shards", 0.99, 206),
)


def runs_of(study: Study, row: Row) -> Study:
    """The runs with a row's model and partition that hold test accuracies, a seed once."""
    study = study.replicates()
    runs = study.runs
    if not {schema.MODEL, schema.PARTITION, schema.LEARNING_RATE} <= set(runs):
        return study.select([])
    mine = (runs[schema.MODEL] == row.type) & (runs[schema.PARTITION] == row.scheme)
    recorded = runs["federated_test_accuracy"].notna()
    return study.select(runs.loc[mine & recorded, "run"])


def conditions(study: Study, row: Row) -> pd.DataFrame:
    """How each condition of a row did, most often a learning rate; the best comes first.

    Columns: condition, learning_rate, seeds, rounds_done, best_accuracy (mean over seeds),
    and n, mean, std, ci95 of the rounds to the target over the seeds that reached it. A
    condition is good if all its seeds reached the target, then by the fewest rounds; among
    others by its best accuracy.
    """
    study = runs_of(study, row)
    # Also where no file holds the table.
    curves = study.rounds.reindex(columns=["run", "round", "test_accuracy"]).groupby("run")
    to_target = {
        run: rounds_to_target(curve["round"], curve["test_accuracy"], row.target)
        for run, curve in curves
    }
    runs = study.runs.assign(
        best_accuracy=study.runs["run"].map(curves["test_accuracy"].max()),
        to_target=study.runs["run"].map(to_target),
    )
    table = (
        runs.groupby("condition", sort=False)
        .agg(
            learning_rate=(schema.LEARNING_RATE, "first"),
            seeds=("run", "size"),
            rounds_done=("rounds_done", "min"),
            best_accuracy=("best_accuracy", "mean"),
        )
        .reset_index()
        .merge(spread(runs, ["condition"], "to_target"), on="condition")
    )
    rank = table["mean"].where(table["n"] == table["seeds"], np.inf)
    return (
        table.assign(rank=rank)
        .sort_values(["rank", "best_accuracy"], ascending=[True, False], kind="stable")
        .drop(columns="rank")
        .reset_index(drop=True)
    )


def table(study: Study) -> pd.DataFrame:
    """The paper's rows and the best condition of ours beside each, as text."""
    rows = [_text(row, conditions(study, row)) for row in PUBLISHED]
    if all(row["rounds"] == "-" for row in rows):
        raise NothingToDraw("no run holds a test accuracy for a row of the table")
    return pd.DataFrame(rows)


def rounds_text(condition: pd.Series) -> str:
    """Mean and deviation over seeds; a seed that did not reach the target leaves a bound."""
    if condition["n"] < condition["seeds"]:
        return f"> {condition['rounds_done']}"
    if np.isnan(condition["std"]):
        return f"{condition['mean']:.1f}"
    return f"{condition['mean']:.1f} \u00b1 {condition['std']:.1f}"


def _text(row: Row, tried: pd.DataFrame) -> Dict[str, str]:
    text = {
        "model": row.model,
        "clients": row.clients,
        "test accuracy": f"{row.target:.0%}".replace("%", " %"),
        "published rounds": str(row.rounds),
    }
    measured = dict.fromkeys(("rounds", "learning rate", "seeds", "best accuracy"), "-")
    if len(tried):
        best = tried.iloc[0]
        measured = {
            "rounds": rounds_text(best),
            "learning rate": show(best["learning_rate"]),
            "seeds": str(best["seeds"]),
            "best accuracy": f"{best['best_accuracy']:.4f}",
        }
    return {**text, **measured}


def main(arguments: Optional[List[str]] = None) -> None:
    """Run the command `python3 -m analysis.mcmahan`."""
    tables.main("mcmahan", __doc__, "mcmahan", table, arguments)


if __name__ == "__main__":
    command.run(main)
