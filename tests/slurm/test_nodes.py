"""Job scripts on a Slurm of three nodes."""

import unittest
from pathlib import Path
from typing import Callable, List

from case import CONFIG, SMALL, SRUN, TOP, LongCase, attribute, bits
from cluster import Cluster, Host, wait_until
from network import Network, kill_all, missing

#: A node that does not answer is taken for down after some seconds and not minutes.
SETTINGS = """\
TaskPlugin=task/none
SlurmdParameters=config_overrides
KillWait=3
SlurmdTimeout=8"""


def make_network(case: type, folder: Path) -> Network:
    """Three nodes that see the folder, ended behind the tests of the class."""
    (folder / "net").mkdir()
    shared = (TOP, folder)
    network = Network(folder / "net", 3, shared)
    case.addClassCleanup(network.end)
    return network


def hosts_of(network: Network) -> List[Host]:
    """A node that is started anew is another process: found when it is entered."""
    return [Host(node.name, node.address, lambda n=number: network.nodes[n].command())
            for number, node in network.nodes.items()]


ON_TWO = ("--nodes=2", "--ntasks-per-node=2")


class NodesCase(LongCase):
    """Slurm on nodes that are namespaces."""

    network: Network
    CPUS, SETTINGS = 4, SETTINGS

    @classmethod
    def setUpClass(cls) -> None:
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)
        super().setUpClass()

    @classmethod
    def make_cluster(cls, folder: Path) -> Cluster:
        cls.network = make_network(cls, folder)
        return Cluster(folder, hosts_of(cls.network), cls.CPUS, cls.SETTINGS)


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
                    self.cluster.wait(job)
                    self.assert_ended(job, "COMPLETED", "0:0", f"fedmpi-run-{job}.log")
                    self.assertEqual(attribute(path, "ranks"), ranks)
                    self.assertEqual(len(str(attribute(path, "hosts")).split()), nodes)
                    found = bits(path)
                    self.assertEqual([name for name in whole if found[name] != whole[name]], [])

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
                self.cluster.run("scontrol", "update", f"JobId={job}", "ExcNodeList=node3")
                self.cluster.wait(job)
                self.assert_resumed(job, name)
                self.assertEqual(attribute(self.results(name), "hosts"), "node1 node2")


class LostNodes(NodesCase):
    """What becomes of two jobs, one of each launcher, whose node is lost: not the first of their
    nodes, on which the script runs, or that one."""

    def lose(self, name: str, is_first: bool, lose: Callable[[int], None]) -> None:
        jobs = {f"{name}-{launcher.split()[0]}": self.start_long(
            f"{name}-{launcher.split()[0]}", *ON_TWO, "--exclude=node1", FEDMPI_LAUNCHER=launcher)
            for launcher in ("mpirun", SRUN)}
        for run in jobs:
            wait_until(lambda r=run: self.has_rounds(r, 3), f"three rounds of {run}")
        self.addCleanup(self.mend)
        lose(2 if is_first else 3)
        for job in jobs.values():
            wait_until(lambda j=job: self.cluster.record(j)["Restarts"] == "1", f"job {job} again")
        for run, job in jobs.items():
            self.let_end(run)
            self.cluster.run("scontrol", "update", f"JobId={job}", "ExcNodeList=")
        self.cluster.wait(*jobs.values())
        for run, job in jobs.items():
            with self.subTest(run):
                self.assert_resumed(job, run)

    def mend(self) -> None:
        """Every node is there, and up."""
        for number in (2, 3):
            name = f"node{number}"
            if self.network.nodes[number].dead():
                self.network.start(number)
            if not self.network.nodes[number].processes("slurmd"):
                self.cluster.start_node(name)
            if self.cluster.node_states()[name] == "down":
                self.cluster.run("scontrol", "update", f"NodeName={name}", "State=resume")
        wait_until(lambda: set(self.cluster.node_states().values()) == {"idle"}, "all nodes")

    def test_a_node_that_dies(self) -> None:
        self.lose("dies", False, lambda number: self.network.nodes[number].kill())

    def test_the_node_of_the_script_dies(self) -> None:
        self.lose("first-dies", True, lambda number: self.network.nodes[number].kill())

    def test_a_node_that_is_set_down(self) -> None:
        self.lose("down", False, lambda number: self.cluster.run(
            "scontrol", "update", f"NodeName=node{number}", "State=down", "Reason=test"))

    def test_a_node_whose_slurmd_dies(self) -> None:
        self.lose("slurmd", False,
                  lambda number: kill_all(self.network.nodes[number].processes("slurmd")))


if __name__ == "__main__":
    unittest.main()
