"""The changes in docs/extend/ apply, build and run: in a copy of the sources."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import program
from program import ROOT, ProgramCase

COPIED = ("Makefile", "VERSION", "src", "include", "tests", "jobs", "docs")


class Extend(ProgramCase):
    """Each chapter has one diff."""

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
        subprocess.run(["git", "apply", "--whitespace=error", "-"], input=diff, text=True,
                       cwd=copy, check=True)
        made = subprocess.run(["make", "-j2", "BUILD=build", "WERROR=-Werror", "fedmpi"], cwd=copy,
                              check=False, text=True, capture_output=True, timeout=550)
        self.assertEqual(made.returncode, 0, made.stderr)
        return copy / "fedmpi"

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_a_partition(self):
        fedmpi = self.build("partition.md")
        listed = subprocess.run([fedmpi, "--list"], check=True, text=True, capture_output=True)
        self.assertIn("[partition.scheme = blocks]", listed.stdout)
        done = subprocess.run([fedmpi, "--set", "partition.scheme=blocks", "--set",
                               "partition.clients=10", self.config], cwd=self.folder, check=False,
                              text=True, capture_output=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.folder / "run.h5") as file:
            rows = file["partition/clients"][()]
        self.assertEqual(list(rows["samples"]), [30] * 10)
        self.assertLess(rows["effective_classes"].max(), 2.01)


if __name__ == "__main__":
    unittest.main()
