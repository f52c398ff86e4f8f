"""Several nodes on one machine: host names and file systems of their own.

mpirun starts the processes of another node by `ssh HOST COMMAND`. In its place stands a script
that runs the command in namespaces of its own, where the node's folder is mounted over the
test's data: each node reads its own files, and has memory in common with no other.
"""

import os
import subprocess
import unittest
from pathlib import Path

from program import LIMIT_SECONDS, PROGRAM, Outcome, ProgramCase

AGENT = """#!/bin/sh
host=$1
shift
exec unshare --uts --mount sh -c "
    hostname $host
    if [ -d '{folder}/$host' ]; then mount --bind '{folder}/$host' '{folder}/data'; fi
    if [ -f '{folder}/$host.sh' ]; then . '{folder}/$host.sh'; fi
    $*"
"""


class NodesCase(ProgramCase):
    """The node of the server, and node2, node3, ... whose folders have such names."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if subprocess.run(["unshare", "--uts", "--mount", "hostname", "node2"],
                          capture_output=True, check=False).returncode:
            raise unittest.SkipTest("no namespaces of its own for each node")
        if "Open MPI" not in subprocess.run(["mpirun", "--version"], capture_output=True,
                                            text=True, check=False).stdout:
            raise unittest.SkipTest("nodes are made for Open MPI's mpirun")

    def launch_on(self, ranks: tuple[int, ...], *arguments: object) -> Outcome:
        """Run with so many ranks on this node, on node2, ..."""
        agent = self.write("agent", AGENT.format(folder=self.folder))
        agent.chmod(0o755)
        hosts = ",".join(f"{os.uname().nodename if node == 1 else f'node{node}'}:{count}"
                         for node, count in enumerate(ranks, start=1))
        line = ["mpirun", "--mca", "plm_rsh_agent", agent, "--mca", "plm", "rsh",
                "--mca", "btl_tcp_if_include", "lo", "--mca", "oob_tcp_if_include", "lo",
                "--host", hosts, "-np", str(sum(ranks)), PROGRAM, *arguments]
        done = subprocess.run([str(part) for part in line], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=LIMIT_SECONDS, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def node_script(self, node: int, text: str) -> Path:
        """What the shell of that node does before its processes start."""
        return self.write(f"node{node}.sh", text + "\n")
