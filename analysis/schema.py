"""The results file as this package knows it: where things are and what they are called.

Everything that enumerates tables, columns or configuration keys reads it here. Columns
that are not listed are kept as well; the lists are what a frame has even when no run
holds the table.
"""

from typing import Any, Dict, NamedTuple, Tuple


class Table(NamedTuple):
    """A compound data set: its path in a run and the columns it always has."""

    path: str
    columns: Tuple[str, ...]


class Grid(NamedTuple):
    """A matrix of counts: its path in a run and the names of its two axes and its cells."""

    path: str
    axes: Tuple[str, str]
    value: str


TABLES: Dict[str, Table] = {
    "rounds": Table(
        "federated/rounds",
        (
            "round",
            "participants",
            "samples",
            "train_loss",
            "train_accuracy",
            "test_loss",
            "test_accuracy",
            "update_norm",
            "wall_seconds",
            "train_seconds",
            "bcast_seconds",
            "gather_seconds",
            "aggregate_seconds",
            "evaluate_seconds",
            "bytes_down",
            "bytes_up",
        ),
    ),
    "clients": Table(
        "federated/clients",
        (
            "round",
            "client",
            "rank",
            "samples",
            "steps",
            "train_loss",
            "train_accuracy",
            "update_norm",
            "train_seconds",
        ),
    ),
    "local_epochs": Table(
        "federated/local_epochs",
        (
            "round",
            "client",
            "epoch",
            "train_loss",
            "train_accuracy",
            "test_loss",
            "test_accuracy",
        ),
    ),
    "epochs": Table(
        "centralized/epochs",
        (
            "epoch",
            "train_loss",
            "train_accuracy",
            "test_loss",
            "test_accuracy",
            "train_seconds",
        ),
    ),
}

LABEL_COUNTS = Grid("partition/label_counts", ("client", "class"), "samples")

CONFUSION: Dict[str, Grid] = {
    model: Grid(f"{model}/confusion_matrix", ("class", "predicted"), "samples")
    for model in ("federated", "centralized")
}

#: The tables in which the two models' progress is recorded.
HISTORY = {"federated": "rounds", "centralized": "epochs"}

SPLITS = ("train", "validation", "test")
MEASURES = ("accuracy", "loss")

#: An attribute that every run's root group has, and by which a run is recognised.
RUN_MARK = "schema_version"

SEED = "experiment.seed"
EPOCHS = "training.epochs"
MOMENTUM = "training.persistent_momentum"
LEARNING_RATE = "training.learning_rate"
MODEL = "model.type"
PARTITION = "partition.scheme"
ALPHA = "partition.alpha"
ALGORITHM = "federated.algorithm"
SERVER_OPTIMIZER = "federated.server_optimizer"

#: Keys that name things and set no condition: runs that differ in them alone are the same.
BOOKKEEPING = frozenset({"experiment.name", "output.file", "checkpoint.file", "checkpoint.every"})

#: How papers write a key, where they have a shorter way than the key itself.
SYMBOLS = {
    EPOCHS: "E",
    MOMENTUM: "momentum",
    SEED: "seed",
    "training.batch_size": "B",
    LEARNING_RATE: "lr",
    "federated.clients_per_round": "K",
    "federated.rounds": "rounds",
    PARTITION: "partition",
    MODEL: "model",
}

#: What values stand for, where the key's symbol does not say it: as jobs/sweep.sbatch does.
WORDS: Dict[str, Dict[Any, str]] = {MOMENTUM: {False: "fresh", True: "persistent"}}


def symbol(key: str) -> str:
    """The short name of a configuration key: its symbol, or its part after the dot."""
    return SYMBOLS.get(key, key.partition(".")[2] or key)


def word(key: str, value: Any) -> Any:
    """What a value of a configuration key is called beside the key's symbol."""
    return WORDS.get(key, {}).get(value, value)
