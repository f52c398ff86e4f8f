"""The fastest PyTorch that there is: each interpreter that has one, with each kernel of OpenBLAS.

BENCH_PYTHONS names interpreters, with colons between: Debian's and that of a virtual environment
with PyPI's, say. The one that runs this is there anyway.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

BENCH = Path(__file__).resolve().parent
EXIT_SKIP = 77
#: Of OpenBLAS: what may run here; a PyTorch with another library does not look at it.
CORE_TYPES = ("Haswell", "SkylakeX", "Cooperlake", "Zen")


class Peer(NamedTuple):
    """One way to run PyTorch."""

    python: str
    core_type: str  # "": what the library chooses
    name: str

    def run(self, script: str, *arguments: str) -> list[dict]:
        """The lines of JSON that a script prints; none: no PyTorch."""
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
        if self.core_type:
            environment["OPENBLAS_CORETYPE"] = self.core_type
        done = subprocess.run([self.python, str(BENCH / script), *arguments], check=False,
                              capture_output=True, text=True, env=environment)
        if done.returncode == EXIT_SKIP:
            print(f"{self.python}: {done.stderr.strip()}", file=sys.stderr)
            return []
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]


def interpreters() -> list[str]:
    named = [python for python in os.environ.get("BENCH_PYTHONS", "").split(":") if python]
    return list(dict.fromkeys([sys.executable, *named]))


def _library(python: str) -> str:
    """What multiplies its matrices: the name, and PyTorch's version; "" without PyTorch."""
    script = ("import torch; c = torch.__config__.show(); "
              "print('MKL' if 'BLAS_INFO=mkl' in c else 'OpenBLAS', torch.__version__)")
    done = subprocess.run([python, "-c", script], check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def peers() -> Iterator[Peer]:
    for python in interpreters():
        library = _library(python)
        if not library:
            print(f"no PyTorch in {python}", file=sys.stderr)
            continue
        blas, version = library.split()
        for core_type in CORE_TYPES if blas == "OpenBLAS" else ("",):
            kernels = f" {core_type}" if core_type else ""
            yield Peer(python, core_type, f"PyTorch {version}, {blas}{kernels}")


def fastest(data: Path) -> Peer | None:
    """By two rounds each of the study's workload."""
    seconds: dict[Peer, float] = {}
    for peer in peers():
        print(f"trying {peer.name}", file=sys.stderr)
        for record in peer.run("torch_peer.py", "--data", str(data), "--rounds", "2"):
            seconds[peer] = statistics.median(record["seconds_of_each_round"])
            print(f"  {seconds[peer]:.3f} s a round", file=sys.stderr)
    return min(seconds, key=seconds.__getitem__) if seconds else None
