"""Job scripts with the cores and the memory that Slurm grants them."""

import os
import unittest
from pathlib import Path

from case import CONFIG, SMALL, SRUN, attribute
from cluster import Cluster
from nodes import ON_TWO, NodesCase


class Granted(NodesCase):
    """Cores and memory as Slurm grants them, by control groups."""

    CPUS = 2
    SETTINGS = """\
SelectTypeParameters=CR_CPU_Memory
TaskPlugin=task/cgroup,task/affinity
ProctrackType=proctrack/cgroup
SlurmdParameters=config_overrides
KillWait=3"""
    CGROUPS = """\
CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
ConstrainCores=yes
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
AllowedSwapSpace=0
MinRAMSpace=1
"""

    @classmethod
    def setUpClass(cls) -> None:
        for controller in ("cpuset", "memory", "freezer"):
            if not os.access(f"/sys/fs/cgroup/{controller}/tasks", os.W_OK):
                raise unittest.SkipTest(f"no control groups of version 1 to write to: {controller}")
        super().setUpClass()

    @classmethod
    def make_cluster(cls, folder: Path) -> Cluster:
        (folder / "cgroup.conf").write_text(cls.CGROUPS)
        cluster = super().make_cluster(folder)
        for host in cluster.hosts:
            cls.addClassCleanup(remove_groups, f"slurm_{host.name}")
        return cluster

    def test_ranks_train_on_the_cores_that_they_are_granted(self) -> None:
        """A core on each of two nodes, for two ranks each: beside the server one trains, of the
        other node the first."""
        for launcher in ("mpirun", SRUN):
            for options, workers in ((["--overcommit"], 2), ([], 3)):
                with self.subTest(launcher=launcher, options=options):
                    path = self.work / "results" / "granted.h5"
                    path.unlink(missing_ok=True)
                    job = self.submit(*ON_TWO, *options, "jobs/run.sbatch", CONFIG, *SMALL,
                                      "-s", "checkpoint.every=0", "-o", str(path),
                                      FEDMPI_LAUNCHER=launcher)
                    self.cluster.wait(job)
                    self.assert_ended(job, "COMPLETED", "0:0", f"fedmpi-run-{job}.log")
                    self.assertEqual(attribute(path, "workers"), workers)

    def test_a_job_without_enough_memory_does_not_come_back_for_ever(self) -> None:
        job = self.submit("--ntasks=2", "--mem=10M", "jobs/run.sbatch", CONFIG, *SMALL,
                          "-o", "results/memory.h5", FEDMPI_MAX_LOSSES="1")
        self.cluster.wait(job)
        record = self.cluster.record(job)
        self.assertEqual((record["JobState"], record["Restarts"]), ("OUT_OF_MEMORY", "1"))
        log = self.cluster.log(f"fedmpi-run-{job}.log")
        self.assertEqual(log.count("ranks or a node are lost"), 2, log)
        self.assertIn("not requeued after 1 such losses (FEDMPI_MAX_LOSSES)", log)


def remove_groups(name: str) -> None:
    """What a slurmd leaves behind of its control groups."""
    for controller in Path("/sys/fs/cgroup").iterdir():
        for folder, _, _ in os.walk(controller / name, topdown=False):
            os.rmdir(folder)


if __name__ == "__main__":
    unittest.main()
