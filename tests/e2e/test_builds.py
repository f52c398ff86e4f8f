"""Where a tree lies and what may be done there: blanks in its name, read-only, without git."""

import os
import shlex
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from program import LIMIT_SECONDS, ROOT

VERSION = (ROOT / "VERSION").read_text().strip()
# What an archive of a release has, but for what nothing here asks for.
NAMES = ("Makefile", "VERSION", "src", "include", "tests", "jobs", "docs", "configs", "README.md", "LICENSE",
         "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md")
NOBODY = "65534"
BUILD_LIMIT_SECONDS = 1200


def paths_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class Tree(unittest.TestCase):
    """A tree as an archive gives it, unpacked in a repository of somebody else's."""

    @classmethod
    def setUpClass(cls) -> None:
        kept = tempfile.TemporaryDirectory(prefix="fedmpi-test-", dir="/tmp")  # all may enter
        cls.addClassCleanup(kept.cleanup)
        cls.folder = Path(kept.name)
        cls.folder.chmod(0o755)
        cls.tree = cls.folder / "a user's trees" / "fedmpi"
        cls.tree.mkdir(parents=True)
        for name in NAMES:
            path = ROOT / name
            (shutil.copytree if path.is_dir() else shutil.copy)(path, cls.tree / name)
        cls.build = cls.folder / "build"
        cls.build.mkdir()

    def run_make(self, *arguments: str, prefix: tuple = (), **environment: str) -> str:
        """What it prints; nothing on stderr."""
        done = subprocess.run([*prefix, "make", "--no-print-directory", f"BUILD={self.build}", *arguments],
                              cwd=self.tree, check=False, text=True, capture_output=True,
                              timeout=BUILD_LIMIT_SECONDS,
                              env={**os.environ, "MAKEFLAGS": "", "TMPDIR": str(self.build), **environment})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def asked(self, *names: str) -> list[str]:
        """What make's variables are."""
        values = "|".join(f"$({name})" for name in names)
        return self.run_make(f"--eval=asked:;@echo '{values}'", "asked").strip().split("|")

    def test_a_repository_around_it_is_not_ours(self) -> None:
        git = ("git", "-C", str(self.folder), "-c", "user.name=Somebody", "-c", "user.email=some@body")
        for line in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "Another project"),
                     ("tag", "v9.9.9")):
            subprocess.run([*git, *line], check=True, timeout=LIMIT_SECONDS)
        self.assertEqual(self.asked("REVISION", "VERSION"), ["unknown", VERSION])

    def test_a_repository_of_our_own_says_the_revision(self) -> None:
        git = ("git", "-C", str(self.tree), "-c", "user.name=Somebody", "-c", "user.email=some@body")
        self.addCleanup(shutil.rmtree, self.tree / ".git")
        for line in (("init", "-q"), ("add", "VERSION"), ("commit", "-q", "-m", "Ours"), ("tag", "v8.8.8")):
            subprocess.run([*git, *line], check=True, timeout=LIMIT_SECONDS)
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, text=True, capture_output=True).stdout
        self.assertEqual(self.asked("REVISION", "VERSION"), [head[:12], "8.8.8"])

    def test_a_build_folder_with_blanks_is_refused(self) -> None:
        done = subprocess.run(["make", "BUILD=a folder"], cwd=self.tree, check=False, text=True,
                              capture_output=True, timeout=LIMIT_SECONDS)
        self.assertEqual(done.returncode, 2)
        self.assertIn("BUILD=a folder: make takes no folder with blanks", done.stderr)

    def as_user(self) -> tuple[str, ...]:
        """Root may write anywhere: another user then."""
        if os.geteuid() != 0:
            return ()
        if not shutil.which("setpriv"):
            self.skipTest("root, and no setpriv to be another user")
        os.chown(self.build, int(NOBODY), int(NOBODY))
        return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")

    def protect(self) -> None:
        """Nobody may write in the tree until the test has ended."""
        folders = [self.tree, *(path for path in self.tree.rglob("*") if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
            self.addCleanup(path.chmod, 0o755)

    def test_built_and_installed_from_where_one_may_only_read(self) -> None:
        """By many compilers at once, from a folder with blanks to a home with blanks."""
        before, prefix = paths_below(self.tree), self.as_user()
        self.protect()
        self.run_make("-j8", "WERROR=-Werror", "CFLAGS=-O0", prefix=prefix)
        said = subprocess.run([self.build / "fedmpi", "--version"], check=True, text=True,
                              capture_output=True, timeout=LIMIT_SECONDS).stdout
        self.assertIn(f"fedmpi {VERSION} (", said)
        home = self.build / "a home"
        self.run_make("install", "CFLAGS=-O0", "PREFIX=~/.local", prefix=(*prefix, "sh", "-c",
                      'umask 077; exec "$@"', "sh"), HOME=str(home))
        self.assertEqual(paths_below(self.tree), before)
        self.check_installed(home)

    def check_installed(self, home: Path) -> None:
        """All may read it, whatever the installing user's mask, and pkg-config knows where it is."""
        for path in (home / ".local").rglob("*"):
            self.assertTrue(path.stat().st_mode & stat.S_IROTH, path)
        if shutil.which("pkg-config"):
            done = subprocess.run(["pkg-config", "--cflags", "fedmpi"], check=True, text=True,
                                  capture_output=True, timeout=LIMIT_SECONDS,
                                  env={**os.environ, "PKG_CONFIG_PATH": home / ".local/lib/pkgconfig"})
            source = self.build / "tiny.c"
            source.write_text('#include "fedmpi/core/random.h"\n')
            subprocess.run(["mpicc", "-fsyntax-only", *shlex.split(done.stdout), source], check=True,
                           timeout=LIMIT_SECONDS)


if __name__ == "__main__":
    unittest.main()
