"""Disks that are full and places that cannot be written to: no half-written file, no crash."""

import os
import subprocess
import unittest

import h5py
from program import ProgramCase, text_attribute


class Places(ProgramCase):
    def refuse(self, ranks: int, *settings: str, parts: tuple) -> None:
        overrides = [part for setting in settings for part in ("--set", setting)]
        with self.subTest(settings, ranks=ranks):
            self.assert_refused(self.launch(ranks, *overrides, self.config), *parts)

    def test_an_unwritable_output_is_found_before_training(self):
        plain = self.write("plain", "a file")
        for place, reason in (("/proc/none/run.h5", "cannot make the folder /proc/none"),
                              (f"{plain}/run.h5", "Not a directory"),
                              (self.folder, "Is a directory")):
            self.refuse(2, f"output.file={place}",
                        parts=(f"--set: output.file = {place}", reason))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["plain", "run.ini"])

    @unittest.skipIf(os.geteuid() == 0, "root writes everywhere")
    def test_a_folder_without_permission(self):
        locked = self.folder / "locked"
        locked.mkdir(mode=0o500)
        self.refuse(2, f"output.file={locked}/run.h5", parts=("Permission denied",))

    def test_an_unwritable_checkpoint(self):
        overrides = ("--set", "checkpoint.file=/proc/none/checkpoint")
        outcome = self.launch(2, *overrides, self.config)
        self.assertIn(outcome.code, (1, 2), outcome.stderr)
        self.assert_one_message(outcome, "/proc/none/checkpoint", "cannot make the folder")


class FullDisk(ProgramCase):
    """Files may not grow beyond a limit, or the file system is full."""

    def limited(self, bytes_: int, *arguments: str):
        """Every file of the run ends at this size, as with `ulimit -f`. On one rank:
        on more, MPI itself needs files that are larger."""
        return self.launch(1, *arguments, self.config, prefix=("prlimit", f"--fsize={bytes_}"))

    def assert_failed(self, outcome) -> None:
        self.assertEqual(outcome.code, 1, outcome.stderr)
        self.assert_one_message(outcome, f"{self.folder}/run.h5", "cannot write", "too large")

    def test_a_limit_at_the_start(self):
        self.assert_failed(self.limited(5000))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["run.ini"])

    def test_a_limit_on_the_way(self):
        """What was recorded before the file could not grow any more is there."""
        outcome = self.limited(500000, "--set", "federated.rounds=4000", "--set",
                               "checkpoint.every=0")
        self.assert_failed(outcome)
        self.assertEqual([path.name for path in self.folder.glob("*.part")], [])
        with h5py.File(self.folder / "run.h5") as file:
            self.assertIn(text_attribute(file, "status"), ("running", "interrupted"))
            rounds = list(file["federated/rounds"]["round"])
            self.assertEqual(rounds, list(range(1, len(rounds) + 1)))
            self.assertGreater(len(rounds), 100)
            self.assertEqual(len(file["federated/clients"]), 7 * len(rounds))

    def mount(self):
        """A file system of 200 kB."""
        folder = self.folder / "small"
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder],
                              capture_output=True, check=False)
        if done.returncode:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", folder], check=False)
        return folder

    @unittest.skipUnless(os.geteuid() == 0, "only root mounts a file system")
    def test_a_full_file_system(self):
        folder = self.mount()
        outcome = self.launch(2, "--output", folder / "run.h5", "--set", "model.hidden=200",
                              self.config)
        self.assertEqual(outcome.code, 1, outcome.stderr)
        self.assert_one_message(outcome, f"{folder}/run.h5", "No space left on device")
        for path in folder.glob("*.h5"):
            h5py.File(path).close()  # what is there opens

    def test_a_run_goes_on_when_there_is_room_again(self):
        whole = self.run_small(1, output="whole.h5")
        size = (self.folder / "whole.h5.checkpoint").stat().st_size
        outcome = self.limited(size - 3000)
        self.assertEqual(outcome.code, 1, outcome.stderr)
        outcome = self.launch(3, "--resume", self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assert_same(whole, self.folder / "run.h5")


if __name__ == "__main__":
    unittest.main()
