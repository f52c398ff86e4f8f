"""What the documentation tells its readers to type does what it says, on a small data set."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

import h5py
import numpy as np
import program
from program import ROOT, ProgramCase

# Pages about additions speak of what is not there yet: test_extend.py runs their commands.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md",
         *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "extend")]
CONFIGURATIONS = sorted((ROOT / "configs").rglob("*.ini"))

# The data set of the tests in place of one that has to be fetched, and a federation that it fills.
SMALL_DATA = ("data.dataset=idx", "data.train_limit=0", "data.validation_samples=0",
              "partition.clients=40", "partition.samples_per_client=10",
              "federated.clients_per_round=0", "federated.tracked_clients=")
OWN_DATA = ("synthetic.ini", "million-clients.ini", "many-clients.ini", "natural.ini", "hdf5.ini")


def indented(text: str) -> list[str]:
    """Lines of blocks that are indented by four, outside blocks between ```."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^    (\S.*)$", text, re.MULTILINE)


def spans(text: str) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]


def python_blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def is_for_the_reader_to_fill(line: str) -> bool:
    """It has a place holder: SECTION, [options], <TAB>."""
    return bool(re.search(r"\b(SECTION|RANKS|CONFIG|NAME)\b|[\[<]", line))


def commands(pattern: str) -> list[tuple[str, list[str]]]:
    """Page and words, from where the pattern begins, of each line that has it."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for line in (*indented(text), *spans(text)):
            at = re.search(pattern, line)
            if at and not is_for_the_reader_to_fill(line):
                found.append((str(page.relative_to(ROOT)),
                              shlex.split(line[at.start():], comments=True)))
    return found


def lines_of_configurations() -> list[tuple[str, list[str]]]:
    """The command at the head of each that has one."""
    found = []
    for path in CONFIGURATIONS:
        for line in re.findall(r"^;\s+mpirun -np \d+ (\./fedmpi .*)$", path.read_text(), re.MULTILINE):
            found.append((str(path.relative_to(ROOT)), shlex.split(line)))
    return found


class CommandLines(ProgramCase):
    """Those of fedmpi, each with --dry-run behind it."""

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "configs").symlink_to(ROOT / "configs")
        with h5py.File(self.folder / "FILE.h5", "w") as file:
            for part, samples in (("train", self.train), ("test", self.test)):
                file[f"{part}/x"], file[f"{part}/y"] = samples.images, samples.labels
            file["train/client"] = np.arange(self.TRAIN) % 40
        (self.folder / "FILE").write_text("".join(f"{i % 40}\n" for i in range(self.TRAIN)))

    def settings_for(self, arguments: list[str]) -> tuple:
        """So that a configuration finds data; one that makes or names its own has them."""
        names = {Path(word).name for word in arguments}
        if not any(name.endswith(".ini") for name in names) or names & set(OWN_DATA):
            return ()
        return program.overrides((*SMALL_DATA, f"data.path={self.data}"))

    def assert_accepted(self, lines: list[tuple[str, list[str]]]) -> None:
        for page, (_, *arguments) in lines:
            with self.subTest(page=page, line=" ".join(arguments)):
                outcome = self.launch(0, "--dry-run", *arguments, *self.settings_for(arguments))
                self.assertEqual(outcome.code, 0, outcome.stderr)
                self.assertNotIn("warning: configs/", outcome.stderr)

    def test_of_the_pages(self):
        lines = commands(r"(?<!\S)(\./)?fedmpi (?=-|configs)")
        self.assertGreater(len(lines), 10)
        self.assert_accepted(lines)

    def test_of_the_configurations(self):
        lines = lines_of_configurations()
        self.assertGreater(len(lines), 25)
        self.assert_accepted(lines)

    def test_every_configuration_is_named_by_its_own_command(self):
        """Or is one of a family whose base, job script or page says how to run it."""
        named = {word for _, line in lines_of_configurations() for word in line}
        for path in CONFIGURATIONS:
            name = str(path.relative_to(ROOT))
            alone = name.startswith(("configs/paper/", "configs/studies/"))
            self.assertTrue(alone or name in named, name)


@unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
class Snippets(ProgramCase):
    """Those in Python, on results that the program made."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("one", "four", "mnist-fedavg"):
            self.run_small(0, output=f"results/{name}.h5")

    def python(self, code: str) -> None:
        done = subprocess.run([sys.executable, "-c", code], cwd=self.folder, text=True, check=False,
                              capture_output=True, timeout=program.LIMIT_SECONDS,
                              env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"})
        self.assertEqual(done.returncode, 0, f"{code}\n{done.stderr}")

    def test_of_the_front_page_compares_models(self):
        (compare,) = python_blocks("README.md")
        self.python(compare)
        with h5py.File(self.folder / "results/four.h5", "r+") as file:
            tensors = file["model/federated"]
            tensors[next(iter(tensors))][0] += 1
        with self.assertRaises(AssertionError):
            self.python(compare)

    def test_of_the_results(self):
        pandas, torch = python_blocks("docs/guide/results.md")
        self.assertIn("import torch", torch)
        self.python(pandas)

    def test_of_the_analysis(self):
        (analysis,) = python_blocks("docs/guide/analysis.md")
        self.python(analysis)
        self.assertTrue((self.folder / "rounds.pdf").stat().st_size)

    def test_of_a_data_set_of_ones_own(self):
        text = (ROOT / "docs/guide/data.md").read_text()
        block = re.search(r"^    with h5py.*\n(?:        .*\n)+", text, re.MULTILINE).group()
        self.assertEqual(block.count("file["), 5, block)
        (self.folder / "data").mkdir()
        random = np.random.default_rng(1)
        samples = {"x_train": random.random((40, 6), np.float32), "y_train": np.arange(40) % 4,
                   "x_test": random.random((8, 6), np.float32), "y_test": np.arange(8) % 4,
                   "writers": np.arange(40) % 7}
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        exec(re.sub(r"^    ", "", block, flags=re.MULTILINE), {"h5py": h5py, **samples})
        path = self.run_small(0, "data.dataset=hdf5", "data.path=data/mine.h5",
                              "partition.scheme=natural", "partition.clients=0",
                              "partition.samples_per_client=0", output="mine.h5")
        with h5py.File(path) as file:
            self.assertEqual(file["partition/label_counts"].shape, (7, 4))


@unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
class Analysis(unittest.TestCase):
    """Options of its commands."""

    def test_options_exist(self):
        lines = commands(r"python3? -m analysis\.\w+ ")
        self.assertGreater(len(lines), 8)
        modules = sorted({words[2] for _, words in lines})
        ask = ("import contextlib, importlib, io, json, sys\n"
               "def help_of(name):\n"
               "    with contextlib.redirect_stdout(io.StringIO()) as said:\n"
               "        with contextlib.suppress(SystemExit):\n"
               "            importlib.import_module(name).main(['--help'])\n"
               "    return said.getvalue()\n"
               "print(json.dumps({name: help_of(name) for name in sys.argv[1:]}))")
        said = json.loads(subprocess.run([sys.executable, "-c", ask, *modules], cwd=ROOT, check=True,
                                         text=True, capture_output=True, timeout=120).stdout)
        for page, (_, _, module, *arguments) in lines:
            for option in (word for word in arguments if word.startswith("-")):
                with self.subTest(page=page, module=module, option=option):
                    self.assertRegex(said[module], rf"(?<!\S){re.escape(option)}(?![\w-])")


if __name__ == "__main__":
    unittest.main()
