"""Job scripts on a Slurm that loses nodes."""

import unittest
from typing import Callable

from case import SRUN
from cluster import wait_until
from network import kill_all
from nodes import ON_TWO, NodesCase


class LostNodes(NodesCase):
    """What becomes of two jobs, one of each launcher, whose node is lost: not the first of their
    nodes, on which the script runs, or that one."""

    CHECKPOINT = "give_up_after = 20"

    def lose(self, name: str, is_first: bool, lose: Callable[[int], None]) -> None:
        jobs = {f"{name}-{launcher.split()[0]}": self.start_long(
            f"{name}-{launcher.split()[0]}", *ON_TWO, "--exclude=node1", FEDMPI_LAUNCHER=launcher)
            for launcher in ("mpirun", SRUN)}
        for run in jobs:
            wait_until(lambda r=run: self.has_rounds(r, 3), f"three rounds of {run}")
        self.addCleanup(self.mend)
        lose(2 if is_first else 3)
        for job in jobs.values():
            wait_until(lambda j=job: int(self.cluster.record(j)["Restarts"]) > 0, f"job {job} again")
        for run, job in jobs.items():
            self.let_end(run)
            self.cluster.exclude(job, "")
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
            self.network.nodes[number].cable("up")
            if not self.network.nodes[number].processes("slurmd"):
                self.cluster.start_node(name)
        wait_until(self.all_idle, "all nodes")

    def all_idle(self) -> bool:
        states = self.cluster.node_states()
        for name in (name for name, state in states.items() if state == "down"):
            self.cluster.resume(name)
        return set(states.values()) == {"idle"}

    def test_a_node_that_dies(self) -> None:
        self.lose("dies", False, lambda number: self.network.nodes[number].kill())

    def test_a_node_whose_cable_is_cut(self) -> None:
        self.lose("cut", False, lambda number: self.network.nodes[number].cable("down"))

    def test_the_cable_of_the_scripts_node_is_cut(self) -> None:
        """The server goes on writing there until it gives up; the job comes back until then."""
        self.lose("first-cut", True, lambda number: self.network.nodes[number].cable("down"))

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
