"""A cluster on one machine: nodes with host name, network, /tmp and /dev/shm of their own.

A node is a process in namespaces (network, UTS, mount, IPC, time) that holds them open, a switch
one with a bridge; a pair of virtual interfaces joins each node to it. All of it is unnamed and
ends with the processes, which end with the test: nothing can be left behind, and any number of
clusters stand side by side. What a node sees of the disk is what the machine has, but for /tmp,
/dev/shm, /etc/hosts, and what a test mounts on it. Clocks that count from a start (what
programs measure time with) differ by hours from node to node, as those of machines do.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

CABLE = Path(__file__).with_name("cable.py")
LIMIT_SECONDS = 60  # for what takes a moment
NAMESPACES = ("--net", "--uts", "--mount", "--ipc", "--time")
HOURS_APART = 3
TCP_RETRIES = 5  # of data that nobody acknowledges: seconds, where 15 would be a quarter of an hour
NEEDED = ("unshare", "nsenter", "setpriv", "ip", "mount", "mpirun")
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])

#: In place of ssh: runs a command on a node, in an environment of that node's own.
AGENT = """\
#!/bin/sh
node=$1
shift
exec nsenter --target "$(cat '{folder}'/"$node".pid)" {namespaces} -- \\
    env -i PATH='{path}' LD_LIBRARY_PATH="$LD_LIBRARY_PATH" HOME="$HOME" \\
    sh -c ". '{folder}/$node.profile'; $*"
"""

#: The first process of a node. /tmp is its own but for what is shared below it.
NODE = """\
set -e
hostname {name}
mount -t tmpfs tmpfs /dev/shm
new=$(mktemp -d)
mount -t tmpfs tmpfs "$new"
for shared in {shared}; do
    mkdir -p "$new${{shared#/tmp}}"
    mount --bind "$shared" "$new${{shared#/tmp}}"
done
mount --move "$new" /tmp
mount --bind '{folder}/hosts' /etc/hosts
ip link set lo up
echo {tcp_retries} > /proc/sys/net/ipv4/tcp_retries2
echo ready
exec sleep infinity
"""

SWITCH = """\
set -e
ip link add switch type bridge
ip link set switch up
echo ready
exec sleep infinity
"""


def missing() -> str:
    """Why no cluster can be made here, or ''."""
    absent = [name for name in NEEDED if not shutil.which(name, path=PATH)]
    if absent:
        return f"no {', '.join(absent)}"
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    tried = subprocess.run(
        ["unshare", *NAMESPACES, "--monotonic", "1", "--", "sh", "-c",
         "mount -t tmpfs tmpfs /tmp && ip link add switch type bridge && ip link add type veth"],
        env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no namespaces with a network of their own: {tried.stderr.strip()}"
    version = subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=False)
    return "" if "Open MPI" in version.stdout else "the cluster is made for Open MPI's mpirun"


class Machine:
    """Namespaces, and the process that holds them open."""

    def __init__(self, script: str, *options: str) -> None:
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *options, "--propagation", "private",
             "--", "sh", "-c", script],
            env={**os.environ, "PATH": PATH, "TMPDIR": "/tmp"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.holder.stdout.readline() != "ready\n":
            raise RuntimeError("a node of the test cluster did not start")

    def command(self, *line: object) -> list[str]:
        """A command line that runs there."""
        return ["nsenter", "--target", str(self.holder.pid), *NAMESPACES, "--",
                *(str(part) for part in line)]

    def run(self, *line: object) -> None:
        """Run a command there to its end, which has to be a good one."""
        subprocess.run(self.command(*line), check=True, capture_output=True, text=True,
                       env={**os.environ, "PATH": PATH}, timeout=LIMIT_SECONDS)

    def end(self) -> None:
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class Node(Machine):
    """A computer of the cluster."""

    def __init__(self, network: "Network", number: int) -> None:
        self.number, self.name = number, f"node{number}"
        self.address = f"10.77.0.{number}"
        self.network = network
        shared = " ".join(f"'{path}'" for path in network.shared)
        super().__init__(
            NODE.format(name=self.name, folder=network.folder, shared=shared,
                        tcp_retries=TCP_RETRIES),
            *NAMESPACES, "--monotonic", str(HOURS_APART * 3600 * number))
        self.kind = os.readlink(f"/proc/{self.holder.pid}/ns/uts")
        (network.folder / f"{self.name}.pid").write_text(f"{self.holder.pid}\n")
        self.profile()
        self.relay: subprocess.Popen | None = None
        self.unplug()
        network.switch.run("ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0",
                           "netns", self.holder.pid)
        self.plug_in()

    def unplug(self) -> None:
        """The cable of the node before may still be there: the kernel clears up when it likes."""
        subprocess.run(self.network.switch.command("ip", "link", "delete", self.name), check=False,
                       capture_output=True, env={**os.environ, "PATH": PATH}, timeout=LIMIT_SECONDS)

    def plug_in(self) -> None:
        """A node that is started again has the hardware's address of the one before: the others
        still know it."""
        self.network.switch.run("ip", "link", "set", self.name, "master", "switch", "up")
        self.run("ip", "link", "set", "eth0", "address", f"02:00:0a:4d:00:{self.number:02x}")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def slow_cable(self, delay_seconds: float, loss: float = 0) -> None:
        """A long cable from here on, which loses a share of the packets each way."""
        if self.relay:
            self.relay.kill()
            self.relay.wait()
        else:
            self.network.switch.run("ip", "link", "delete", self.name)
        self.relay = subprocess.Popen(
            self.network.switch.command("setpriv", "--pdeathsig", "KILL", sys.executable, CABLE,
                                        self.name, delay_seconds, loss, self.number),
            env={**os.environ, "PATH": PATH}, stdout=subprocess.PIPE, text=True)
        if self.relay.stdout.readline() != "ready\n":
            raise RuntimeError("no slow cable for a node of the test cluster")
        self.network.switch.run("ip", "link", "set", f"{self.name}-eth0", "netns", self.holder.pid,
                                "name", "eth0")
        self.plug_in()

    def profile(self, **variables: object) -> None:
        """What the environment of each process has that starts there, beside what all have."""
        lines = [f"export {name}='{value}'\n"
                 for name, value in {**self.network.environment, **variables}.items()]
        (self.network.folder / f"{self.name}.profile").write_text("".join(lines))

    def processes(self, name: str = "") -> list[int]:
        """Those that run there, or those of them that have this name."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(entry / "ns/uts") == self.kind:
                    if not name or (entry / "comm").read_text().strip() == name:
                        found.append(int(entry.name))
            except OSError:
                continue  # it has ended
        return found

    def cable(self, state: str) -> None:
        """Cut the cable ("down"), or mend it ("up")."""
        self.network.switch.run("ip", "link", "set", self.name, state)

    def dead(self) -> bool:
        return self.holder.poll() is not None

    def end(self) -> None:
        if self.relay:
            self.relay.kill()
            self.relay.wait()
            self.relay.stdout.close()
        super().end()

    def kill(self) -> None:
        """Everything that runs there, at once."""
        end = time.monotonic() + LIMIT_SECONDS
        while self.processes():
            kill_all(self.processes())
            self.holder.poll()
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name} does not die")
        self.end()


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Network:
    """Nodes 1, 2, ... on one switch. `folder` is seen by all of them, as are `shared` ones."""

    def __init__(self, folder: Path, count: int, shared: Iterable[Path], **environment: object):
        self.folder, self.environment = folder, environment
        self.shared = sorted({path for path in (folder, *shared) if path.is_relative_to("/tmp")})
        self.agent = folder / "agent"
        self.agent.write_text(AGENT.format(folder=folder, path=PATH,
                                           namespaces=" ".join(NAMESPACES)))
        self.agent.chmod(0o755)
        (folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"10.77.0.{number} node{number}\n" for number in range(1, count + 1)))
        self.switch = Machine(SWITCH, *NAMESPACES)
        self.nodes: dict[int, Node] = {}
        for number in range(1, count + 1):
            self.start(number)

    def start(self, number: int) -> Node:
        """A node, whatever became of the one before: with no process and no mount of a test."""
        if number in self.nodes and not self.nodes[number].dead():
            self.nodes[number].kill()
        self.nodes[number] = Node(self, number)
        return self.nodes[number]

    def end(self) -> None:
        for node in self.nodes.values():
            if not node.dead():
                node.kill()
        self.switch.end()

    def mpirun(self, slots: dict[int, int], *line: object) -> list[str]:
        """A command line for mpirun on the first of these nodes, with so many slots on each."""
        hosts = ",".join(f"node{number}:{count}" for number, count in slots.items())
        options = ("--allow-run-as-root", "--bind-to", "none", "--mca", "plm", "rsh",
                   "--mca", "plm_rsh_agent", self.agent, "--host", hosts)
        return [str(part) for part in
                (self.agent, f"node{next(iter(slots))}", "exec", "mpirun", *options, *line)]
