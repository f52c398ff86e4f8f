#!/usr/bin/env python3
"""`make cost-model`: the formula of docs/design/cost-model.md for the time of a round, beside measured rounds.

Three numbers of the machine are measured first (a sample's training step by its
operations, a client's fixed cost by the parameters, a sample's evaluation), all with
one model at -np 3; then rounds of other sizes are predicted and run. Collectives are
predicted from their bytes and three more measured numbers. All are the fastest of several,
which other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import h5py

ROOT = Path(__file__).resolve().parent.parent.parent
CORES = os.cpu_count()
INPUTS, CLASSES, TEST_SAMPLES = 784, 10, 10_000
DENSITY, OPEN = 0.2, 0.6  # share of pixels and of hidden units that are not zero
ROUNDS = 5


@dataclass(frozen=True)
class Case:
    clients: int = 50
    samples: int = 300
    epochs: int = 2
    hidden: int = 200  # units of each of the two hidden layers
    ranks: int = 3
    collective: str = "gather"

    @property
    def parameters(self) -> int:
        h = self.hidden
        return (INPUTS + 1) * h + (h + 1) * h + (h + 1) * CLASSES

    @property
    def operations(self) -> float:
        """Of a sample in training: two products in the first layer, three in the others."""
        h = self.hidden
        return 2 * (2 * DENSITY * INPUTS * h + 3 * OPEN * h * h + 3 * h * CLASSES)

    @property
    def inference(self) -> float:
        h = self.hidden
        return 2 * (DENSITY * INPUTS * h + OPEN * h * h + h * CLASSES)

    @property
    def workers(self) -> int:
        return min(max(self.ranks - 1, 1), CORES)


@dataclass
class Machine:
    operation: float = 0  # seconds each
    parameter: float = 0  # seconds for each client's parameter
    inference: float = 0  # seconds for an operation of the evaluation
    byte: float = 0       # seconds to move one between two ranks
    add: float = 0        # seconds to add one of the sums' bytes
    stage: float = 0      # seconds: a step of a collective, whatever its size


def measure(build: Path, data: Path, case: Case, folder: Path) -> dict[str, float]:
    """The fastest of the rounds but the first, in each column of seconds."""
    results = folder / "results.h5"
    settings = {
        "data.path": data, "output.file": results, "training.epochs": case.epochs,
        "partition.clients": case.clients, "partition.samples_per_client": case.samples,
        "model.hidden": f"{case.hidden},{case.hidden}", "federated.rounds": ROUNDS,
        "federated.collective": case.collective, "federated.tracked_clients": "",
        "centralized.enabled": "false", "checkpoint.every": 0,
    }
    command = ["mpirun", "-np", str(case.ranks), str(build / "fedmpi"), "--quiet",
               "--overwrite"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run([*command, str(ROOT / "configs/mnist.ini")], check=True,
                   stdout=subprocess.DEVNULL)
    with h5py.File(results) as file:
        table = file["federated/rounds"][1:]
    return {name: float(table[name].min()) for name in table.dtype.names
            if name.endswith("_seconds")}


def train_seconds(machine: Machine, case: Case) -> float:
    client = (case.epochs * case.samples * case.operations * machine.operation
              + case.parameters * machine.parameter)
    return math.ceil(case.clients / case.workers) * client


def gather_seconds(machine: Machine, ranks: int, parameters: int) -> float:
    pieces = math.ceil(8 * parameters * ranks / 2**23)
    return pieces * machine.stage + (ranks - 1) * 8 * parameters * (machine.byte + machine.add)


def reduce_seconds(machine: Machine, ranks: int, parameters: int) -> float:
    levels = math.ceil(math.log2(ranks))
    return levels * (machine.stage + 8 * parameters * (machine.byte + machine.add))


def broadcast_seconds(machine: Machine, ranks: int, parameters: int) -> float:
    levels = math.ceil(math.log2(ranks))
    return levels * (machine.stage + 4 * parameters * machine.byte)


def evaluate_seconds(machine: Machine, case: Case) -> float:
    return TEST_SAMPLES * case.inference * machine.inference / min(case.ranks, CORES)


def predict(machine: Machine, case: Case) -> float:
    up = gather_seconds if case.collective == "gather" else reduce_seconds
    return (train_seconds(machine, case) + up(machine, case.ranks, case.parameters)
            + broadcast_seconds(machine, case.ranks, case.parameters)
            + evaluate_seconds(machine, case))


def bench_comm(build: Path, ranks: int, parameters: int) -> dict[str, float]:
    command = ["mpirun", "-np", str(ranks), str(build / "tests/bench/bench_comm"), str(parameters), "21"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def calibrate(build: Path, data: Path, folder: Path) -> Machine:
    short, long = Case(epochs=1), Case(epochs=5)
    seconds = {case: measure(build, data, case, folder) for case in (short, long)}
    trained = {case: s["train_seconds"] * case.workers / case.clients for case, s in seconds.items()}
    operation = ((trained[long] - trained[short])
                 / ((long.epochs - short.epochs) * short.samples * short.operations))
    client = trained[short] - short.samples * short.operations * operation
    evaluation = seconds[long]["evaluate_seconds"] * min(long.ranks, CORES)
    large = 2_000_000
    stage = bench_comm(build, 2, 2_000)["broadcast fastest"]
    times = bench_comm(build, 2, large)
    byte = (times["broadcast fastest"] - stage) / (4 * large)
    add = (times["gather_sums fastest"] - stage) / (8 * large) - byte
    return Machine(operation=operation, parameter=max(client, 0) / short.parameters,
                   inference=evaluation / (TEST_SAMPLES * short.inference), byte=byte, add=add,
                   stage=stage)


ROUND_CASES = (Case(), Case(clients=150, epochs=5), Case(clients=150, epochs=5, ranks=6),
               Case(clients=150, samples=100, epochs=1), Case(clients=10, samples=2000),
               Case(hidden=50), Case(hidden=400), Case(hidden=800, epochs=1),
               Case(clients=150, samples=30, epochs=1, ranks=6))
COLLECTIVE_CASES = tuple((ranks, parameters) for ranks in (2, 4, 6)
                         for parameters in (20_000, 200_000, 2_000_000))


def round_table(machine: Machine, build: Path, data: Path, folder: Path) -> list[str]:
    lines = ["| clients | samples | E | parameters | ranks | model, s | measured, s | ratio |",
             "|---|---|---|---|---|---|---|---|"]
    for case in ROUND_CASES:
        guess, real = predict(machine, case), measure(build, data, case, folder)["wall_seconds"]
        lines.append(f"| {case.clients} | {case.samples} | {case.epochs} | {case.parameters:,} | "
                     f"{case.ranks} | {guess:.3f} | {real:.3f} | {guess / real:.2f} |")
    return lines


def collective_table(machine: Machine, build: Path) -> list[str]:
    lines = ["| ranks | parameters | broadcast, ms (model) | gather, ms (model) | reduce, ms (model) |",
             "|---|---|---|---|---|"]
    for ranks, parameters in COLLECTIVE_CASES:
        real = bench_comm(build, ranks, parameters)
        models = {"broadcast": broadcast_seconds, "gather_sums": gather_seconds,
                  "reduce_sums": reduce_seconds}
        cells = [f"{1e3 * real[f'{name} fastest']:.2f} ({1e3 * model(machine, ranks, parameters):.2f})"
                 for name, model in models.items()]
        lines.append(f"| {ranks} | {parameters:,} | {' | '.join(cells)} |")
    return lines


# A cluster that nobody measured here: 100 Gbit/s, and a stage of ours is a short nap.
CLUSTER = Machine(byte=1 / 12.5e9, add=1 / 10e9, stage=50e-6)


def pipelined_seconds(machine: Machine, ranks: int, parameters: int, piece: int = 2**20) -> float:
    """A chain through all ranks, in pieces that follow each other. Not implemented."""
    pieces = math.ceil(8 * parameters / piece)
    return (ranks - 2 + pieces) * (machine.stage + piece * (machine.byte + machine.add))


def cluster_table(parameters: int = 10**8) -> list[str]:
    lines = ["| ranks | broadcast, s | gather, s | reduce, s | chain of 1 MiB pieces, s |",
             "|---|---|---|---|---|"]
    for ranks in (2, 4, 16, 100, 1_000, 10_000):
        models = (broadcast_seconds, gather_seconds, reduce_seconds, pipelined_seconds)
        cells = [f"{model(CLUSTER, ranks, parameters):.2f}" for model in models]
        lines.append(f"| {ranks:,} | {' | '.join(cells)} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--data", type=Path, default=ROOT / "data/mnist")
    options = parser.parse_args()
    build, data = options.build.resolve(), options.data.resolve()
    with tempfile.TemporaryDirectory(prefix="fedmpi-cost-") as name:
        machine = calibrate(build, data, Path(name))
        print(f"an operation {1e12 * machine.operation:.1f} ps, a client's parameter "
              f"{1e9 * machine.parameter:.2f} ns, an operation of evaluation "
              f"{1e12 * machine.inference:.1f} ps, a byte {1e9 * machine.byte:.3f} ns to move "
              f"and {1e9 * machine.add:.3f} ns to add, "
              f"a stage {1e6 * machine.stage:.0f} us\n")
        print("\n".join(round_table(machine, build, data, Path(name))) + "\n")
    print("\n".join([*collective_table(machine, build), "", *cluster_table()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
