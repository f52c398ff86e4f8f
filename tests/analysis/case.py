"""What the tests of `analysis` share: a folder of their own, and running a command."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from typing import Callable, List, NamedTuple

from analysis import command


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


class FolderCase(unittest.TestCase):
    """A test with a temporary folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def names(self) -> List[str]:
        """The names in the folder, hidden ones too."""
        return sorted(path.name for path in self.folder.iterdir())


def run_command(main: Callable[[List[str]], None], *arguments: object) -> Outcome:
    """Run a command's main function as from the shell."""
    stdout, stderr, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            command.run(lambda _: main([str(argument) for argument in arguments]))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Outcome(code, stdout.getvalue(), stderr.getvalue())
