#!/usr/bin/env python3
"""Run tests, count them, and close with one line: "N passed, N failed".

    tests/run.py                 everything (what `make check` does)
    tests/run.py unit mpi        some suites; suites.py says which there are
    tests/run.py unit -k config  only programs with "config" in their name

A suite is a list of jobs in stages; a stage starts when the one before has ended,
and what needs a failed build does not run. Each job is a process under a time limit
whose output is kept and shown only if something failed. Standard library only.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import suites
from suites import Job

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
SKIPPED_EXIT_CODE = 77
LAST_WORDS = 15  # lines of a failed job's output that stand once more at the end


class Outcome(NamedTuple):
    """What one job came to."""

    passed: int
    failed: int
    skipped: int
    seconds: float
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
    env = {**os.environ, **suites.MPIRUN_ENVIRONMENT, **job.environment, "TMPDIR": folder}
    flags = env.pop("MAKEFLAGS", "").split()
    kept = [flag for flag in flags if "=" in flag and not flag.startswith("-")]
    if kept:
        env["MAKEFLAGS"] = "-- " + " ".join(kept)
    return env


def stop(process: subprocess.Popen) -> None:
    """End a process and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=5)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def run_job(job: Job) -> Outcome:
    """Run one job to its end, or to its time limit."""
    started, reason = time.monotonic(), ""
    folder = tempfile.mkdtemp(prefix="fedmpi-check-")
    process = subprocess.Popen(job.command, cwd=ROOT, env=environment(job, folder), text=True,
                               errors="replace", stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        output, _ = process.communicate(timeout=job.limit_seconds)
    except subprocess.TimeoutExpired:
        stop(process)
        output, _ = process.communicate()
        reason = f"did not end in {job.limit_seconds} s"
    shutil.rmtree(folder, ignore_errors=True)
    code = process.returncode
    passed, failed, skipped = COUNTERS[job.kind](output, 1 if reason else code)
    if failed and not reason:
        reason = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return Outcome(passed, failed, skipped, time.monotonic() - started, output, reason)


class Report:
    """Prints a line a job and adds up."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self.failures: list[tuple[Job, Outcome]] = []
        self.lock = threading.Lock()

    def add(self, job: Job, outcome: Outcome) -> None:
        with self.lock:
            self.passed += outcome.passed
            self.failed += outcome.failed
            self.skipped += outcome.skipped
            counts = f"{outcome.passed} passed"
            counts += f", {outcome.failed} failed" if outcome.failed else ""
            counts += f", {outcome.skipped} skipped" if outcome.skipped else ""
            mark = "FAIL" if outcome.failed else "ok  "
            print(f"{mark} {job.name:<44} {outcome.seconds:6.1f} s  {counts}")
            if outcome.skipped:
                for line in sorted(set(re.findall(r".*(?:skipped|# SKIP).*", outcome.output))):
                    print(f"       {line.strip()}")
            if outcome.failed:
                self.failures.append((job, outcome))
                print(f"---- {job.name}: {outcome.reason}\n     {' '.join(job.command)}")
                print(outcome.output.rstrip() + "\n----")
            sys.stdout.flush()

    def repeat_failures(self) -> None:
        """Say again what failed and how: of a long log, often only the end is kept."""
        for job, outcome in self.failures:
            print(f"FAIL {job.name}: {outcome.reason}")
            for line in outcome.output.rstrip().splitlines()[-LAST_WORDS:]:
                print(f"     {line}")

    def closing_line(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def run_stage(jobs: list[Job], report: Report, parallel: int) -> bool:
    """Run the jobs of a stage, some at a time; did all builds succeed?"""
    builds_succeeded = True
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        running = {pool.submit(run_job, job): job for job in jobs}
        for done in concurrent.futures.as_completed(running):
            job, outcome = running[done], done.result()
            report.add(job, outcome)
            builds_succeeded &= not (job.is_build and outcome.failed)
    return builds_succeeded


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="*", choices=[[], *suites.SUITES],
                        help="default: " + " ".join(suites.SUITES))
    parser.add_argument("--build", default="build", help="make's BUILD folder")
    parser.add_argument("-k", dest="pattern", default="", help="only names that contain this")
    parser.add_argument("-j", dest="parallel", type=int, default=len(os.sched_getaffinity(0)),
                        help="jobs at a time; default: the number of cores")
    options = parser.parse_args()

    report, started = Report(), time.monotonic()
    for name in options.suite or suites.SUITES:
        for stage in suites.SUITES[name](Path(options.build), options.parallel):
            jobs = [job for job in stage if job.is_build or options.pattern in job.name]
            if not run_stage(jobs, report, options.parallel):
                break
    report.repeat_failures()
    print(f"{time.monotonic() - started:.0f} seconds\n{report.closing_line()}")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main())
