"""Job scripts on a real Slurm: warned, requeued, resumed, cancelled."""

import os
import signal
import threading
import unittest
from typing import List

from case import SRUN, LongCase, attribute, release
from cluster import LIMIT_SECONDS, wait_until


class Interruptions(LongCase):
    clock_job: str
    clock_held: List[int]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # Slurm's clock takes a minute: its job waits, held, while the other tests go on.
        cls.clock_job = cls.start_long("clock", "--time=1", "--signal=B:USR1@50")
        wait_until(lambda: cls.has_rounds("clock", 2), "two rounds")
        cls.clock_held = cls.hold(cls.clock_job)
        watch = threading.Thread(target=cls.release_when_warned, daemon=True)
        watch.start()
        cls.addClassCleanup(watch.join)

    @classmethod
    def release_when_warned(cls) -> None:
        log = f"fedmpi-run-{cls.clock_job}.log"
        try:
            wait_until(lambda: "warned" in cls.cluster.log(log), "Slurm's warning", 2 * LIMIT_SECONDS)
        finally:
            release(cls.clock_held)

    def assert_explained(self, job: str, launcher: str) -> None:
        """The launcher's word of a failure stands in the log, and then what it means."""
        log = self.cluster.log(f"fedmpi-run-{job}.log")
        ours = f"stopped on purpose: exit code 75, which {launcher} reports as a failure"
        self.assertIn(ours, log)
        self.assertRegex(log.partition(ours)[0], r"(?i)non-zero|exit(ed with exit)? code:? +75")

    def test_warned_in_the_middle_it_ends_with_the_same_bits(self) -> None:
        for name, launcher in (("warned", "mpirun"), ("warned-srun", SRUN)):
            with self.subTest(launcher):
                job = self.start_long(name, FEDMPI_LAUNCHER=launcher)
                wait_until(lambda n=name: self.has_rounds(n, 3), "three rounds")
                self.cluster.warn(job)
                self.wait_for_log(f"fedmpi-run-{job}.log", "back into the queue")
                self.assert_explained(job, launcher.split()[0])
                self.assertEqual(attribute(self.results(name), "status"), "interrupted")
                self.let_end(name)
                self.cluster.wait(job)
                self.assert_resumed(job, name)

    def test_warned_at_its_start_it_is_requeued(self) -> None:
        for name, launcher in (("early", "mpirun"), ("early-srun", SRUN)):
            with self.subTest(launcher):
                job = self.start_long(name, FEDMPI_LAUNCHER=launcher, SLURM_WAIT="3")
                self.wait_for_log(f"fedmpi-run-{job}.log", "3 ranks, start 1")
                self.cluster.warn(job)
                self.wait_for_log(f"fedmpi-run-{job}.log", "back into the queue")
                self.let_end(name)
                self.cluster.wait(job)
                self.assertGreater(int(self.cluster.record(job)["Restarts"]), 0)
                self.assert_undisturbed(name)

    def test_a_killed_rank_brings_the_job_back(self) -> None:
        jobs = {}
        for name, launcher in (("killed", "mpirun"), ("killed-srun", SRUN)):
            jobs[name] = self.start_long(name, FEDMPI_LAUNCHER=launcher)
            wait_until(lambda n=name: self.has_rounds(n, 3), "three rounds")
            os.kill(self.hold(jobs[name])[-1], signal.SIGKILL)
            self.let_end(name)
        self.cluster.wait(*jobs.values())
        for name, job in jobs.items():
            self.assertIn("ranks or a node are lost", self.cluster.log(f"fedmpi-run-{job}.log"))
            self.assert_resumed(job, name)

    def test_restarts_are_limited(self) -> None:
        job = self.start_long("limited", FEDMPI_MAX_RESTARTS="0")
        wait_until(lambda: self.has_rounds("limited", 2), "two rounds")
        self.cluster.warn(job)
        self.cluster.wait(job)
        self.assert_ended(job, "FAILED", "75:0", f"fedmpi-run-{job}.log")
        self.assertEqual(self.cluster.record(job)["Restarts"], "0")

    def test_cancelled_job_does_not_come_back(self) -> None:
        job = self.start_long("cancelled")
        wait_until(lambda: self.has_rounds("cancelled", 2), "two rounds")
        self.cluster.run("scancel", job)
        self.cluster.wait(job)
        record = self.cluster.record(job)
        self.assertEqual((record["JobState"], record["Restarts"]), ("CANCELLED", "0"))
        self.let_end("cancelled")
        again = self.start_long("cancelled", "--ntasks=2")  # the bits do not know the ranks
        self.cluster.wait(again)
        self.assertIn("going on from", self.cluster.log(f"fedmpi-run-{again}.log"))
        self.assert_undisturbed("cancelled")

    def test_warned_of_the_limit_by_slurms_own_clock(self) -> None:
        """By its name the last: its job has been waiting for the clock meanwhile."""
        self.assertEqual(len(self.clock_held), 3)
        log = f"fedmpi-run-{self.clock_job}.log"
        self.wait_for_log(log, "back into the queue", 2 * LIMIT_SECONDS)
        self.assertIn("warned: the time limit is near", self.cluster.log(log))
        self.let_end("clock")
        self.cluster.wait(self.clock_job)
        self.assert_resumed(self.clock_job, "clock")


if __name__ == "__main__":
    unittest.main()
