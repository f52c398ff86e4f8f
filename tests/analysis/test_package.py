"""The package: from the checkout and installed, and by a Python that lacks what it needs."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from fnmatch import fnmatch
from pathlib import Path

from analysis import needs
from case import FolderCase
from synthetic import PROGRAM, TOP, write_run

FOLDER = TOP / "analysis"
#: What Python and pip leave in the folder.
MADE = ("__pycache__", "build", "*.egg-info")


def run(*command, cwd=None, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class Needs(FolderCase):
    def test_the_modules_are_those_of_the_requirements(self):
        lines = (FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
        names = [re.split("[>=]", line)[0] for line in lines if not line.startswith("#")]
        self.assertEqual(names, list(needs.MODULES))

    def bare(self, *arguments):
        """A Python without any packages, in the checkout."""
        return run(sys.executable, "-S", *arguments, cwd=TOP)

    def test_a_command_ends_with_one_line(self):
        for module in ("plot", "report", "execute"):
            outcome = self.bare("-m", f"analysis.{module}", "x.h5", "-o", "y")
            self.assertEqual((outcome.returncode, outcome.stdout), (2, ""))
            (line,) = outcome.stderr.splitlines()
            self.assertIn(f"error: {sys.executable} has no h5py, numpy, pandas", line)
            self.assertRegex(line, "pip install -r .*analysis/requirements.txt|use that one")

    def test_an_import_raises_the_same(self):
        outcome = self.bare("-c", "import analysis")
        self.assertEqual(outcome.returncode, 1)
        last = outcome.stderr.splitlines()[-1]
        self.assertIn(f"ImportError: {sys.executable} has no h5py, numpy, pandas", last)


class Installed(FolderCase):
    """`pip install ./analysis`, with the packages of the system and without a network."""

    @classmethod
    def setUpClass(cls):
        kept = tempfile.TemporaryDirectory()
        cls.addClassCleanup(kept.cleanup)
        venv, source = Path(kept.name) / "venv", Path(kept.name) / "analysis"  # pip builds in it
        shutil.copytree(FOLDER, source, ignore=shutil.ignore_patterns(*MADE))
        cls.venv, cls.python = venv, venv / "bin" / "python"
        made = run(sys.executable, "-m", "venv", "--system-site-packages", venv)
        if made.returncode != 0:
            raise unittest.SkipTest(f"no venv: {made.stderr or made.stdout}")
        options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
        done = run(cls.python, "-m", "pip", "install", *options, source)
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        shutil.rmtree(source)

    def test_it_works_anywhere_under_a_name_of_its_own(self):
        results = write_run(self.folder / "a.h5")
        module = "fedmpi_analysis"
        outcome = run(self.python, "-m", f"{module}.table", results, cwd=self.folder)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertIn("| E   | momentum ", outcome.stdout)
        report = run(self.python, "-m", f"{module}.report", results, "-o", "r", cwd=self.folder)
        self.assertEqual(report.returncode, 0, report.stderr)
        self.assertIn("<img", (self.folder / "r" / "index.html").read_text(encoding="utf-8"))
        usage = run(self.python, "-m", f"{module}.plot", "--help").stdout
        self.assertIn("usage: python3 -m fedmpi_analysis.plot", usage)
        look = (
            "import fedmpi_analysis as analysis; from fedmpi_analysis.execute import FOLDER; "
            "print(analysis.__file__, len(list(FOLDER.glob('*.ipynb'))), analysis.figures.__name__)"
        )
        file, notebooks, figures = run(self.python, "-c", look, cwd=self.folder).stdout.split()
        self.assertTrue(Path(file).is_relative_to(self.venv), file)
        self.assertEqual(int(notebooks), len(list((FOLDER / "notebooks").glob("*.ipynb"))))
        self.assertEqual(figures, "fedmpi_analysis.figures")

    def test_it_comes_with_all_its_files(self):
        found = run(self.python, "-c", "import fedmpi_analysis as a; print(a.__path__[0])").stdout
        installed = {p.name for p in Path(found.strip()).rglob("*") if p.suffix != ".pyc"}
        kept = {".py", ".css", ".jinja", ".ipynb", ".txt"}
        sources = [path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.suffix in kept]
        own = {p.name for p in sources if not any(fnmatch(p.parts[0], made) for made in MADE)}
        self.assertLessEqual(own, installed)


class Version(unittest.TestCase):
    def test_it_is_that_of_the_program(self):
        project = (FOLDER / "pyproject.toml").read_text(encoding="utf-8")
        (version,) = re.findall(r'^version = "(.*)"$', project, re.MULTILINE)
        self.assertIn(f"fedmpi {version}", run(PROGRAM, "--version").stdout)


if __name__ == "__main__":
    unittest.main()
