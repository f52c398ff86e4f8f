"""Job scripts where there is no Slurm, in an environment that nobody has prepared."""

import os
import subprocess
import unittest

import h5py

from program import LIMIT_SECONDS, PROGRAM, ROOT, ProgramCase, text_attribute

RANKS = len(os.sched_getaffinity(0)) + 1  # more than Open MPI takes for granted


class WithoutSlurm(ProgramCase):
    def launch_script(self, name: str, *arguments: object, **settings: str):
        ours = ("OMPI_", "SLURM_", "FEDMPI_")
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(ours)}
        environment.update(FEDMPI_RANKS=str(RANKS), FEDMPI_PROGRAM=str(PROGRAM), **settings)
        return subprocess.run(["bash", ROOT / "jobs" / name, *map(str, arguments)], cwd=self.folder,
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True, timeout=LIMIT_SECONDS)

    def test_a_run_on_more_ranks_than_cores(self):
        output = self.folder / "job.h5"
        run = self.launch_script("run.sbatch", self.config, "-o", output)
        self.assertEqual(run.returncode, 0, run.stdout)
        with h5py.File(output) as file:
            self.assertEqual(text_attribute(file, "status"), "complete")
            self.assertEqual(file.attrs["ranks"], RANKS)

    def test_one_element_of_an_array(self):
        run = self.launch_script("sweep.sbatch", SLURM_ARRAY_TASK_ID="1",
                                 CONFIG=str(self.config), STUDY=str(self.folder))
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertEqual(len(list(self.folder.glob("E01-*.h5"))), 1, run.stdout)


if __name__ == "__main__":
    unittest.main()
