"""The names by which this package knows parts of a results file.

Only names: which tables, columns and matrices a file has, what they mean and in which unit, it
says itself, and the reader asks it.
"""

from typing import Any, Dict

#: The tables that a study has an attribute for. All others are in `Study.tables` as well.
TABLES: Dict[str, str] = {
    "rounds": "federated/rounds",
    "clients": "federated/clients",
    "local_epochs": "federated/local_epochs",
    "epochs": "centralized/epochs",
}

LABEL_COUNTS = "partition/label_counts"

#: The confusion matrix of each model.
CONFUSION = {model: f"{model}/confusion_matrix" for model in ("federated", "centralized")}

#: The tables in which the two models' progress is recorded.
HISTORY = {"federated": TABLES["rounds"], "centralized": TABLES["epochs"]}

SPLITS = ("train", "validation", "test")
MEASURES = ("accuracy", "loss")

#: An attribute that every run's root group has, and by which a run is recognised.
RUN_MARK = "schema_version"

#: The attribute of /config that names the keys, parted by commas, that had no effect on the run.
UNUSED = "unused_keys"

#: The words of the root's `status`, and of an interrupted run's `stopped_because`, as
#: docs/reference/tables.md has them from the program.
RUNNING, COMPLETE, INTERRUPTED = "running", "complete", "interrupted"
REQUEST, DIVERGENCE, FAILURE = "request", "divergence", "failure"

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
BOOKKEEPING = frozenset(
    {
        "experiment.name",
        "output.file",
        "checkpoint.file",
        "checkpoint.every",
        "checkpoint.time_limit",
    }
)

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
