"""tests/run.py itself: what fails is named and shown, what hangs is ended, what needs it waits."""

import contextlib
import io
import sys
import time
import unittest
from unittest import mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import job  # noqa: E402: in the folder above
import run  # noqa: E402
from suites import Job  # noqa: E402

FOR_EVER = "trap '' TERM; echo began; while :; do sleep 1; done"


def shell(name: str, script: str, **options) -> Job:
    return Job(name, ["sh", "-c", script], **options)


class Run(unittest.TestCase):
    def run_jobs(self, *jobs: Job, places: int = 2) -> str:
        """What is printed on the way and at the end."""
        printed = io.StringIO()
        self.report, self.line = run.Report(), run.Line(list(jobs), places)
        with contextlib.redirect_stdout(printed):
            self.line.run(self.report)
            self.report.repeat_failures()
        return printed.getvalue()

    def test_a_failure_is_named_with_its_output_and_the_others_go_on(self):
        said = self.run_jobs(shell("a/bad", "echo its words; exit 3"), shell("a/good", "true"))
        self.assertRegex(said, r"FAIL a/bad .* 1 failed")
        self.assertRegex(said, r"FAIL a/bad: exit code 3\n +its words\n")
        self.assertEqual(self.report.closing_line(), "1 passed, 1 failed")

    def test_a_signal_is_named(self):
        self.assertIn("killed by SIGSEGV", self.run_jobs(shell("a/crash", "kill -SEGV $$")))

    def test_what_hangs_is_ended_and_shown(self):
        with mock.patch.object(job, "GRACE_SECONDS", 0.1):
            said = self.run_jobs(shell("a/hangs", FOR_EVER, limit_seconds=1))
        self.assertIn("FAIL a/hangs: did not end in 1 s\n     began\n", said)

    def test_what_is_left_behind_with_the_output_open_is_a_failure(self):
        said = self.run_jobs(shell("a/leaves", "sleep 1000 & echo over", limit_seconds=1))
        self.assertIn("FAIL a/leaves: did not end in 1 s\n     over\n", said)

    def test_what_needs_a_failed_build_is_not_run(self):
        self.run_jobs(shell("a/build", "false"), shell("a/test", "true", needs=("a/build",)),
                      shell("b/test", "true"))
        self.assertEqual([job.name for job in self.line.waiting], ["a/test"])
        self.assertEqual(self.report.closing_line(), "1 passed, 1 failed")

    def test_places_are_not_exceeded_and_what_needs_many_is_not_overtaken(self):
        order, together = [], []

        def note(job: Job) -> run.Outcome:
            order.append(job.name)
            time.sleep(0.02)
            together.append(sorted(other.name for other in self.line.running.values()))
            return run.Outcome(1, 0, 0, 0.0, 0.0, "")

        with mock.patch.object(run, "run_job", note):
            self.run_jobs(shell("1", ""), shell("2", ""), shell("3", ""),
                          shell("two", "", places=2), shell("4", ""),
                          shell("more than there are", "", places=5))
        self.assertEqual(order[3:], ["two", "4", "more than there are"])
        for names in together:
            self.assertLessEqual(len(names), 2)
            if len(names) == 2:
                self.assertFalse({"two", "more than there are"} & set(names), names)

    def test_each_kind_of_output_is_counted(self):
        tap = "1..4\nok 1\nnot ok 2\nok 3 # SKIP no such thing"
        unit = "Ran 5 tests in 1.0s\n\nFAILED (failures=1, errors=1, skipped=1)"
        self.assertEqual(job.count_tap(tap, 1), (1, 2, 1))  # the fourth was not reached
        self.assertEqual(job.count_unittest(unit, 1), (2, 2, 1))
        self.assertEqual(job.count_unittest("", 0), (0, 1, 0))
        self.assertEqual([job.count_command("", code) for code in (0, 1, 77)],
                         [(1, 0, 0), (0, 1, 0), (0, 0, 1)])


if __name__ == "__main__":
    unittest.main()
