"""jobs/lib.sh: what it gives a launcher. Needs no Slurm."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from case import TOP

LAUNCHER = """#!/bin/sh
echo "$OMPI_MCA_orte_tmpdir_base"
test -d "$OMPI_MCA_orte_tmpdir_base"
"""


class Launch(unittest.TestCase):

    def test_each_job_has_a_folder_for_mpirun_that_goes_with_it(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            launcher = Path(home) / "launcher"
            launcher.write_text(LAUNCHER)
            launcher.chmod(0o755)
            folders = [subprocess.check_output(
                ["bash", "-c", ". jobs/lib.sh && fedmpi_run 2 config.ini"],
                cwd=TOP,
                env={"PATH": os.environ["PATH"], "HOME": home, "FEDMPI_LAUNCHER": str(launcher),
                     "TMPDIR": home},
                stderr=subprocess.DEVNULL,
                universal_newlines=True,
            ).strip() for _ in range(2)]
            self.assertNotEqual(*folders)
            for folder in folders:
                self.assertTrue(folder.startswith(home), folder)
                self.assertFalse(Path(folder).exists())


if __name__ == "__main__":
    unittest.main()
