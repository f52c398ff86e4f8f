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

    def run_in_container(self, output: str, prefix: tuple = (), **environment: str):
        path = self.folder / output
        line = [*SMALL_PLACE, *command(3, "-v", "-o", path, self.config, prefix=prefix)]
        done = subprocess.run(line, cwd=self.folder, text=True, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, **environment})
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


if __name__ == "__main__":
    unittest.main()
