"""A bit that has turned over in an input file: the run says so, or gives what it would have given.

Files with a checksum (gzip, saved states) are refused or read as they were; those without (text,
raw images, HDF5 arrays) may hold another value, which is a run of its own. In no case does the
program crash, hang or leave a message that is none. FEDMPI_FLIPS (default 3) says how many bits of
each kind of file; with FEDMPI_FLIP_REPORT a line for each kind is printed.
"""

import collections
import os
import random
import shutil
import unittest
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from program import Outcome, ProgramCase, overrides, same_everywhere, write_data

FLIPS = int(os.environ.get("FEDMPI_FLIPS", "3"))
REPORT = bool(os.environ.get("FEDMPI_FLIP_REPORT"))
HEAD_BYTES = 512  # half of the bits are of these: sizes, types and names stand there
SHORT = ("federated.rounds=1", "training.epochs=1", "centralized.epochs=1")
CIFAR_BYTES = 3073


class Flips(ProgramCase):
    TRAIN, TEST = 300, 40

    def setUp(self) -> None:
        super().setUp()
        self.draw = random.Random(1)
        self.results = self.folder / "run.h5"

    def flipped(self, whole: bytes) -> tuple[bytes, int]:
        """With one bit turned over, and which."""
        bits = 8 * min(len(whole), self.draw.choice((HEAD_BYTES, len(whole))))
        bit = self.draw.randrange(bits)
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        return bytes(data), bit

    def check(self, kind: str, path: Path, run: Callable[[], Outcome], sealed: bool = False,
              before: Callable[[], None] = lambda: None) -> None:
        """Each of FLIPS runs: refused with one line, or complete; what is sealed, with the bits of
        the file as it was. `before` brings the folder into the state in which the file is read."""
        before()
        whole = path.read_bytes()
        self.assertEqual(run().code, 0)
        expected = same_everywhere(self.results)
        ends: collections.Counter = collections.Counter()
        for _ in range(FLIPS):
            before()
            data, bit = self.flipped(whole)
            path.write_bytes(data)
            outcome = run()
            with self.subTest(kind=kind, bit=bit, file=path.name):
                ends[self.end_of(outcome, expected, sealed)] += 1
        path.write_bytes(whole)
        if REPORT:
            print(f"{kind}: " + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())),
                  flush=True)

    def end_of(self, outcome: Outcome, expected: dict[str, np.ndarray], sealed: bool) -> str:
        self.assertIn(outcome.code, (0, 2), outcome.stderr)
        if outcome.code == 2:
            self.assert_one_message(outcome)
            return "refused"
        found = same_everywhere(self.results)
        same = found.keys() == expected.keys() and all(
            found[name].tobytes() == expected[name].tobytes() for name in expected)
        self.assertTrue(same or not sealed, "another result of a file that has a checksum")
        return "the same result" if same else "another value, its own result"

    def run_with(self, *settings: str, options: tuple = ("--overwrite",)) -> Outcome:
        return self.launch(0, *options, *overrides((*SHORT, *settings)), self.config)

    def test_the_configuration(self) -> None:
        self.config.write_text(self.config.read_text().replace("rounds = 4", "rounds = 1"))
        # Where its results are, how much it computes and on what is another run, and may be long.
        fixed = overrides((f"output.file={self.results}", f"data.path={self.data}", *SHORT,
                           "partition.clients=7", "partition.samples_per_client=30",
                           "model.hidden=12,6", "training.batch_size=16"))
        self.check("configuration", self.config,
                   lambda: self.launch(0, "--overwrite", *fixed, self.config))

    def test_idx(self) -> None:
        folder = write_data(self.folder / "idx", self.train, self.test)
        for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
            self.check(f"IDX, {name}", folder / name, lambda: self.run_with(f"data.path={folder}"))

    def test_compressed_idx(self) -> None:
        folder = write_data(self.folder / "idx", self.train, self.test, compress=True)
        for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
            self.check(f"IDX, {name}", folder / name,
                       lambda: self.run_with(f"data.path={folder}"), sealed=True)

    def test_hdf5(self) -> None:
        path = self.folder / "data.h5"
        with h5py.File(path, "w") as file:
            for part, samples in (("train", self.train), ("test", self.test)):
                file[f"{part}/x"], file[f"{part}/y"] = samples.images, samples.labels
        self.check("HDF5 data", path,
                   lambda: self.run_with("data.dataset=hdf5", f"data.path={path}"))

    def test_cifar10(self) -> None:
        folder, rng = self.folder / "cifar", np.random.RandomState(1)
        folder.mkdir()
        for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
            rows = rng.randint(0, 256, (40, CIFAR_BYTES)).astype(np.uint8)
            rows[:, 0] %= 10
            (folder / name).write_bytes(rows.tobytes())
        self.check("CIFAR-10", folder / "data_batch_2.bin",
                   lambda: self.run_with("data.dataset=cifar10", f"data.path={folder}",
                                         "partition.samples_per_client=0"))

    def test_initial_weights(self) -> None:
        weights = self.folder / "weights.h5"
        self.run_small(1, *SHORT).rename(weights)
        self.check("initial weights", weights, lambda: self.run_with(f"model.init={weights}"))

    def test_saved_states(self) -> None:
        stateful = ("federated.algorithm=scaffold", "training.momentum=0", "checkpoint.every=1")
        self.run_small(1, *SHORT, *stateful)
        saved = self.folder / "saved"
        saved.mkdir()
        for path in self.folder.glob("run.h5*"):
            shutil.move(path, saved)

        def restore() -> None:
            for path in self.folder.glob("run.h5*"):
                path.unlink()
            for path in saved.iterdir():
                shutil.copy(path, self.folder)

        for name in sorted(path.name for path in saved.iterdir()):
            self.check(name.replace("run.h5", "results", 1), self.folder / name,
                       lambda: self.run_with(*stateful, "federated.rounds=3",
                                             options=("--resume",)),
                       sealed=True, before=restore)


if __name__ == "__main__":
    unittest.main()
