"""The changes in docs/extend/ apply, build and run: in a copy of the sources."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
import program
from program import ROOT, ProgramCase

COPIED = ("Makefile", "VERSION", "src", "include", "tests", "jobs", "docs")


def overrides(settings: tuple[str, ...]) -> list[str]:
    """As options."""
    return [part for setting in settings for part in ("--set", setting)]


class Extend(ProgramCase):
    """Each chapter has one diff."""

    def check_is_small(self, diff: str) -> None:
        """A variant is a file of its own and a name in a list."""
        new, changed = [], []
        for part in re.split(r"^(?=diff --git)", diff, flags=re.MULTILINE)[1:]:
            (new if "\nnew file mode" in part else changed).append(part)
        self.assertEqual([len(new), len(changed)], [1, 1], diff)
        lines = changed[0].split("@@", 2)[2]
        before, after = (re.findall(r"each\((\w+)\)", "".join(
            re.findall(f"^[ {sign}](.*)$", lines, re.MULTILINE))) for sign in "-+")
        self.assertEqual(after[:-1], before)
        for line in re.findall(r"^[-+].*$", lines, re.MULTILINE):
            self.assertIn("each(", line)

    def build(self, chapter: str) -> Path:
        """The program with the chapter's change in it; what it does not touch is not compiled."""
        kept = tempfile.TemporaryDirectory(prefix="fedmpi-extend-")
        self.addCleanup(kept.cleanup)
        copy = Path(kept.name)
        for name in COPIED:
            subprocess.run(["cp", "-a", ROOT / name, copy], check=True)
        built = program.PROGRAM.parent
        if (built / "src").is_dir():
            (copy / "build").mkdir()
            for part in ("src", "libraries.found"):
                subprocess.run(["cp", "-a", built / part, copy / "build"], check=True)
        text = (ROOT / "docs" / "extend" / chapter).read_text()
        diff, = re.findall(r"^```diff\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self.check_is_small(diff)
        subprocess.run(["git", "apply", "--whitespace=error", "-"], input=diff, text=True,
                       cwd=copy, check=True)
        made = subprocess.run(["make", "-j2", "BUILD=build", "WERROR=-Werror", "fedmpi"], cwd=copy,
                              check=False, text=True, capture_output=True, timeout=550)
        self.assertEqual(made.returncode, 0, made.stderr)
        return copy / "fedmpi"

    def refuse(self, fedmpi: Path, settings: tuple[str, ...]) -> str:
        done = subprocess.run([fedmpi, "--overwrite", *overrides(settings), self.config],
                              cwd=self.folder, check=False, text=True, capture_output=True,
                              timeout=100)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def train_with(self, fedmpi: Path, *settings: str, ranks: int = 0) -> dict[str, np.ndarray]:
        """The tensors of the federated model."""
        output = self.folder / f"made-{ranks}.h5"
        launcher = ["mpirun", "-np", str(ranks)] if ranks else []
        done = subprocess.run([*launcher, fedmpi, "--overwrite", "-o", output, *overrides(settings),
                               self.config], cwd=self.folder, check=False, text=True,
                              capture_output=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(output) as file:
            return {name: tensor[:] for name, tensor in file["model/federated"].items()}

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_a_partition(self):
        fedmpi = self.build("partition.md")
        listed = subprocess.run([fedmpi, "--list"], check=True, text=True, capture_output=True)
        self.assertIn("[partition.scheme = blocks]", listed.stdout)
        done = subprocess.run([fedmpi, "--set", "partition.scheme=blocks", "--set",
                               "partition.clients=10", self.config], cwd=self.folder, check=False,
                              text=True, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.folder / "run.h5") as file:
            rows = file["partition/clients"][()]
        self.assertEqual(list(rows["samples"]), [30] * 10)
        self.assertLess(rows["effective_classes"].max(), 2.01)

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_an_algorithm(self):
        """Its key is checked, its column says what it did; without effect it is FedAvg."""
        fedmpi = self.build("algorithm.md")
        listed = subprocess.run([fedmpi, "--list"], check=True, text=True, capture_output=True)
        self.assertIn("[federated.algorithm = fedcap]", listed.stdout)
        averaged = self.train_with(fedmpi)
        free = self.train_with(fedmpi, "federated.algorithm=fedcap", "federated.step_cap=1000")
        for name, values in averaged.items():
            np.testing.assert_array_equal(values, free[name], name)
        capped = ("federated.algorithm=fedcap", "federated.step_cap=2")
        alone, three = self.train_with(fedmpi, *capped), self.train_with(fedmpi, *capped, ranks=3)
        for name, values in alone.items():
            np.testing.assert_array_equal(values, three[name], name)
        self.assertTrue(any((values != averaged[name]).any() for name, values in alone.items()))
        with h5py.File(self.folder / "made-3.h5") as file:
            clients = file["federated/clients"][()]
        self.assertEqual(clients.dtype.names[-1], "step_scale")
        self.assertTrue((clients["steps"] > 2).any())
        np.testing.assert_allclose(clients["step_scale"], np.minimum(1, 2 / clients["steps"]))
        self.assertIn("federated.step_cap = 0: accepted is an integer from 1",
                      self.refuse(fedmpi, (*capped[:1], "federated.step_cap=0")))

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_a_protocol(self):
        """Without a delay it is the synchronous one; ranks and a resume do not change its bits."""
        fedmpi = self.build("protocol.md")
        delayed = ("federated.protocol=delayed", "federated.average_decay=0.5")
        rounds = self.train_with(fedmpi, delayed[1])
        now = self.train_with(fedmpi, *delayed, "federated.delay=0")
        for name, values in rounds.items():
            np.testing.assert_array_equal(values, now[name], name)
        late = (*delayed, "federated.delay=2")
        alone, three = self.train_with(fedmpi, *late), self.train_with(fedmpi, *late, ranks=3)
        parts = self.folder / "parts.h5"
        for options in (("--set", "federated.rounds=2", "--overwrite"), ("--resume",)):
            subprocess.run([fedmpi, "-q", "-o", parts, *overrides(late), *options, self.config],
                           cwd=self.folder, check=True, timeout=100)
        with h5py.File(parts) as file:
            resumed = {name: tensor[:] for name, tensor in file["model/federated"].items()}
            self.assertEqual(list(file["federated/rounds"]["staleness"][:4]), [0, 1, 2, 2])
        for name, values in alone.items():
            np.testing.assert_array_equal(values, three[name], name)
            np.testing.assert_array_equal(values, resumed[name], name)
        self.assertTrue(any((values != rounds[name]).any() for name, values in alone.items()))

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_a_data_source(self):
        """The same numbers as HDF5 are the same model; the key says where the class stands."""
        fedmpi = self.build("data-source.md")
        hdf5 = self.folder / "data.h5"
        with h5py.File(hdf5, "w") as file:
            for part, samples in (("train", self.train), ("test", self.test)):
                pixels = samples.images.reshape(len(samples.labels), -1)
                file[f"{part}/x"] = pixels.astype("f4")
                file[f"{part}/y"] = samples.labels
                table = np.column_stack([pixels, samples.labels])
                heading = ",".join(f"pixel{j}" for j in range(pixels.shape[1])) + ",label"
                np.savetxt(self.folder / f"{part}.csv", table, "%d", ",", header=heading,
                           comments="")
        settings = ("data.normalize=standard", "federated.rounds=1")
        expected = self.train_with(fedmpi, "data.dataset=hdf5", f"data.path={hdf5}", *settings)
        csv = ("data.dataset=csv", f"data.path={self.folder}", *settings)
        found = self.train_with(fedmpi, *csv, "data.csv_label=last")
        self.assertEqual(expected.keys(), found.keys())
        for name, values in expected.items():
            np.testing.assert_array_equal(values, found[name], name)
        (self.folder / "train.csv").write_text("1,2,3\n4,x,6\n")
        self.assertIn("train.csv has 3 numbers a line, test.csv 65", self.refuse(fedmpi, csv))
        (self.folder / "test.csv").write_text("1,2,3\n")
        self.assertIn("train.csv: line 2: accepted is 3 numbers", self.refuse(fedmpi, csv))

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_a_model(self):
        """LeNet-5 has 61,706 parameters; the key widens it; and the bits do not see the ranks."""
        fedmpi = self.build("model.md")
        images = np.random.RandomState(5).randint(0, 256, (460, 28, 28)).astype("u1")
        labels = np.arange(460) % 10
        data = self.folder / "images.h5"
        with h5py.File(data, "w") as file:
            for part, rows in (("train", np.s_[:400]), ("test", np.s_[400:])):
                file[f"{part}/x"], file[f"{part}/y"] = images[rows], labels[rows]
        settings = ("data.dataset=hdf5", f"data.path={data}", "model.type=lenet",
                    "federated.rounds=2")
        one = self.train_with(fedmpi, *settings)
        self.assertEqual(sum(values.size for values in one.values()), 61706)
        self.assertEqual(one["fc1.weight"].shape, (120, 400))
        three = self.train_with(fedmpi, *settings, ranks=3)
        for name, values in one.items():
            np.testing.assert_array_equal(values, three[name], name)
        wide = self.train_with(fedmpi, *settings, "model.lenet_scale=2")
        self.assertEqual(wide["conv2.weight"].shape, (32, 12, 5, 5))


if __name__ == "__main__":
    unittest.main()
