"""A Slurm of three nodes, which are namespaces."""

import unittest
from pathlib import Path
from typing import List

from case import PROGRAM, TOP, LongCase
from cluster import Cluster, Host
from network import Network, missing

#: A node that does not answer is taken for down after some seconds and not minutes.
SETTINGS = """\
SelectTypeParameters=CR_CPU
TaskPlugin=task/none
SlurmdParameters=config_overrides
KillWait=3
SlurmdTimeout=8"""


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
        (folder / "network").mkdir()
        cls.network = Network(folder / "network", 3, (TOP, PROGRAM.parent, folder))
        cls.addClassCleanup(cls.network.end)
        return Cluster(folder, hosts_of(cls.network), cls.CPUS, cls.SETTINGS)
