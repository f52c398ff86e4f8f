#!/usr/bin/env python3
"""`make check-scale`: large vectors, 2 to 200 ranks on however few cores, unequal clients, many.

The same bits of the model on every number of ranks and with both collectives, and
the server's peak memory, which does not grow with the ranks by more than what MPI itself
takes for a neighbour. Takes minutes; not part of `make check`.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
MEASURE = ROOT / "tests/bench/measure_rank.py"
RANKS = (2, 4, 8, 16, 32, 64, 200)
SETTINGS = ["partition.samples_per_client=100", "partition.clients=64",
            "training.epochs=1", "federated.rounds=2", "federated.tracked_clients=",
            "centralized.enabled=false", "checkpoint.every=0"]
# Per rank more: a neighbour's shared-memory queues in Open MPI, rows and lists of ours.
MEGABYTES_A_RANK = 1.0
LARGE_BYTES = 5 * 2**30
# Many clients: three rounds of 1,000 of them, the whole run, start and data included. Ten times as
# many clients cost ten times as much where each has its part in it; what grows with their square
# would cost a hundred times.
MANY_MEGABYTES, MANY_TIMES, MOST_TIMES_THE_COST = 256, 10, 20
MANY_SETTINGS = ["partition.samples_per_client=3", "partition.stratified=false",
                 "model.type=logistic", "data.synthetic_test_samples=1000", "data.train_limit=0", "training.epochs=1",
                 "federated.rounds=3", "federated.clients_per_round=1000",
                 "federated.tracked_clients=", "centralized.enabled=false"]


def model_of(results: Path) -> dict[str, bytes]:
    with h5py.File(results) as file:
        return {name: data[:].tobytes() for name, data in file["model/federated"].items()}


def options_of(settings: list[str]) -> list[str]:
    return [option for setting in settings for option in ("--set", setting)]


def train(program: Path, data: Path, ranks: int, collective: str, folder: Path) -> tuple[dict, float]:
    """The model's tensors and the server's peak memory in MB; all ranks train."""
    results, used = folder / "results.h5", folder / "used.json"
    used.unlink(missing_ok=True)
    command = [str(program), "--quiet", "--overwrite", "--output", str(results),
               *options_of([f"data.path={data}", f"federated.collective={collective}", *SETTINGS]),
               str(ROOT / "configs/mnist.ini")]
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
        command = [str(program), "--quiet", "--overwrite", "--output", str(results),
                   *options_of([f"data.path={data}", "partition.scheme=quantity", *SETTINGS]),
                   str(ROOT / "configs/mnist.ini")]
        subprocess.run(["mpirun", "-np", "6", *command], check=True, stdout=subprocess.DEVNULL)
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


def write_idx(folder: Path, part: str, count: int) -> None:
    """So many pictures of 8 x 8 random pixels, and labels."""
    random = np.random.default_rng(count)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(
        struct.pack(">4I", 0x803, count, 8, 8) + random.bytes(64 * count))
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(
        struct.pack(">2I", 0x801, count) + random.integers(10, size=count, dtype=np.uint8).tobytes())


def train_many(program: Path, clients: int, dataset: str, scheme: str) -> tuple[np.ndarray, list]:
    """Rows of /federated/clients, and what each of 3 ranks used."""
    with tempfile.TemporaryDirectory(prefix="fedmpi-scale-") as name:
        folder, used = Path(name), Path(name) / "used.json"
        write_idx(folder, "train", 300_000)
        write_idx(folder, "t10k", 1000)
        command = [str(program), "--quiet", "--overwrite", "--output", str(folder / "results.h5"),
                   *options_of([f"data.dataset={dataset}", f"data.path={folder}",
                                f"partition.scheme={scheme}", f"partition.clients={clients}",
                                *MANY_SETTINGS]),
                   str(ROOT / "configs/mnist.ini")]
        subprocess.run(["mpirun", "-np", "3", sys.executable, str(MEASURE), str(used), *command],
                       check=True, stdout=subprocess.DEVNULL)
        with h5py.File(folder / "results.h5") as file:
            return file["federated/clients"][:], list(map(json.loads, used.read_text().splitlines()))


def check_many(program: Path, clients: int, dataset: str, scheme: str) -> int:
    """Far more clients than train in a round: what they cost, beside a tenth of them."""
    costs = []
    for count in (clients // MANY_TIMES, clients):
        rows, used = train_many(program, count, dataset, scheme)
        costs.append(sum(rank["processor_seconds"] for rank in used))
    peak = max(rank["peak_megabytes"] for rank in used)
    trained = len(rows) == 3000 and rows["client"].max() > clients // 2
    failed = not trained or costs[1] > MOST_TIMES_THE_COST * costs[0] or peak > MANY_MEGABYTES
    print(f"{'FAILED' if failed else 'ok':6} {clients:,} clients of {dataset}: {len(rows):,} trained, "
          f"the largest number {rows['client'].max():,}; {costs[1]:.1f} s of processors ({costs[0]:.1f} s "
          f"with a tenth of the clients), the largest rank {peak:.0f} MB", flush=True)
    return failed


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
    program, data = options.build.resolve() / "fedmpi", options.data.resolve()
    failures = check_ranks(program, data)
    failures += check_balance(program, data)
    failures += check_many(program, 100_000, "idx", "iid")
    failures += check_many(program, 1_000_000, "synthetic", "natural")
    failures += check_large(options.build.resolve())
    print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
