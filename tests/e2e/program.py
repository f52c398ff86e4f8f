"""What the tests of the whole program share: a data set of their own, and running it."""

import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import mpirun
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("FEDMPI", ROOT / "fedmpi"))
if not PROGRAM.is_absolute():
    PROGRAM = ROOT / PROGRAM
LIMIT_SECONDS = 120  # for what takes a moment, however slow the machine is

# What no machine comes to the end of while a test runs: stopped on the way, it is stopped early.
ENDLESS = ("federated.rounds=10000000",)
ENDLESS_ROUND = ("training.epochs=16777215", "training.batch_size=1", "federated.tracked_clients=",
                 "centralized.enabled=false")

os.environ.update(mpirun.ENVIRONMENT)

IDX_TYPES = {np.dtype(np.uint8): 0x08, np.dtype(np.float32): 0x0D}


def idx_bytes(values: np.ndarray) -> bytes:
    """An array as an IDX file."""
    head = struct.pack(">BBBB", 0, 0, IDX_TYPES[values.dtype], values.ndim)
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return head + sizes + values.astype(values.dtype.newbyteorder(">")).tobytes()


class Samples(NamedTuple):
    """Images [n, height, width] uint8 and labels [n] uint8."""

    images: np.ndarray
    labels: np.ndarray


def make_samples(count: int, classes: int = 10, side: int = 8, seed: int = 1) -> Samples:
    """Noisy strokes, one pattern a class, most pixels zero: easy, but not perfectly so."""
    patterns = np.random.RandomState(0).rand(classes, side, side) < 0.25
    rng = np.random.RandomState(seed)
    labels = rng.permutation(np.arange(count) % classes).astype(np.uint8)
    shown = patterns[labels] & (rng.rand(count, side, side) < 0.6)
    shown |= rng.rand(count, side, side) < 0.05
    return Samples((shown * rng.randint(64, 256, shown.shape)).astype(np.uint8), labels)


def write_data(folder: Path, train: Samples, test: Samples, compress: bool = False) -> Path:
    """The four files of a data set."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, samples in (("train", train), ("t10k", test)):
        for name, values in (("images-idx3", samples.images), ("labels-idx1", samples.labels)):
            data, path = idx_bytes(values), folder / f"{part}-{name}-ubyte"
            if compress:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(data))
            else:
                path.write_bytes(data)
    return folder


def overrides(settings: tuple) -> list[str]:
    """Keys as options of the command line."""
    return [part for setting in settings for part in ("--set", setting)]


def wait_for(condition: Callable[[], object], what: str, process: subprocess.Popen = None):
    """What the condition gives once it holds; an error where it does not come to that, and as
    soon as the process on which it depends has ended."""
    end = time.monotonic() + LIMIT_SECONDS
    while True:
        over = process is not None and process.poll() is not None
        found = condition()
        if found:
            return found
        if over:
            raise AssertionError(f"ended with {process.returncode} before {what}")
        if time.monotonic() > end:
            raise AssertionError(f"not within {LIMIT_SECONDS} s: {what}")
        time.sleep(0.01)


def process_words(pid: int | str) -> list[str]:
    """Of /proc's line of a process what stands behind its name, which may have blanks: its state,
    its parent, ...; none where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


class Outcome(NamedTuple):
    """How a run ended."""

    code: int
    stdout: str
    stderr: str


# Also on few cores every rank is to train: the tests are of what travels between them.
os.environ.setdefault("FEDMPI_CORES", "64")


def command(ranks: int, *arguments: object, prefix: tuple = ()) -> list[str]:
    """The command line of a run; 0 ranks: without mpirun."""
    launcher = ["mpirun", "-np", str(ranks)] if ranks else []
    return [str(part) for part in (*launcher, *prefix, PROGRAM, *arguments)]


def text_attribute(item: h5py.HLObject, name: str) -> str:
    """An attribute that is a text; h5py gives those of fixed length as bytes."""
    return bytes(item.attrs[name]).decode()


def same_everywhere(path: Path, models: tuple = ("initial", "federated", "centralized")) -> dict:
    """What must not depend on the machine's shape: models and everything measured."""
    with h5py.File(path) as file:
        found = {f"model/{kind}/{name}": tensor[()] for kind in models
                 for name, tensor in file.get(f"model/{kind}", {}).items()}
        for name in ("federated/confusion_matrix", "centralized/confusion_matrix",
                     "partition/label_counts"):
            if name in file:
                found[name] = file[name][()]
        for table in ("federated/rounds", "federated/clients", "federated/local_epochs",
                      "centralized/epochs"):
            rows = file[table][()]
            for column in rows.dtype.names:
                if not column.endswith("seconds") and column != "rank":
                    found[f"{table}.{column}"] = rows[column]
    return found


SMALL = """
[data]
dataset = idx
path = {data}

[partition]
clients = 7
samples_per_client = 30
stratified = true

[model]
hidden = 12,6

[training]
epochs = 2
batch_size = 16
learning_rate = 0.1
momentum = 0.9

[federated]
rounds = 4
tracked_clients = 0,3

[output]
file = {folder}/run.h5
"""


class ProgramCase(unittest.TestCase):
    """A test with a folder, a data set and a small configuration in it."""

    TRAIN, TEST = 400, 230

    @classmethod
    def setUpClass(cls) -> None:
        kept = tempfile.TemporaryDirectory(prefix="fedmpi-data-")
        cls.addClassCleanup(kept.cleanup)
        cls.train = make_samples(cls.TRAIN)
        cls.test = make_samples(cls.TEST, seed=2)
        cls.data = write_data(Path(kept.name), cls.train, cls.test)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="fedmpi-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.config = self.write("run.ini", SMALL.format(data=self.data, folder=self.folder))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, ranks: int, *arguments: object, **options) -> subprocess.Popen:
        """Start the program; it is ended with the test."""
        process = subprocess.Popen(command(ranks, *arguments), cwd=self.folder, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def launch(self, ranks: int, *arguments: object, prefix: tuple = (), **options) -> Outcome:
        """Run the program to its end; 0 ranks: without mpirun."""
        done = subprocess.run(command(ranks, *arguments, prefix=prefix), cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=LIMIT_SECONDS, check=False, **options)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def assert_same(self, first: Path, second: Path, what: str = "") -> None:
        """Two runs computed the same, bit for bit."""
        one, other = same_everywhere(first), same_everywhere(second)
        self.assertEqual(one.keys(), other.keys(), what)
        for name, values in one.items():
            self.assertEqual(values.tobytes(), other[name].tobytes(), f"{what}: {name}")

    def assert_refused(self, outcome: Outcome, *parts: str) -> None:
        """Exit code 2, and one line of ours on stderr that has these parts."""
        self.assertEqual(outcome.code, 2, outcome.stderr)
        self.assert_one_message(outcome, *parts)

    def assert_one_message(self, outcome: Outcome, *parts: str) -> None:
        ours = [line for line in outcome.stderr.splitlines() if line.startswith("fedmpi: ")]
        self.assertEqual(len(ours), 1, outcome.stderr)
        for part in parts:
            self.assertIn(part, ours[0])

    def run_small(self, ranks: int, *settings: str, output: str = "run.h5",
                  options: tuple = ()) -> Path:
        """Run the small configuration with some keys changed; the path of its results. What was
        there before goes, unless it is resumed."""
        path = self.folder / output
        if "--resume" not in options:
            options = ("--overwrite", *options)
        launched = ranks if ranks > 1 else 0  # one rank starts sooner by itself
        outcome = self.launch(launched, *options, *overrides(settings), "--output", path, self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return path

    def server_megabytes(self, *arguments: object) -> float:
        """The peak memory of rank 0 of three, in a run to its end."""
        used = self.folder / "used.json"
        used.unlink(missing_ok=True)
        line = command(1, "--quiet", *arguments, self.config)
        measure = [sys.executable, str(ROOT / "tests/bench/measure_rank.py"), str(used)]
        subprocess.run([*line[:3], *measure, *line[3:], ":", "-np", "2", *line[3:]],
                       cwd=self.folder, check=True, capture_output=True, timeout=LIMIT_SECONDS)
        return json.loads(used.read_text())["peak_megabytes"]

    def rounds_in_file(self, output: str = "run.h5") -> int:
        """Finished rounds that the results have, which are readable at any moment."""
        path = self.folder / output
        if not path.exists():
            return 0
        with h5py.File(path) as file:
            rounds = list(file["federated/rounds"]["round"])
        self.assertEqual(rounds, list(range(1, len(rounds) + 1)))
        return len(rounds)

    def wait_for_rounds(self, process: subprocess.Popen, rounds: int) -> None:
        wait_for(lambda: self.rounds_in_file() >= rounds, f"{rounds} rounds", process)

    def assert_resumed_is_whole(self, ranks: int, *settings: str) -> None:
        """What is stopped goes on for some rounds, to the bits of a run that nobody stopped."""
        last = f"federated.rounds={self.rounds_in_file() + 3}"
        resumed = self.run_small(ranks, *settings, last, options=("--resume",))
        whole = self.run_small(1, *settings, last, output="whole.h5")
        self.assert_same(whole, resumed)
