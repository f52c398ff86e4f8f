#!/usr/bin/env python3
"""Run tests, count them, and close with one line: "N passed, N failed".

    tests/run.py                 everything (what `make check` does)
    tests/run.py unit mpi        some suites; suites.py says which there are
    tests/run.py unit -k config  only programs with "config" in their name

A suite is a list of jobs; those of all suites wait in one line, from which the next starts as
soon as one ends. There are twice as many places as cores: half of the time a test waits for mpirun,
a disk or a clock. What is built is built once, and what needs a failed build does not run.
Each job is a process under a time limit whose output is shown only if something failed.
Standard library only.
"""

import argparse
import concurrent.futures
import os
import re
import sys
import time
from pathlib import Path

import suites
from job import Outcome, run_job
from suites import Job

CORES = len(os.sched_getaffinity(0))
LAST_WORDS = 15  # lines of a failed job's output that stand once more at the end


class Report:
    """Prints a line a job and adds up."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self.failures: list[tuple[Job, Outcome]] = []
        self.cpu_seconds: dict[str, float] = {}  # of each suite, and of builds that they share

    def add(self, job: Job, outcome: Outcome) -> None:
        self.passed += outcome.passed
        self.failed += outcome.failed
        self.skipped += outcome.skipped
        suite = job.name.partition("/")[0]
        self.cpu_seconds[suite] = self.cpu_seconds.get(suite, 0.0) + outcome.cpu_seconds
        counts = f"{outcome.passed} passed"
        counts += f", {outcome.failed} failed" if outcome.failed else ""
        counts += f", {outcome.skipped} skipped" if outcome.skipped else ""
        mark = "FAIL" if outcome.failed else "ok  "
        print(f"{mark} {job.name:<44} {outcome.seconds:6.1f} s {outcome.cpu_seconds:6.1f} CPU s  "
              f"{counts}")
        if outcome.skipped:
            for line in sorted(set(re.findall(r".*(?:skipped|# SKIP).*", outcome.output))):
                print(f"       {line.strip()}")
        if outcome.failed:
            self.failures.append((job, outcome))
            print(f"---- {job.name}: {outcome.reason}\n     {' '.join(job.command)}")
            print(outcome.output.rstrip() + "\n----")
        sys.stdout.flush()

    def costs(self) -> str:
        """Seconds of CPU by suite, the dearest first."""
        dearest = sorted(self.cpu_seconds.items(), key=lambda item: -item[1])
        return "CPU seconds: " + ", ".join(f"{suite} {seconds:.0f}" for suite, seconds in dearest)

    def repeat_failures(self) -> None:
        """Say again what failed and how: of a long log, often only the end is kept."""
        for job, outcome in self.failures:
            print(f"FAIL {job.name}: {outcome.reason}")
            for line in outcome.output.rstrip().splitlines()[-LAST_WORDS:]:
                print(f"     {line}")

    def closing_line(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


class Line:
    """Jobs that wait for one of some places, and for what they need."""

    def __init__(self, jobs: list[Job], places: int) -> None:
        self.waiting, self.places = jobs, places
        self.running: dict[concurrent.futures.Future[Outcome], Job] = {}
        self.succeeded: set[str] = set()

    def next(self) -> Job | None:
        """The first that can start now. None overtakes one for which there are too few places."""
        taken = sum(job.places for job in self.running.values())
        for job in self.waiting:
            if self.succeeded.issuperset(job.needs):
                fits = taken == 0 or taken + job.places <= self.places
                return job if fits else None
        return None

    def run(self, report: Report) -> None:
        """Until none is left, or the rest needs what has failed."""
        with concurrent.futures.ThreadPoolExecutor(self.places) as pool:
            while True:
                while job := self.next():
                    self.waiting.remove(job)
                    self.running[pool.submit(run_job, job)] = job
                if not self.running:
                    return
                for done in concurrent.futures.wait(
                        self.running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                    self.end(self.running.pop(done), done.result(), report)

    def end(self, job: Job, outcome: Outcome, report: Report) -> None:
        report.add(job, outcome)
        if not outcome.failed:
            self.succeeded.add(job.name)


def jobs_of(names: list[str], pattern: str, build: Path) -> list[Job]:
    """Those of some suites whose names contain the pattern, and what they need: each once."""
    found = {job.name: job for name in names for job in suites.SUITES[name](build, CORES)}
    wanted = {name for name in found if pattern in name}
    needed = {name for other in wanted for name in found[other].needs}
    return [job for job in found.values() if job.name in wanted | needed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="*", choices=[[], *suites.SUITES],
                        help="default: " + " ".join(suites.SUITES))
    parser.add_argument("--build", default="build", help="make's BUILD folder")
    parser.add_argument("-k", dest="pattern", default="", help="only names that contain this")
    parser.add_argument("-j", dest="parallel", type=int, default=2 * CORES,
                        help="places for jobs; default: twice the number of cores")
    options = parser.parse_args()

    report, started = Report(), time.monotonic()
    line = Line(jobs_of(options.suite or list(suites.SUITES), options.pattern,
                        Path(options.build)), options.parallel)
    line.run(report)
    for job in line.waiting:
        print(f"---- {job.name}: not run, it needs {', '.join(job.needs)}")
    report.repeat_failures()
    print(f"{report.costs()}\n{time.monotonic() - started:.0f} seconds\n{report.closing_line()}")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main())
