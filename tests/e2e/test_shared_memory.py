"""Containers with little room in /dev/shm: the data are shared by other means, same bits."""

import os
import subprocess
import unittest
from pathlib import Path

from program import ProgramCase, command

ROOM = "16m"  # Open MPI itself takes 4 MB a rank, and the data set below 20 MB
SMALL_PLACE = ("unshare", "--mount", "sh", "-c",
               f'mount -t tmpfs -o size={ROOM} tmpfs /dev/shm && exec "$@"', "sh")
# Processes that do not see each other below /proc, as where each rank has a container.
UNSEEN = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /proc && exec "$@"', "sh")


class Containers(ProgramCase):
    TRAIN = 300000

    @classmethod
    def setUpClass(cls) -> None:
        if subprocess.run([*SMALL_PLACE, "true"], capture_output=True, check=False).returncode:
            raise unittest.SkipTest("no file system can be mounted here")
        super().setUpClass()

    def start_in_container(self, path: Path, prefix: tuple = (), **environment: str):
        line = [*SMALL_PLACE, *command(3, "-v", "-o", path, self.config, prefix=prefix)]
        return subprocess.run(line, cwd=self.folder, text=True, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, **environment})

    def run_in_container(self, output: str, prefix: tuple = (), **environment: str) -> Path:
        path = self.folder / output
        done = self.start_in_container(path, prefix, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"/dev/shm has room for [0-9.]+ [kM]B: [0-9.]+ MB are shared")
        return path

    def test_a_run_in_little_room_has_the_same_bits(self):
        usual = self.run_small(3, output="usual.h5")
        self.assert_same(usual, self.run_in_container("container.h5"))

    def test_ranks_that_do_not_see_each_other(self):
        usual = self.run_small(3, output="usual.h5")
        temporary = self.folder / "tmp"
        temporary.mkdir()
        path = self.run_in_container("unseen.h5", UNSEEN, TMPDIR=str(temporary))
        self.assert_same(usual, path)
        self.assertEqual([found for found in Path(temporary).rglob("fedmpi-*")], [])

    def test_no_room_anywhere_is_told_with_the_remedy(self):
        path = self.folder / "nowhere.h5"
        # A file of another folder's is what the ranks could still share: here there is none.
        inside = (*UNSEEN[:-2], 'mount -t tmpfs tmpfs /proc && export TMPDIR=/nowhere && exec "$@"',
                  "sh")
        done = self.start_in_container(path, inside)
        self.assertEqual(done.returncode, 2, done.stderr)
        said = [line for line in done.stderr.splitlines() if "no room for" in line]
        self.assertEqual(len(said), 1, done.stderr)
        self.assertRegex(said[0], r"no room for [0-9.]+ MB that the ranks of a node share: /dev/shm "
                                  r"has [0-9.]+ MB.* /nowhere .*--shm-size.*TMPDIR")
        self.assertNotIn("MPI_", done.stderr)
        self.assertFalse(path.exists())


if __name__ == "__main__":
    unittest.main()
