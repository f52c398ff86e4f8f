"""A Slurm for tests, of this machine or of several nodes: everything it has is in one scratch folder.

Its configuration, munge key, sockets, ports, logs and state are its own, so that it disturbs
no Slurm that may run on the machine, and needs none. `Cluster.start` brings it up within
seconds and `Cluster.stop` ends its daemons, whatever happened between.
"""

import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

import mpirun

#: More than the machine may have: ranks of tests share its cores.
CPUS = 12

#: For what takes a moment, however slow the machine is.
LIMIT_SECONDS = 120

_CONF = """\
ClusterName=fedmpi-test
SlurmctldHost={controller}({address})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
ReturnToService=2
MpiDefault=none
MailProg=/bin/true
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
# Tests wait for every step of the scheduler: let it look often.
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
{settings}
{nodes}
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

#: Of slurm.conf: a node has the cores that its line says.
SHARED_CORES = """\
SelectTypeParameters=CR_CPU
TaskPlugin=task/none
SlurmdParameters=config_overrides
KillWait=10"""

#: slurmctld and slurmd live where administrators' programs do.
_PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "srun", "setpriv")


def missing_programs() -> List[str]:
    """What would have to be installed first."""
    return [name for name in _PROGRAMS if not shutil.which(name, path=_PATH)]


def wait_until(condition: Callable[[], object], what: str, seconds: float = LIMIT_SECONDS) -> None:
    """Poll until the condition holds; TimeoutError names what did not come."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)


class Host(NamedTuple):
    """A computer of the cluster."""

    name: str
    address: str
    enter: Callable[[], List[str]] = list  # what runs a command line there

    def command(self, folder: Path, *line: str) -> List[str]:
        """A command line that runs there, in a folder."""
        prefix = self.enter()
        return [*prefix, "sh", "-c", 'cd "$0" && exec "$@"', str(folder), *line] if prefix else list(line)


def this_machine() -> List[Host]:
    return [Host(socket.gethostname().split(".")[0], "127.0.0.1")]


class Cluster:
    """A running Slurm and the jobs' working folder `work`, both below `folder`. Its controller, and
    who submits, are on the first host; each host is a node.

    `settings` are lines of slurm.conf; those of the default let jobs have more cores than there are.
    """

    def __init__(self, folder: Path, hosts: Optional[List[Host]] = None, cpus: int = CPUS,
                 settings: str = SHARED_CORES) -> None:
        self.folder = folder
        self.hosts = hosts or this_machine()
        self.cpus = cpus
        self.settings = settings
        self.work = folder / "work"
        self.conf = folder / "slurm.conf"
        self._daemons = ExitStack()
        self._running = False
        self.environment = _clean_environment()
        self.environment["SLURM_CONF"] = str(self.conf)
        self.environment["HOME"] = str(folder)  # nobody's own settings

    def start(self) -> None:
        """Bring the daemons up and wait for the node."""
        for name in ("work", "state", *(f"spool-{host.name}" for host in self.hosts)):
            (self.folder / name).mkdir()
        self._write_configuration()
        self._running = True
        try:
            self._start_munge()
            self._start("slurmctld", "-D", host=self.hosts[0])
            for host in self.hosts:
                self.start_node(host.name)
            wait_until(lambda: set(self.node_states().values()) == {"idle"}, "the nodes")
        except BaseException:
            self.stop()
            raise

    def start_node(self, name: str) -> "subprocess.Popen[bytes]":
        """Its slurmd."""
        host = next(host for host in self.hosts if host.name == name)
        return self._start("slurmd", "-D", "-N", name, host=host)

    def node_states(self) -> Dict[str, str]:
        """Node -> idle, alloc, down, ..."""
        lines = self._call("sinfo", "-h", "-N", "-o", "%N %t", accepted="slurm_load").splitlines()
        return {name: state.rstrip("*") for name, state in (line.split() for line in lines)}

    def stop(self) -> None:
        """Cancel what runs and end the daemons, the last one started first."""
        if not self._running:
            return
        self._running = False
        subprocess.run(
            self.hosts[0].command(self.work, "scancel", "--user", getpass.getuser()),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        self._daemons.close()

    def resume(self, node: str) -> None:
        """A node that is down is up again; or has just come up by itself, which is as good."""
        self._call("scontrol", "update", f"NodeName={node}", "State=resume",
                   accepted="Invalid node state")

    def sbatch(self, *arguments: str, **environment: str) -> str:
        """Submit as a user would, from the working folder; returns the job's id."""
        return self.run("sbatch", "--parsable", *arguments, **environment).strip()

    def run(self, *command: str, **environment: str) -> str:
        """Run a command in the working folder; returns its stdout."""
        return self._call(*command, environment=environment)

    def record(self, job: str) -> Dict[str, str]:
        """What `scontrol show job` says about a job, or an element JOB_INDEX of an array."""
        return dict(re.findall(r"(\w+)=(\S*)", self._call("scontrol", "-o", "show", "job", job)))

    def state(self, job: str) -> str:
        return self.record(job)["JobState"]

    def complete(self, *jobs: str) -> None:
        """Wait for jobs that have to succeed, each element of an array too; RuntimeError otherwise,
        with what they wrote."""
        self.wait(*jobs)
        for job in jobs:
            states = re.findall(r"JobState=(\S*)", self._call("scontrol", "-o", "show", "job", job))
            if set(states) != {"COMPLETED"}:
                logs = sorted(self.work.glob(f"*-{job}*.log"))
                raise RuntimeError(f"job {job} ended as {', '.join(states)}\n" + "\n".join(
                    f"--- {log.name}\n{log.read_text(errors='replace')}" for log in logs))

    def wait(self, *jobs: str, seconds: float = 2 * LIMIT_SECONDS) -> None:
        """Wait until the jobs have ended; those that were requeued start again soon.

        Slurm holds a requeued job back for two minutes. It could start at once, were it
        not that a node refuses a job in the second in which it has killed it.
        """
        seen: Dict[str, float] = {}

        def ended() -> bool:
            lines = self._call("squeue", "-h", "-r", "-o", "%i %T %r", "-j", ",".join(jobs),
                               accepted="Invalid job id")
            for job, state, reason in (line.split(" ", 2) for line in lines.splitlines()):
                if (state, reason) != ("PENDING", "BeginTime"):
                    seen.pop(job, None)
                elif time.monotonic() > seen.setdefault(job, time.monotonic()) + 1.5:
                    self._call("scontrol", "update", f"JobId={job}", "StartTime=now")
            return not lines

        wait_until(ended, f"the end of jobs {', '.join(jobs)}", seconds)

    def exclude(self, job: str, nodes: str) -> None:
        """A job that comes back shall not have these nodes, or ""."""
        wait_until(lambda: self.state(job) == "PENDING", f"job {job} in the queue")
        self._call("scontrol", "update", f"JobId={job}", f"ExcNodeList={nodes}")

    def warn(self, job: str) -> None:
        """Send what `#SBATCH --signal=B:USR1` makes Slurm send, without waiting for it."""
        self._call("scancel", "--signal=USR1", "--batch", job)

    def log(self, name: str) -> str:
        """A job's log as far as it is written."""
        path = self.work / name
        return path.read_text(errors="replace") if path.exists() else ""

    def daemon_logs(self) -> str:
        """The last words of the daemons, for a cluster that does not come up."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-15:]) for log in logs
        )

    def _write_configuration(self) -> None:
        ports = _free_ports(2)
        self.conf.write_text(
            _CONF.format(
                controller=self.hosts[0].name,
                address=self.hosts[0].address,
                settings=self.settings,
                nodes="\n".join(f"NodeName={host.name} NodeAddr={host.address} CPUs={self.cpus} "
                                "RealMemory=1000 State=UNKNOWN" for host in self.hosts),
                controller_port=ports[0],
                node_port=ports[1],
                user=getpass.getuser(),
                folder=self.folder,
            )
        )

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        munge_socket = self.folder / "munge.socket"
        self._start(
            "munged",
            "--foreground",
            "--force",  # also as root, also below /tmp
            f"--socket={munge_socket}",
            f"--key-file={key}",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )
        wait_until(munge_socket.exists, "munged's socket")

    def _start(self, name: str, *arguments: str,
               host: Optional[Host] = None) -> "subprocess.Popen[bytes]":
        """Start a daemon as our child: it is stopped by its own handle and no other."""
        bound = ["setpriv", "--pdeathsig", "TERM"]  # it never outlives us
        there = [*bound, *host.enter()] if host else []
        program = shutil.which(name, path=_PATH)
        assert program, name
        with (self.folder / f"{name}.out.log").open("ab") as output:
            daemon = subprocess.Popen(
                [*there, *bound, program, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C ends the tests first
            )
        self._daemons.callback(_end, daemon)
        return daemon

    def _call(self, *command: str, environment: Optional[Dict[str, str]] = None,
              accepted: str = "") -> str:
        """Run a command on the first host; it may fail with an accepted message."""
        done = subprocess.run(
            self.hosts[0].command(self.work, *command),
            cwd=self.work,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        if done.returncode != 0 and not (accepted and accepted in done.stderr):
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
        return done.stdout


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(15)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _clean_environment() -> Dict[str, str]:
    """Ours without what a surrounding job, launcher or user's settings would bring in."""
    foreign = ("SLURM", "SBATCH", "PMIX", "OMPI_COMM", "FEDMPI_", "XDG_CONFIG_HOME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, **mpirun.ENVIRONMENT}


def _free_ports(count: int) -> List[int]:
    """Ports that no one listens on, below those that the system gives to connections."""
    free: List[int] = []
    while len(free) < count:
        port = 10000 + secrets.randbelow(20000)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in free:
            free.append(port)
    return free
