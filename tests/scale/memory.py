#!/usr/bin/env python3
"""`make check-memory`: what --dry-run says that runs of several shapes take, and what they do.

Of each rank the largest memory that it has for itself. Ends with 1 where the server or the largest other rank is more than a tenth, and more
than a few MB that MPI takes as it likes, away from what was said. With HUGE=1 it is one of 416
million parameters instead, for which 20 GB of memory are needed.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests")]
import mpirun  # noqa: E402: path above

os.environ.update(mpirun.ENVIRONMENT)
os.environ["FEDMPI_CORES"] = "64"
TOLERANCE, TOLERATED_MEGABYTES = 0.1, 4
UNITS = {"B": 1e-6, "kB": 1e-3, "MB": 1, "GB": 1e3}
SHORT = ("federated.rounds=2", "training.epochs=1", "federated.tracked_clients=")
ALONE = (*SHORT, "centralized.enabled=false")


class Shape(NamedTuple):
    name: str
    ranks: int
    settings: tuple[str, ...]


SHAPES = [
    Shape("the study", 6, (*SHORT, "centralized.epochs=1")),
    Shape("CNN, 1.7 million parameters", 3, (*ALONE, "model.type=cnn",
                                             "federated.clients_per_round=4")),
    Shape("19 million parameters, and a baseline", 2,
          (*SHORT, "centralized.epochs=1", "model.hidden=4000,4000", "partition.clients=2",
           "partition.samples_per_client=100")),
    Shape("the same on one rank", 1,
          (*SHORT, "centralized.epochs=1", "model.hidden=4000,4000", "partition.clients=2",
           "partition.samples_per_client=100")),
    Shape("SCAFFOLD, 150 clients' states", 3,
          (*ALONE, "federated.algorithm=scaffold", "model.hidden=1000",
           "partition.samples_per_client=30")),
    Shape("median of 150 updates", 3, (*ALONE, "federated.aggregation=median",
                                       "model.hidden=1000", "partition.samples_per_client=30")),
    Shape("1,000,000 clients, 100,000 in a round", 3,
          (*ALONE, "data.dataset=synthetic", "data.train_limit=0", "partition.scheme=natural",
           "partition.clients=1000000", "partition.samples_per_client=3",
           "federated.clients_per_round=100000", "model.type=logistic")),
]
HUGE = Shape("416 million parameters", 2,
             (*ALONE, "model.hidden=20000,20000", "partition.clients=2", "federated.rounds=1",
              "partition.samples_per_client=32", "checkpoint.every=1"))


def command(program: Path, shape: Shape, *options: str) -> list[str]:
    settings = [part for setting in shape.settings for part in ("--set", setting)]
    return [str(program), *options, *settings, str(ROOT / "configs/mnist.ini")]


def estimate(program: Path, shape: Shape) -> dict[str, float]:
    """Megabytes of "node", "server" and "other"."""
    done = subprocess.run(["mpirun", "-np", str(shape.ranks),
                           *command(program, shape, "--dry-run")],
                          check=True, capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if "; memory:" in line)
    return {"other" if "other" in what else what: float(number) * UNITS[unit]
            for number, unit, what in re.findall(r"([\d.]+) (\w+) (?:a |the |each )(\w+)", line)}


def private_peak(process: subprocess.Popen) -> float:
    """Megabytes that a process had at most, until it ends, but for what it shares with others:
    those pages stay where they are, so that looks from time to time find them."""
    shared = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        kib = map(int, re.findall(r"Rss(?:File|Shmem):\s+(\d+)", status))
        shared = max(shared, sum(kib))
        time.sleep(0.01)
    return (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - shared) * 1024 / 1e6


def measure(program: Path, shape: Shape) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="fedmpi-memory-") as name:
        used = Path(name) / "used.json"
        subprocess.run(["mpirun", "-np", str(shape.ranks), sys.executable, __file__, "--watch", used,
                        *command(program, shape, "--quiet", "--overwrite", "--output",
                                 f"{name}/run.h5")],
                       check=True, stdout=subprocess.DEVNULL)
        ranks = dict(map(json.loads, used.read_text().splitlines()))
    found = {"server": ranks.pop(0)}
    if ranks:
        found["other"] = max(ranks.values())
    return found


def watch_command(used: str, *line: str) -> int:
    """What runs as a rank."""
    with subprocess.Popen(line) as process:
        peak = private_peak(process)
    with open(used, "a", encoding="utf-8") as file:
        file.write(json.dumps((int(os.environ.get("OMPI_COMM_WORLD_RANK", "0")), peak)) + "\n")
    return process.returncode


def main() -> int:
    program = Path(sys.argv[1]).resolve()
    failures = 0
    print(f"{'':40}{'rank':>8}{'said':>10}{'measured':>10}")
    for shape in [HUGE] if os.environ.get("HUGE") else SHAPES:
        said, found = estimate(program, shape), measure(program, shape)
        if shape.ranks == 1:  # which shares its data with nobody
            said["server"] += said["node"]
        for rank, megabytes in found.items():
            off = said[rank] - megabytes
            failed = abs(off) > max(TOLERANCE * megabytes, TOLERATED_MEGABYTES)
            failures += failed
            print(f"{shape.name if rank == 'server' else '':40}{rank:>8}{said[rank]:>7.0f} MB"
                  f"{megabytes:>7.0f} MB{off / megabytes:>+8.0%}{'  FAILED' if failed else ''}",
                  flush=True)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(watch_command(*sys.argv[2:]) if sys.argv[1] == "--watch" else main())
