"""Synthetic results files for the tests of `analysis`.

Tables, their columns, units and help, attributes and keys are those of the program: it makes a
file in a moment, and what is synthetic are the numbers that take the place of its own.
"""

import atexit
import functools
import gzip
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Sequence

import h5py
import numpy as np

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / os.environ.get("FEDMPI", "fedmpi")

#: A run that takes a moment and leaves every table.
_TINY = """
[data]
dataset = idx
path = {folder}
[partition]
clients = 3
samples_per_client = 10
[model]
type = logistic
[training]
epochs = 1
[federated]
rounds = 1
tracked_clients = 0
[output]
file = {folder}/tiny.h5
"""

DEFAULTS = {
    "experiment.name": "mnist-fedavg",
    "experiment.seed": "1",
    "data.dataset": "mnist",
    "data.path": "data/mnist",
    "data.validation_samples": "0",
    "partition.scheme": "iid",
    "partition.clients": "6",
    "partition.stratified": "true",
    "partition.alpha": "0.5",
    "model.type": "mlp",
    "model.hidden": "200,200",
    "training.epochs": "3",
    "training.batch_size": "32",
    "training.learning_rate": "0.01",
    "training.persistent_momentum": "false",
    "federated.algorithm": "fedavg",
    "federated.server_optimizer": "sgd",
    "federated.rounds": "5",
    "federated.evaluate_every": "1",
    "federated.tracked_clients": "0,1,2,3,4",
    "privacy.mechanism": "none",
    "privacy.noise_multiplier": "1",
    "checkpoint.file": "",
    "output.file": "results/mnist-fedavg.h5",
}

#: What the study kept the same in all its runs.
PAPER = {
    "data.dataset": "mnist",
    "partition.scheme": "iid",
    "partition.clients": "150",
    "partition.samples_per_client": "300",
    "model.type": "mlp",
    "model.hidden": "200,200",
    "training.batch_size": "32",
    "training.learning_rate": "0.01",
    "training.momentum": "0.9",
    "federated.algorithm": "fedavg",
    "federated.rounds": "20",
}

CLASSES = 10
PARAMETERS = 199_210


def write_run(
    path: Path,
    config: Optional[Dict[str, Any]] = None,
    *,
    status: str = "complete",
    ranks: int = 6,
    rounds: Optional[int] = None,
    federated: bool = True,
    centralized: bool = True,
    skip: Iterable[str] = (),
    test_accuracy: Optional[Sequence[float]] = None,
    centralized_accuracy: Optional[Sequence[float]] = None,
    attributes: Optional[Dict[str, Any]] = None,
) -> Path:
    """Write a results file whose numbers look like a run with this configuration.

    `rounds` cuts an unfinished run short; `skip` names paths that are left out;
    `test_accuracy` and `centralized_accuracy` set those columns of the two histories.
    """
    keys = {**DEFAULTS, **{key: str(value) for key, value in (config or {}).items()}}
    seed, epochs = int(keys["experiment.seed"]), int(keys["training.epochs"])
    clients = int(keys["partition.clients"])
    random = np.random.default_rng(seed * 1000 + epochs)
    rounds = int(keys["federated.rounds"]) if rounds is None else rounds
    path.parent.mkdir(parents=True, exist_ok=True)

    shutil.copyfile(template(), path)
    with h5py.File(path, "r+") as file:
        _write_attributes(file, keys, path, status, ranks, attributes or {})
        _write_config(file, keys)
        counts = _label_counts(keys, clients, random)
        _put(file, "partition/label_counts", counts)
        _write_model(file, "initial", random)
        _clear(file, "federated/rounds", "federated/clients", "federated/local_epochs")
        _clear(file, "federated/personalization", "partition/clients", "centralized/epochs")
        _clear(file, "privacy/rounds")
        if federated:
            accuracy = _learning_curve(0.80, 0.945 + 0.0008 * epochs, rounds, random)
            if test_accuracy is not None:
                accuracy[:] = test_accuracy
            _put(file, "federated/rounds", _rounds(keys, counts, ranks, accuracy, random))
            _put(file, "federated/clients", _clients(keys, counts, ranks, rounds, random))
            _put(file, "federated/local_epochs", _local_epochs(keys, rounds, epochs, random))
            if keys["privacy.mechanism"] != "none":
                _put(file, "privacy/rounds", _spent(keys, rounds))
        if centralized:
            accuracy = _learning_curve(0.91, 0.976, epochs, random)
            if centralized_accuracy is not None:
                accuracy[:] = centralized_accuracy
            _put(file, "centralized/epochs", _epochs(accuracy))
        for model, wanted in (("federated", federated), ("centralized", centralized)):
            matrix = f"{model}/confusion_matrix"
            if wanted and status == "complete":
                _write_model(file, model, random)
                _put(file, matrix, _confusion(random))
            else:
                del file[matrix], file[f"model/{model}"]
        for name in skip:
            del file[name]
    return path


@functools.lru_cache(maxsize=None)
def template() -> Path:
    """A results file that the program made."""
    if not PROGRAM.exists():
        raise RuntimeError(f"{PROGRAM}: not there; `make fedmpi` builds it, FEDMPI says where it is")
    folder = Path(tempfile.mkdtemp(prefix="fedmpi-synthetic-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for kind in ("train", "t10k"):
        write_idx(folder, np.arange(900).reshape(100, 3, 3) % 251, np.arange(100) % 10, kind=kind)
    config = folder / "tiny.ini"
    config.write_text(_TINY.format(folder=folder))
    subprocess.run(
        [PROGRAM, "--quiet", config], check=True, stdout=subprocess.DEVNULL, env=_alone()
    )
    return folder / "tiny.h5"


def _alone() -> Dict[str, str]:
    """The environment without that of a launcher or a job, and with a folder for this rank."""
    ours = ("OMPI_COMM", "PMIX", "PMI_", "SLURM")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def columns_of(path: str) -> Dict[str, Dict[str, str]]:
    """Of a table's columns in the program's own file: unit and help."""
    with h5py.File(template(), "r") as file:
        table = file[path]
        return {
            name: {what: table.attrs[f"{name}.{what}"].decode() for what in ("unit", "help")}
            for name in table.dtype.names
        }


def _empty(path: str, rows: int) -> np.ndarray:
    """A table in the program's layout: zeros, and NaN where a column is real."""
    with h5py.File(template(), "r") as file:
        table = np.zeros(rows, file[path].dtype)
    for name in table.dtype.names:
        if table.dtype[name].kind == "f":
            table[name] = np.nan
    return table


def _put(file: h5py.File, path: str, values: np.ndarray) -> None:
    """Put other values in a data set's place; what is said of it stays."""
    said = dict(file[path].attrs)
    del file[path]
    file[path] = values
    for name, value in said.items():
        file[path].attrs[name] = value


def _clear(file: h5py.File, *paths: str) -> None:
    for path in paths:
        _put(file, path, _empty(path, 0))


def write_idx(
    folder: Path,
    images: np.ndarray,
    labels: np.ndarray,
    compress: bool = True,
    kind: str = "train",
) -> None:
    """Write a training set as IDX files under MNIST's names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = f"{kind}-images-idx3-ubyte", f"{kind}-labels-idx1-ubyte"
    for name, array in zip(names, (images, labels)):
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        content = header + array.astype(np.uint8).tobytes()
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


def _write_attributes(
    file: h5py.File, keys: Dict[str, str], path: Path, status: str, ranks: int, more: Dict[str, Any]
) -> None:
    attributes = {
        "git_revision": np.bytes_("0123abc"),
        "status": np.bytes_(status),
        "started": np.bytes_("2026-11-23T19:00:00+00:00"),
        "command_line": np.bytes_(f"./fedmpi -o {path} configs/mnist.ini"),
        "ranks": np.int32(ranks),
        "workers": np.int32(max(ranks - 1, 1)),
        "hosts": np.array([b"node1", b"node2"]),
        "mpi_library": np.bytes_("Open MPI v4.1.4"),
        "blas": np.bytes_("OpenBLAS 0.3.21 Haswell"),
        "cpu": np.bytes_("AMD EPYC"),
        "seed": np.uint64(keys["experiment.seed"]),
    }
    file.attrs.pop("finished", None)
    if status == "interrupted":
        attributes["stopped_because"] = np.bytes_("request")
    if status == "complete":
        attributes["finished"] = np.bytes_("2026-11-23T19:05:00+00:00")
    for key, value in {**attributes, **more}.items():
        file.attrs[key] = value


def _write_config(file: h5py.File, keys: Dict[str, str]) -> None:
    group = file["config"]
    del group["ini"]
    for name in list(group.attrs):
        if "." not in name:  # what the program says of its own keys
            del group.attrs[name]
    sections: Dict[str, list] = {}
    for key, value in keys.items():
        group.attrs[key] = np.bytes_(value) if value else h5py.Empty("S1")
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = {value}\n")
    text = "\n".join(f"[{section}]\n" + "".join(lines) for section, lines in sections.items())
    group["ini"] = np.bytes_(text)


def _write_model(file: h5py.File, model: str, random: np.random.Generator) -> None:
    if f"model/{model}" in file:
        del file[f"model/{model}"]
    for layer, shape in (("fc1", (4, 6)), ("fc2", (3, 4))):
        weight = file.create_dataset(
            f"model/{model}/{layer}.weight", data=random.normal(size=shape).astype("f4")
        )
        weight.attrs["layout"] = np.bytes_("[out, in]")
        file[f"model/{model}/{layer}.bias"] = np.zeros(shape[0], "f4")


def _label_counts(keys: Dict[str, str], clients: int, random: np.random.Generator) -> np.ndarray:
    if keys["partition.scheme"] == "dirichlet":
        shares = random.dirichlet(np.full(CLASSES, float(keys["partition.alpha"])), clients)
        return np.rint(shares * random.integers(100, 500, (clients, 1))).astype("<i8")
    return np.full((clients, CLASSES), 30, "<i8")


def _learning_curve(
    start: float, end: float, steps: int, random: np.random.Generator
) -> np.ndarray:
    progress = 1 - np.exp(-np.arange(steps) / 4)
    return start + (end - start) * progress + random.normal(0, 0.003, steps)


def _losses(accuracy: np.ndarray) -> np.ndarray:
    return 3.2 * (1 - accuracy)


def _rounds(
    keys: Dict[str, str],
    counts: np.ndarray,
    ranks: int,
    accuracy: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    table = _empty("federated/rounds", len(accuracy))
    table["round"] = np.arange(1, len(table) + 1)
    table["participants"], table["samples"] = len(counts), counts.sum()
    table["train_accuracy"], table["train_loss"] = accuracy + 0.02, _losses(accuracy + 0.02)
    table["test_accuracy"], table["test_loss"] = accuracy, _losses(accuracy)
    validated = int(keys["data.validation_samples"]) > 0
    table["validation_accuracy"] = accuracy - 0.004 if validated else np.nan
    table["validation_loss"] = _losses(accuracy - 0.004) if validated else np.nan
    every = int(keys["federated.evaluate_every"])
    skipped = (table["round"] % every != 0) & (table["round"] != len(table))
    for name in ("test_loss", "test_accuracy", "validation_loss", "validation_accuracy"):
        table[name][skipped] = np.nan
    table["update_norm"] = 2 / table["round"]
    workers = max(ranks - 1, 1)
    work = 0.0004 * counts.sum() * int(keys["training.epochs"])
    table["train_seconds"] = work / workers * (1 + random.normal(0, 0.02, len(table)))
    table["bcast_seconds"], table["gather_seconds"] = 0.002 * ranks, 0.003 * ranks
    table["aggregate_seconds"], table["evaluate_seconds"] = 0.004, 0.05
    table["finish_spread_seconds"] = 0.1 * table["train_seconds"]
    parts = ("train", "bcast", "gather", "aggregate", "evaluate")
    table["wall_seconds"] = sum(table[f"{part}_seconds"] for part in parts) + 0.01
    table["bytes_down"] = table["bytes_up"] = 4 * PARAMETERS * workers
    return table


def _clients(
    keys: Dict[str, str], counts: np.ndarray, ranks: int, rounds: int, random: np.random.Generator
) -> np.ndarray:
    clients = len(counts)
    table = _empty("federated/clients", rounds * clients)
    table["round"] = np.repeat(np.arange(1, rounds + 1), clients)
    table["client"] = np.tile(np.arange(clients), rounds)
    table["rank"] = 1 + table["client"] % max(ranks - 1, 1)
    table["samples"] = counts.sum(axis=1)[table["client"]]
    steps = -(-table["samples"] // int(keys["training.batch_size"]))
    table["steps"] = steps * int(keys["training.epochs"])
    table["train_accuracy"] = 0.97 + random.normal(0, 0.005, len(table))
    table["train_loss"] = _losses(table["train_accuracy"])
    table["update_norm"], table["train_seconds"] = 1.5, 0.01
    return table


def _local_epochs(
    keys: Dict[str, str], rounds: int, epochs: int, random: np.random.Generator
) -> np.ndarray:
    tracked = [int(client) for client in keys["federated.tracked_clients"].split(",")]
    rows = [
        (r, client, epoch)
        for r in range(1, rounds + 1)
        for client in tracked
        for epoch in range(1, epochs + 1)
    ]
    table = _empty("federated/local_epochs", len(rows))
    table["round"], table["client"], table["epoch"] = np.array(rows, "i4").reshape(-1, 3).T
    steps = table["epoch"] / epochs + np.sqrt(table["round"])
    table["train_accuracy"] = 1 - 0.3 * np.exp(-steps) + random.normal(0, 0.004, len(table))
    table["test_accuracy"] = 0.93 - 0.25 * np.exp(-steps) + random.normal(0, 0.004, len(table))
    table["train_loss"], table["test_loss"] = (
        _losses(table["train_accuracy"]),
        _losses(table["test_accuracy"]),
    )
    return table


def _epochs(accuracy: np.ndarray) -> np.ndarray:
    table = _empty("centralized/epochs", len(accuracy))
    table["epoch"] = np.arange(1, len(table) + 1)
    table["train_accuracy"], table["train_loss"] = accuracy + 0.01, _losses(accuracy + 0.01)
    table["test_accuracy"], table["test_loss"] = accuracy, _losses(accuracy)
    table["train_seconds"] = 1.25
    return table


def _spent(keys: Dict[str, str], rounds: int) -> np.ndarray:
    table = _empty("privacy/rounds", rounds)
    table["round"] = np.arange(1, rounds + 1)
    table["noise_multiplier"] = noise = float(keys["privacy.noise_multiplier"])
    with np.errstate(divide="ignore"):
        epsilon = np.sqrt(table["round"]) / noise
    for column, factor in (("lower", 0.99), ("upper", 1.01), ("rdp", 1.2)):
        table[f"epsilon_{column}"] = factor * epsilon
    table["epsilon"], table["delta"] = epsilon, 1e-5
    return table


def _confusion(random: np.random.Generator) -> np.ndarray:
    matrix = random.poisson(4, (CLASSES, CLASSES))
    matrix[np.diag_indices(CLASSES)] = 960
    return matrix.astype("<i8")
