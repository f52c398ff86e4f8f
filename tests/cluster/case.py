"""What the tests on several nodes share: the nodes, and running the program on them."""

import os
import signal
import subprocess
import tempfile
import unittest
from collections.abc import Callable, Iterable
from pathlib import Path

from network import Network, Node, missing
from program import LIMIT_SECONDS, PROGRAM, ROOT, Outcome, ProgramCase, overrides

#: Which of OpenBLAS's kernels it is depends on variables, and the bits on the kernel.
ENVIRONMENT = {**{name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")},
               "FEDMPI_CORES": 64, "OPENBLAS_NUM_THREADS": 1}


class ClusterCase(ProgramCase):
    """Three nodes for all tests of a class."""

    network: Network

    @classmethod
    def setUpClass(cls) -> None:
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="fedmpi-cluster-")
        cls.addClassCleanup(folder.cleanup)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        shared = (ROOT, PROGRAM.parent, Path(tempfile.gettempdir()))
        cls.network = Network(Path(folder.name), 3, shared, **ENVIRONMENT)
        cls.addClassCleanup(cls.network.end)

    def node(self, number: int) -> Node:
        return self.network.nodes[number]

    def give(self, number: int, own: Path, path: Path) -> Callable[[], None]:
        """A node has something of its own at this path; what undoes that, with the test if not
        before."""
        node, given = self.node(number), [path]
        node.run("mount", "--bind", own, path)

        def undo() -> None:
            if given:
                node.run("umount", given.pop())

        self.addCleanup(undo)
        return undo

    def on_nodes(self, slots: Iterable[int], *arguments: object, ranks: int = 0,
                 options: tuple = ()) -> list[str]:
        """A command line of a run with so many slots on node 1, 2, ...; ranks: in all of them."""
        slots = {number: count for number, count in enumerate(slots, start=1) if count}
        return self.network.mpirun(slots, *options, "-np", ranks or sum(slots.values()), PROGRAM,
                                   *arguments)

    def launch_on(self, slots: Iterable[int], *arguments: object, **options) -> Outcome:
        """Run to the end."""
        done = subprocess.run(self.on_nodes(slots, *arguments, **options), cwd=self.folder,
                              text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=LIMIT_SECONDS, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def run_on(self, slots: Iterable[int], *settings: str, output: str = "run.h5",
               resume: bool = False, **options) -> Path:
        """Run the small configuration with some keys changed; the path of its results."""
        path = self.folder / output
        outcome = self.launch_on(slots, "--resume" if resume else "--overwrite",
                                 *overrides(settings), "--output", path, self.config, **options)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return path
