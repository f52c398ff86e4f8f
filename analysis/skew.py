"""Final and best test accuracy of each algorithm and Dirichlet alpha, as a table."""

from typing import List, Optional

import pandas as pd

from . import command, schema, tables
from .errors import NothingToDraw
from .labels import show, show_spread
from .statistics import spread
from .study import Study

#: What papers call an algorithm; others keep the program's name.
_NAMES = {
    "fedavg": "FedAvg",
    "fedsgd": "FedSGD",
    "fedprox": "FedProx",
    "scaffold": "SCAFFOLD",
    "fednova": "FedNova",
    "feddyn": "FedDyn",
}
#: What papers call federated averaging with another optimizer on the server.
_SERVER_NAMES = {
    "momentum": "FedAvgM",
    "adagrad": "FedAdagrad",
    "adam": "FedAdam",
    "yogi": "FedYogi",
}


def compared(study: Study) -> pd.DataFrame:
    """The runs that hold test accuracies, a seed once, and what they are compared by.

    Only those on a Dirichlet partition: elsewhere alpha means nothing. Columns: run, condition,
    alpha, algorithm (as papers call it), final_accuracy and best_accuracy.
    """
    runs = study.replicates().runs
    runs = runs[runs["federated_test_accuracy"].notna()]
    known = {schema.ALGORITHM, schema.PARTITION, schema.ALPHA} <= set(runs)
    runs = runs[runs[schema.PARTITION] == "dirichlet"] if known else runs[:0]
    if runs.empty:
        raise NothingToDraw("no run on a Dirichlet partition holds a test accuracy")
    best = study.rounds.groupby("run")["test_accuracy"].max()
    return pd.DataFrame(
        {
            "run": runs["run"],
            "condition": runs["condition"],
            "alpha": runs[schema.ALPHA],
            "algorithm": [_name(run) for _, run in runs.iterrows()],
            "final_accuracy": runs["federated_test_accuracy"],
            "best_accuracy": runs["run"].map(best),
        }
    )


def table(study: Study) -> pd.DataFrame:
    """Mean and standard deviation over seeds, a row a condition, as text."""
    runs = compared(study)
    by = ["alpha", "algorithm", "condition"]
    final, best = (
        spread(runs, by, f"{which}_accuracy").sort_values(by) for which in ("final", "best")
    )
    return pd.DataFrame(
        {
            "alpha": final["alpha"].map(show),
            "algorithm": final["algorithm"],
            "seeds": final["n"].map(str),
            "final accuracy": list(map(show_spread, final["mean"], final["std"])),
            "best accuracy": list(map(show_spread, best["mean"], best["std"])),
        }
    )


def _name(run: pd.Series) -> str:
    algorithm, optimizer = run[schema.ALGORITHM], run.get(schema.SERVER_OPTIMIZER, "sgd")
    if algorithm == "fedavg" and optimizer in _SERVER_NAMES:
        return _SERVER_NAMES[optimizer]
    name = _NAMES.get(algorithm, algorithm)
    return name if optimizer == "sgd" else f"{name} + {optimizer}"


def main(arguments: Optional[List[str]] = None) -> None:
    """Run the command `python3 -m analysis.skew`."""
    tables.main("skew", __doc__, "skew", table, arguments)


if __name__ == "__main__":
    command.run(main)
