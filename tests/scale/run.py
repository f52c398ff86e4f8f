#!/usr/bin/env python3
"""`make check-scale`: large vectors, 2 to 64 ranks on however few cores, unequal clients.

The same bits of the model on every number of ranks and with both collectives, and
the server's peak memory, which does not grow with the ranks by more than what MPI itself
takes for a neighbour. Takes minutes; not part of `make check`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
MEASURE = ROOT / "tests/bench/measure_rank.py"
RANKS = (2, 4, 8, 16, 32, 64)
SETTINGS = ["partition.samples_per_client=100", "partition.clients=64",
            "training.epochs=1", "federated.rounds=2", "federated.tracked_clients=",
            "centralized.enabled=false", "checkpoint.every=0"]
# Per rank more: a neighbour's shared-memory queues in Open MPI, rows and lists of ours.
MEGABYTES_A_RANK = 1.0
LARGE_BYTES = 5 * 2**30


def model_of(results: Path) -> dict[str, bytes]:
    with h5py.File(results) as file:
        return {name: data[:].tobytes() for name, data in file["model/federated"].items()}


def train(program: Path, data: Path, ranks: int, collective: str, folder: Path) -> tuple[dict, float]:
    """The model's tensors and the server's peak memory in MB; all ranks train."""
    results, used = folder / "results.h5", folder / "used.json"
    used.unlink(missing_ok=True)
    command = [str(program), "--quiet", "--output", str(results), "--set", f"data.path={data}",
               "--set", f"federated.collective={collective}"]
    for setting in SETTINGS:
        command += ["--set", setting]
    command.append(str(ROOT / "configs/mnist.ini"))
    subprocess.run(["mpirun", "-np", "1", sys.executable, str(MEASURE), str(used), *command,
                    ":", "-np", str(ranks - 1), *command], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "FEDMPI_CORES": str(RANKS[-1])})
    return model_of(results), json.loads(used.read_text())["peak_megabytes"]


def check_ranks(program: Path, data: Path) -> int:
    failures, first, megabytes = 0, None, {}
    with tempfile.TemporaryDirectory(prefix="fedmpi-scale-") as name:
        for ranks in RANKS:
            for collective in ("gather", "reduce"):
                model, peak = train(program, data, ranks, collective, Path(name))
                first = first or model
                same = model == first
                failures += not same
                if collective == "gather":
                    megabytes[ranks] = peak
                print(f"{'ok' if same else 'FAILED':6} -np {ranks}, {collective}: "
                      f"{'the same bits' if same else 'other bits'}, server {peak:.0f} MB", flush=True)
    growth = (megabytes[RANKS[-1]] - megabytes[RANKS[0]]) / (RANKS[-1] - RANKS[0])
    grows = growth > MEGABYTES_A_RANK
    print(f"{'FAILED' if grows else 'ok':6} server memory: {growth:+.2f} MB for each rank more")
    return failures + grows


def check_balance(program: Path, data: Path) -> int:
    """Clients of very different sizes: workers finish within the time of the longest."""
    with tempfile.TemporaryDirectory(prefix="fedmpi-scale-") as name:
        results = Path(name) / "results.h5"
        command = [str(program), "--quiet", "--output", str(results), "--set", f"data.path={data}",
                   "--set", "partition.scheme=quantity"]
        for setting in SETTINGS:
            command += ["--set", setting]
        subprocess.run(["mpirun", "-np", "6", *command, str(ROOT / "configs/mnist.ini")],
                       check=True, stdout=subprocess.DEVNULL)
        with h5py.File(results) as file:
            clients, rounds = file["federated/clients"][:], file["federated/rounds"][:]
            workers = file.attrs["workers"]
    longest = np.array([clients["train_seconds"][clients["round"] == row["round"]].max()
                        for row in rounds])
    late = bool((rounds["finish_spread_seconds"] > longest).any())
    print(f"{'FAILED' if late else 'ok':6} balance: clients of {clients['steps'].min()} to "
          f"{clients['steps'].max()} steps on {workers} workers, who finish within "
          f"{rounds['finish_spread_seconds'].max():.4f} s; the longest client takes "
          f"{longest.max():.4f} s")
    return late


def check_large(build: Path) -> int:
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if free < LARGE_BYTES:
        print(f"skipped: vectors beyond 2^31 bytes need {LARGE_BYTES / 2**30:.0f} GiB of free memory")
        return 0
    done = subprocess.run(["mpirun", "-np", "2", str(build / "tests/scale/large_vectors")],
                          check=False, stdout=subprocess.PIPE, text=True)
    print(f"{'FAILED' if done.returncode else 'ok':6} {done.stdout.strip()}")
    return done.returncode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--data", type=Path, default=ROOT / "data/mnist")
    options = parser.parse_args()
    failures = check_ranks(options.build.resolve() / "fedmpi", options.data.resolve())
    failures += check_balance(options.build.resolve() / "fedmpi", options.data.resolve())
    failures += check_large(options.build.resolve())
    print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
