"""One job: a process under a time limit, and how many tests its output says passed."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import suites
from suites import Job

ROOT = Path(__file__).resolve().parents[1]
SKIPPED_EXIT_CODE = 77
GRACE_SECONDS = 5  # between being asked to end and being killed


class Outcome(NamedTuple):
    """What one job came to."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    cpu_seconds: float  # of the job, and of what it started and waited for
    output: str
    reason: str = ""


def count_tap(output: str, code: int) -> tuple[int, int, int]:
    """Passed, failed, skipped tests of a cmocka program; a crash fails those not reached."""
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)", output, re.MULTILINE))
    skipped = len(re.findall(r"^(?:not )?ok\b.*# SKIP", output, re.MULTILINE))
    passed = len(re.findall(r"^ok\b(?!.*# SKIP)", output, re.MULTILINE))
    failed = planned - passed - skipped
    if failed <= 0 and (code != 0 or planned == 0):
        failed = 1
    return passed, failed, skipped


def count_unittest(output: str, code: int) -> tuple[int, int, int]:
    """Passed, failed, skipped tests of a unittest process, from its closing lines."""
    ran = re.findall(r"^Ran (\d+) tests?", output, re.MULTILINE)
    verdict = re.findall(r"^(?:OK|FAILED)(?: \((.*)\))?$", output, re.MULTILINE)
    if not ran or not verdict:
        return 0, 1, 0
    numbers = {name: int(n) for name, n in re.findall(r"([a-z ]+)=(\d+)", verdict[-1])}
    numbers = {name.strip(): n for name, n in numbers.items()}
    failed = numbers.get("failures", 0) + numbers.get("errors", 0)
    failed += numbers.get("unexpected successes", 0)
    skipped = numbers.get("skipped", 0)
    passed = max(0, int(ran[-1]) - failed - skipped)
    return passed, failed if code == 0 else max(1, failed), skipped


def count_command(_output: str, code: int) -> tuple[int, int, int]:
    """A command is one test."""
    skipped = code == SKIPPED_EXIT_CODE
    return int(code == 0), int(code != 0 and not skipped), int(skipped)


COUNTERS = {"tap": count_tap, "unittest": count_unittest, "command": count_command}


def environment(job: Job, folder: str) -> dict[str, str]:
    """The job's environment: as `make` sets it for mpirun, without make's own job server.

    Temporary files go below a folder of the job's own. Open MPI 4 has a folder there that all
    mpirun of a user share and that the last one removes: one that starts in that moment fails.
    """
    env = {**os.environ, **suites.JOB_ENVIRONMENT, **job.environment, "TMPDIR": folder}
    flags = env.pop("MAKEFLAGS", "").split()
    kept = [flag for flag in flags if "=" in flag and not flag.startswith("-")]
    if kept:
        env["MAKEFLAGS"] = "-- " + " ".join(kept)
    return env


class Process:
    """A job that runs: its output is read as it comes, and at the limit all of it is ended."""

    def __init__(self, job: Job, folder: str) -> None:
        self.started = time.monotonic()
        self.limit_seconds = job.limit_seconds
        self.process = subprocess.Popen(job.command, cwd=ROOT, env=environment(job, folder),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.output = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        while part := os.read(self.process.stdout.fileno(), 65536):
            self.output += part

    def stop(self, ended: threading.Event) -> None:
        """End the process and its group: they are asked to, and killed after a while."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            if number == signal.SIGTERM:
                ended.wait(GRACE_SECONDS)

    def wait(self) -> tuple[int, float, bool]:
        """Exit code, seconds of CPU, and whether the limit came first. What it started and left
        behind counts as long as it holds the output open."""
        ended = threading.Event()
        timer = threading.Timer(self.limit_seconds, self.stop, (ended,))
        timer.start()
        _, status, usage = os.wait4(self.process.pid, 0)
        ended.set()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.reader.join(max(0.0, self.started + self.limit_seconds + 10 - time.monotonic()))
        timer.cancel()
        if not self.reader.is_alive():
            self.process.stdout.close()
        late = time.monotonic() - self.started >= self.limit_seconds
        return self.process.returncode, usage.ru_utime + usage.ru_stime, late


def run_job(job: Job) -> Outcome:
    """Run one job to its end, or to its time limit."""
    folder = tempfile.mkdtemp(prefix="fedmpi-check-")
    process = Process(job, folder)
    code, cpu_seconds, late = process.wait()
    shutil.rmtree(folder, ignore_errors=True)
    output, reason = process.output.decode(errors="replace"), ""
    passed, failed, skipped = COUNTERS[job.kind](output, 1 if late else code)
    if late:
        reason = f"did not end in {job.limit_seconds} s"
    elif failed:
        reason = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return Outcome(passed, failed, skipped, time.monotonic() - process.started, cpu_seconds,
                   output, reason)
