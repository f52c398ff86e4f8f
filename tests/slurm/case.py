"""What the tests of the job scripts share: a cluster, small data, a look into results."""

import atexit
import gzip
import json
import os
import shutil
import signal
import struct
import tempfile
import unittest
from pathlib import Path
from typing import Dict, List

import h5py
import numpy as np
from cluster import LIMIT_SECONDS, Cluster, missing_programs, wait_until

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / os.environ.get("FEDMPI", "fedmpi")
CONFIG = "configs/paper/base.ini"
SRUN = "srun --mpi=pmix"

#: The study in small, and without baseline or tracked clients that a test does not look at.
SMALL = (
    "-s data.train_limit=0 -s partition.clients=6 -s partition.samples_per_client=50 "
    "-s model.hidden=16 -s federated.rounds=3 -s federated.tracked_clients=0,1"
).split()

#: To be interrupted, with all the state that a run can have.
LONG = (
    "-s data.train_limit=0 -s partition.clients=6 -s partition.samples_per_client=100 "
    "-s model.hidden=40 -s training.epochs=2 -s training.persistent_momentum=true "
    "-s federated.tracked_clients=0 -s centralized.epochs=30"
).split()


def missing() -> str:
    """Why these tests cannot run here, or ''."""
    if not PROGRAM.exists():
        return f"{PROGRAM} is not built"
    absent = missing_programs()
    return f"Slurm is not installed (no {', '.join(absent)}): apt install slurm-wlm" if absent else ""


def write_digits(folder: Path, train: int = 900, test: int = 200) -> None:
    """Four IDX files that look like MNIST: ten noisy patterns of 28 x 28."""
    random = np.random.default_rng(1)
    patterns = random.integers(0, 256, (10, 28, 28)) * (random.random((10, 28, 28)) < 0.2)
    folder.mkdir(parents=True)
    for name, count in (("train", train), ("t10k", test)):
        labels = np.arange(count) % 10
        noise = random.integers(0, 64, (count, 28, 28))
        images = np.clip(patterns[labels] + noise, 0, 255)
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            with gzip.open(folder / f"{name}-{kind}-ubyte.gz", "wb", compresslevel=1) as file:
                file.write(header + values.astype(np.uint8).tobytes())


def pictures(notebook: Path) -> int:
    """How many an executed notebook shows."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def bits(path: Path) -> Dict[str, bytes]:
    """Everything in a results file that does not depend on clocks, names or ranks."""
    found: Dict[str, bytes] = {}

    def look(name: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset) or name.startswith("config"):
            return
        values = item[()]
        if values.dtype.names:
            kept = [n for n in values.dtype.names if not n.endswith("_seconds") and n != "rank"]
            found.update({f"{name}.{field}": values[field].tobytes() for field in kept})
        else:
            found[name] = values.tobytes()

    with h5py.File(path, "r") as file:
        file.visititems(look)
    return found


def attribute(path: Path, name: str) -> object:
    with h5py.File(path, "r") as file:
        value = file.attrs[name]
    return value.decode() if isinstance(value, bytes) else value


def rounds_done(path: Path) -> int:
    with h5py.File(path, "r") as file:
        return len(file["federated/rounds"])


class SlurmCase(unittest.TestCase):
    """One cluster for all tests of a class."""

    cluster: Cluster

    @classmethod
    def make_cluster(cls, folder: Path) -> Cluster:
        return Cluster(folder)

    @classmethod
    def setUpClass(cls) -> None:
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)
        folder = Path(tempfile.mkdtemp(prefix="fedmpi-slurm-", dir="/tmp"))  # sockets: short
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.cluster = cls.make_cluster(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # where a signal ends the tests
        atexit.register(cls.cluster.stop)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            cls.cluster.start()
        except TimeoutError as error:
            raise RuntimeError(f"{error}\n{cls.cluster.daemon_logs()}") from error
        cls.addClassCleanup(cls.cluster.stop)
        # A user's checkout: the very scripts and program, and nothing that a run could spoil.
        for name in ("jobs", "configs", "analysis"):
            (cls.cluster.work / name).symlink_to(TOP / name)
        (cls.cluster.work / "fedmpi").symlink_to(PROGRAM)
        write_digits(cls.cluster.work / "data" / "mnist")
        settings = folder / ".config" / "fedmpi" / "site.sh"
        settings.parent.mkdir(parents=True)
        settings.write_text("FEDMPI_RANKS=3\nFEDMPI_PYTHON=/usr/bin/python3\n")

    @property
    def work(self) -> Path:
        return self.cluster.work

    def submit(self, *arguments: str, **environment: str) -> str:
        """jobs/submit.sh, as a user calls it."""
        return self.cluster.run(
            "jobs/submit.sh", "--parsable", *arguments, **environment
        ).strip()

    @classmethod
    def hold(cls, job: str) -> List[int]:
        """Stop a job's ranks where they are, so that time passes and they take none of it."""
        ours = {f"SLURM_JOB_ID={job}".encode(), f"SLURM_CONF={cls.cluster.conf}".encode()}
        held = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "comm").read_text().strip() == "fedmpi":
                    if ours.issubset((process / "environ").read_bytes().split(b"\0")):
                        os.kill(int(process.name), signal.SIGSTOP)
                        held.append(int(process.name))
            except OSError:
                continue  # it has just ended, or is not ours
        return held

    def assert_ended(self, job: str, state: str, exit_code: str, log: str) -> None:
        record = self.cluster.record(job)
        self.assertEqual(
            (record["JobState"], record["ExitCode"]),
            (state, exit_code),
            f"job {job}:\n{self.cluster.log(log)}",
        )

    def assert_bits(self, expected: Dict[str, bytes], path: Path) -> None:
        """The results have these, as bits() gives them."""
        found = bits(path)
        self.assertEqual(found.keys(), expected.keys())
        self.assertEqual([k for k in expected if found[k] != expected[k]], [])

    def wait_for_log(self, log: str, text: str, seconds: float = LIMIT_SECONDS) -> None:
        try:
            wait_until(lambda: text in self.cluster.log(log), f"{text!r} in {log}", seconds)
        except TimeoutError as error:
            self.fail(f"{error}\n{self.cluster.log(log)}")


class LongCase(SlurmCase):
    """Runs that do not end by themselves, to which something happens."""

    CHECKPOINT = ""  # lines of that section

    @classmethod
    def start_long(cls, name: str, *options: str, **environment: str) -> str:
        """A run that does not end by itself."""
        if not cls.results(name).exists():
            cls.set_rounds(name, 10_000_000)
        return cls.cluster.run(
            "jobs/submit.sh",
            "--parsable",
            *options,
            *("jobs/run.sbatch", f"{name}.ini", *LONG, "-o", f"results/{name}.h5"),
            **environment,
        ).strip()

    @classmethod
    def set_rounds(cls, name: str, rounds: int) -> None:
        (cls.cluster.work / f"{name}.ini").write_text(
            f"include = {CONFIG}\n[federated]\nrounds = {rounds}\n[checkpoint]\n{cls.CHECKPOINT}\n")

    def let_end(self, name: str) -> None:
        """What is stopped has a few rounds to go."""
        path = self.results(name)
        self.set_rounds(name, (rounds_done(path) if path.exists() else 0) + 3)

    @classmethod
    def results(cls, name: str) -> Path:
        return cls.cluster.work / "results" / f"{name}.h5"

    @classmethod
    def has_rounds(cls, name: str, count: int) -> bool:
        path = cls.results(name)
        return path.exists() and rounds_done(path) >= count

    def assert_resumed(self, job: str, name: str) -> None:
        """The job was requeued, went on, and has the bits of the undisturbed run."""
        log = f"fedmpi-run-{job}.log"
        self.assert_ended(job, "COMPLETED", "0:0", log)
        self.assertGreater(int(self.cluster.record(job)["Restarts"]), 0)
        self.assertIn("going on from", self.cluster.log(log))
        self.assertEqual(attribute(self.results(name), "status"), "complete")
        self.assert_undisturbed(name)

    def assert_undisturbed(self, name: str) -> None:
        """The bits are those of a run that nobody stopped."""
        whole = self.results(f"{name}-undisturbed")
        self.cluster.run("./fedmpi", "--quiet", f"{name}.ini", *LONG, "-o", str(whole))
        self.assert_bits(bits(whole), self.results(name))


def release(pids: List[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
