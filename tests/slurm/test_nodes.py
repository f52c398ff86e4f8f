"""Job scripts on a Slurm of three nodes."""

import unittest
from pathlib import Path

from case import CONFIG, SMALL, SRUN, attribute, bits
from cluster import wait_until
from nodes import ON_TWO, NodesCase


class Launchers(NodesCase):
    """Both launchers, and however Slurm spreads tasks over nodes."""

    SPREADS = {
        "two nodes": (["--nodes=2", "--ntasks-per-node=2"], 4, 2),
        "three nodes": (["--nodes=3", "--ntasks-per-node=1"], 3, 3),
        "unequal nodes": (["--nodes=3", "--ntasks=5"], 5, 3),
    }

    def run_alone(self, *settings: str) -> Path:
        whole = self.work / "results" / "alone.h5"
        self.cluster.run("./fedmpi", "--quiet", "--overwrite", CONFIG, *SMALL, *settings,
                         "-o", str(whole))
        return whole

    def assert_spread(self, job: str, path: Path, ranks: int, nodes: int) -> None:
        """The job ends well, and had so many ranks on so many nodes."""
        self.cluster.wait(job)
        self.assert_ended(job, "COMPLETED", "0:0", f"fedmpi-run-{job}.log")
        self.assertEqual(attribute(path, "ranks"), ranks)
        self.assertEqual(len(str(attribute(path, "hosts")).split()), nodes)

    def test_the_bits_of_one_rank(self) -> None:
        whole = bits(self.run_alone())
        for launcher in ("mpirun", SRUN):
            for spread, (options, ranks, nodes) in self.SPREADS.items():
                with self.subTest(launcher=launcher, spread=spread):
                    path = self.work / "results" / "nodes.h5"
                    path.unlink(missing_ok=True)
                    job = self.submit(*options, "jobs/run.sbatch", CONFIG, *SMALL,
                                      "-s", "checkpoint.every=0", "-o", str(path),
                                      FEDMPI_LAUNCHER=launcher)
                    self.assert_spread(job, path, ranks, nodes)
                    self.assert_bits(whole, path)

    def submit_parts(self, script: str, *arguments: str, launcher: str) -> str:
        """A heterogeneous job of three ranks on one node and two on another."""
        return self.submit("--nodes=1", "--ntasks=3", ":", "--nodes=1", "--ntasks=2", script,
                           *arguments, FEDMPI_LAUNCHER=launcher)

    def test_a_heterogeneous_job(self) -> None:
        whole = bits(self.run_alone("-s", "checkpoint.every=0"))
        path = self.work / "results" / "parts.h5"
        run = ("jobs/run.sbatch", CONFIG, *SMALL, "-s", "checkpoint.every=0", "-o", str(path))
        job = self.submit_parts(*run, launcher=SRUN)
        self.assert_spread(job, path, ranks=5, nodes=2)
        self.assert_bits(whole, path)

    def test_a_heterogeneous_job_that_would_not_have_all_its_ranks(self) -> None:
        for script, launcher, message in (
                ("jobs/run.sbatch", "mpirun", "a heterogeneous job needs FEDMPI_LAUNCHER="),
                ("jobs/strong-scaling.sbatch", SRUN, "a scaling study needs ranks of one kind")):
            with self.subTest(script):
                job = self.submit_parts(script, CONFIG, launcher=launcher)
                self.cluster.wait(job)
                log = next(self.work.glob(f"*-{job}.log")).name
                self.assert_ended(job, "FAILED", "2:0", log)
                self.assertIn(message, self.cluster.log(log))

    def test_an_array(self) -> None:
        """The sweep over E, each element on two nodes."""
        job = self.submit("--array=1,2", "--nodes=2", "--ntasks-per-node=1",
                          "jobs/sweep.sbatch", *SMALL)
        self.cluster.wait(job)
        for epochs in (1, 2):
            path = self.work / "results" / "paper" / f"E0{epochs}-fresh-seed1.h5"
            self.assertEqual(attribute(path, "status"), "complete")
            self.assertEqual(len(str(attribute(path, "hosts")).split()), 2)

    def test_warned_it_goes_on_on_other_nodes(self) -> None:
        for name, launcher in (("warned", "mpirun"), ("warned-srun", SRUN)):
            with self.subTest(launcher):
                job = self.start_long(name, *ON_TWO, "--exclude=node1", FEDMPI_LAUNCHER=launcher)
                wait_until(lambda n=name: self.has_rounds(n, 3), "three rounds")
                self.cluster.warn(job)
                self.wait_for_log(f"fedmpi-run-{job}.log", "back into the queue")
                self.let_end(name)
                self.cluster.exclude(job, "node3")
                self.cluster.wait(job)
                self.assert_resumed(job, name)
                self.assertEqual(attribute(self.results(name), "hosts"), "node1 node2")


if __name__ == "__main__":
    unittest.main()
