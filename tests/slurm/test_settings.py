"""jobs/site.sh: where its settings come from. Needs no Slurm."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from case import TOP


class Settings(unittest.TestCase):

    def setting(self, name: str, **environment: str) -> str:
        show = f'. jobs/site.sh && printf %s "${name}"'
        return subprocess.check_output(
            ["bash", "-c", show],
            cwd=TOP,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
            universal_newlines=True,
        )

    def test_environment_wins_over_the_users_file_and_that_over_defaults(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home) / ".config" / "fedmpi"
            folder.mkdir(parents=True)
            (folder / "site.sh").write_text("FEDMPI_RANKS=12\nFEDMPI_LAUNCHER='srun --mpi=x'\n")
            self.assertEqual(self.setting("FEDMPI_RANKS"), "6")
            self.assertEqual(self.setting("FEDMPI_RANKS", HOME=home), "12")
            self.assertEqual(self.setting("FEDMPI_RANKS", HOME=home, FEDMPI_RANKS="3"), "3")
            self.assertEqual(self.setting("FEDMPI_LAUNCHER", HOME=home), "srun --mpi=x")
            other = {"FEDMPI_SITE": str(folder / "site.sh")}
            self.assertEqual(self.setting("FEDMPI_RANKS", **other), "12")

if __name__ == "__main__":
    unittest.main()
