"""Synthetic results files in the schema of the program, for the tests of `analysis`."""

import gzip
import struct
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Sequence

import h5py
import numpy as np

ROUND = np.dtype(
    [
        ("round", "<i4"),
        ("participants", "<i4"),
        ("samples", "<i8"),
        ("train_loss", "<f8"),
        ("train_accuracy", "<f8"),
        ("test_loss", "<f8"),
        ("test_accuracy", "<f8"),
        ("validation_loss", "<f8"),
        ("validation_accuracy", "<f8"),
        ("update_norm", "<f8"),
        ("wall_seconds", "<f8"),
        ("train_seconds", "<f8"),
        ("bcast_seconds", "<f8"),
        ("gather_seconds", "<f8"),
        ("aggregate_seconds", "<f8"),
        ("evaluate_seconds", "<f8"),
        ("finish_spread_seconds", "<f8"),
        ("bytes_down", "<u8"),
        ("bytes_up", "<u8"),
    ]
)
CLIENT = np.dtype(
    [
        ("round", "<i4"),
        ("client", "<i4"),
        ("rank", "<i4"),
        ("samples", "<i8"),
        ("steps", "<i8"),
        ("train_loss", "<f8"),
        ("train_accuracy", "<f8"),
        ("update_norm", "<f8"),
        ("train_seconds", "<f8"),
    ]
)
LOCAL_EPOCH = np.dtype(
    [
        ("round", "<i4"),
        ("client", "<i4"),
        ("epoch", "<i4"),
        ("train_loss", "<f8"),
        ("train_accuracy", "<f8"),
        ("test_loss", "<f8"),
        ("test_accuracy", "<f8"),
    ]
)
EPOCH = np.dtype(
    [
        ("epoch", "<i4"),
        ("train_loss", "<f8"),
        ("train_accuracy", "<f8"),
        ("test_loss", "<f8"),
        ("test_accuracy", "<f8"),
        ("train_seconds", "<f8"),
    ]
)

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
    "checkpoint.file": "",
    "output.file": "results/mnist-fedavg.h5",
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

    with h5py.File(path, "w") as file:
        _write_attributes(file, keys, path, status, ranks, attributes or {})
        _write_config(file, keys)
        counts = _label_counts(keys, clients, random)
        file["partition/label_counts"] = counts
        _write_model(file, "initial", random)
        if federated:
            accuracy = _learning_curve(0.80, 0.945 + 0.0008 * epochs, rounds, random)
            if test_accuracy is not None:
                accuracy[:] = test_accuracy
            file["federated/rounds"] = _rounds(keys, counts, ranks, accuracy, random)
            file["federated/clients"] = _clients(keys, counts, ranks, rounds, random)
            file["federated/local_epochs"] = _local_epochs(keys, rounds, epochs, random)
        if centralized:
            accuracy = _learning_curve(0.91, 0.976, epochs, random)
            if centralized_accuracy is not None:
                accuracy[:] = centralized_accuracy
            file["centralized/epochs"] = _epochs(accuracy)
        if status == "complete":
            for model, wanted in (("federated", federated), ("centralized", centralized)):
                if wanted:
                    _write_model(file, model, random)
                    file[f"{model}/confusion_matrix"] = _confusion(random)
        for name in skip:
            del file[name]
    return path


def write_idx(folder: Path, images: np.ndarray, labels: np.ndarray, compress: bool = True) -> None:
    """Write a training set as IDX files under MNIST's names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)):
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
        "schema_version": np.int32(1),
        "fedmpi_version": np.bytes_("0.1.0"),
        "git_revision": np.bytes_("0123abc"),
        "status": np.bytes_(status),
        "started": np.bytes_("2026-11-23T19:00:00+00:00"),
        "command_line": np.bytes_(f"./fedmpi -o {path} configs/mnist.ini"),
        "ranks": np.int32(ranks),
        "hosts": np.array([b"node1", b"node2"]),
        "mpi_library": np.bytes_("Open MPI v4.1.4"),
        "blas": np.bytes_("OpenBLAS 0.3.21 Haswell"),
        "cpu": np.bytes_("AMD EPYC"),
        "seed": np.uint64(keys["experiment.seed"]),
    }
    if status == "complete":
        attributes["finished"] = np.bytes_("2026-11-23T19:05:00+00:00")
    for key, value in {**attributes, **more}.items():
        file.attrs[key] = value


def _write_config(file: h5py.File, keys: Dict[str, str]) -> None:
    group = file.create_group("config")
    sections: Dict[str, list] = {}
    for key, value in keys.items():
        group.attrs[key] = np.bytes_(value) if value else h5py.Empty("S1")
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = {value}\n")
    text = "\n".join(f"[{section}]\n" + "".join(lines) for section, lines in sections.items())
    group["ini"] = np.bytes_(text)


def _write_model(file: h5py.File, model: str, random: np.random.Generator) -> None:
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
    table = np.zeros(len(accuracy), ROUND)
    table["round"] = np.arange(1, len(table) + 1)
    table["participants"], table["samples"] = len(counts), counts.sum()
    table["train_accuracy"], table["train_loss"] = accuracy + 0.02, _losses(accuracy + 0.02)
    table["test_accuracy"], table["test_loss"] = accuracy, _losses(accuracy)
    held_out = int(keys["data.validation_samples"]) > 0
    table["validation_accuracy"] = accuracy - 0.004 if held_out else np.nan
    table["validation_loss"] = _losses(accuracy - 0.004) if held_out else np.nan
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
    table = np.zeros(rounds * clients, CLIENT)
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
    table = np.zeros(len(rows), LOCAL_EPOCH)
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
    table = np.zeros(len(accuracy), EPOCH)
    table["epoch"] = np.arange(1, len(table) + 1)
    table["train_accuracy"], table["train_loss"] = accuracy + 0.01, _losses(accuracy + 0.01)
    table["test_accuracy"], table["test_loss"] = accuracy, _losses(accuracy)
    table["train_seconds"] = 1.25
    return table


def _confusion(random: np.random.Generator) -> np.ndarray:
    matrix = random.poisson(4, (CLASSES, CLASSES))
    matrix[np.diag_indices(CLASSES)] = 960
    return matrix.astype("<i8")
