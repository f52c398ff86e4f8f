"""What an earlier run left is not lost, and two runs do not share an output."""

import os
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

import h5py
from program import ENDLESS, ProgramCase, overrides, text_attribute, wait_for

SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>

int flock(int file, int operation) {
    (void)file, (void)operation;
    errno = ENOLCK;
    return -1;
}

static int without_locks(const char *name, int file, int command, void *argument) {
    int (*next)(int, int, void *) = (int (*)(int, int, void *))dlsym(RTLD_NEXT, name);
    if (command != F_OFD_SETLK && command != F_SETLK)
        return next(file, command, argument);
    errno = ENOLCK;
    return -1;
}

#define SHIM_OF(name)                                       \\
    int name(int file, int command, ...) {                  \\
        va_list rest;                                       \\
        va_start(rest, command);                            \\
        void *argument = va_arg(rest, void *);              \\
        va_end(rest);                                       \\
        return without_locks(#name, file, command, argument); \\
    }
SHIM_OF(fcntl)
SHIM_OF(fcntl64)
"""


class EarlierCase(ProgramCase):
    def setUp(self):
        super().setUp()
        self.results = self.folder / "run.h5"

    def run_it(self, *arguments: str, ranks: int = 1, **options):
        return self.launch(ranks, *arguments, self.config, **options)

    def content(self) -> dict[str, bytes]:
        """Every file of the run."""
        return {path.name: path.read_bytes() for path in self.folder.glob("run.h5*")}


class Earlier(EarlierCase):
    def test_without_a_word_nothing_is_lost(self):
        self.run_small(1)
        before = self.content()
        for setting in ("federated.rounds=4", "experiment.seed=2", "training.learning_rate=900"):
            with self.subTest(setting):
                outcome = self.run_it("--set", setting, ranks=2)
                self.assert_refused(outcome, f"run.ini:25: output.file = {self.results}: is there "
                                    "already", '4 rounds of a run that is "complete"', "--resume",
                                    "--overwrite", "--output")
                self.assertEqual(self.content(), before)

    def test_a_stopped_run_is_kept_with_its_checkpoint(self):
        process = self.start(0, *overrides(ENDLESS), self.config)
        wait_for(self.results.with_name("run.h5.checkpoint").exists, "a checkpoint", process)
        process.terminate()
        self.assertEqual(process.wait(), 75)
        before = self.content()
        self.assert_refused(self.run_it(), 'a run that is "interrupted"')
        self.assertEqual(self.content(), before)
        self.results.unlink()
        self.assert_refused(self.run_it(), f"checkpoint.file = {self.results}.checkpoint: is there "
                            "already")
        self.results.touch()  # an empty file holds nothing
        self.assert_refused(self.run_it(), "checkpoint.file = ")

    def test_overwrite_starts_anew(self):
        self.run_small(1, "experiment.seed=2", "federated.rounds=5")
        self.assertEqual(self.run_it("--overwrite").code, 0)
        self.assert_same(self.run_small(1, output="whole.h5"), self.results)
        again = self.run_it("--resume")
        self.assertEqual(again.code, 0, again.stderr)
        self.assertIn("complete already", again.stderr)

    def test_what_is_overwritten_stays_until_the_run_has_begun(self):
        self.run_small(1)
        before = self.content()
        outcome = self.run_it("--overwrite", "--set", "data.path=/nowhere")
        self.assert_refused(outcome, "/nowhere")
        self.assertEqual(self.content(), before)

    def test_resume_and_overwrite_exclude_each_other(self):
        self.assert_refused(self.run_it("--resume", "--overwrite"), "one of the two")

    def test_a_file_of_something_else_is_kept(self):
        self.results.write_text("my thesis")
        for arguments in ((), ("--resume",)):
            self.assert_refused(self.run_it(*arguments), "no results file of fedmpi")
            self.assertEqual(self.results.read_text(), "my thesis")
        with h5py.File(self.results, "w") as file:
            file["x"] = [1, 2, 3]
        self.assert_refused(self.run_it(), "no results file of fedmpi")

    def test_complete_results_without_a_checkpoint_are_complete(self):
        self.run_small(1)
        for rest in self.folder.glob("run.h5.*"):
            rest.unlink()
        before = self.content()
        for ranks in (1, 3):
            outcome = self.run_it("--resume", ranks=ranks)
            self.assertEqual((outcome.code, outcome.stdout), (0, ""), outcome.stderr)
            self.assertIn("complete already", outcome.stderr)
        self.assert_refused(self.run_it("--resume", "--set", "experiment.seed=2"),
                            "experiment.seed = 2", "made with 1", "--overwrite")
        self.assert_refused(self.run_it("--resume", "--set", "federated.rounds=6"),
                            "federated.rounds = 6", "complete with 4 rounds", "--overwrite")
        self.assertEqual(self.content(), before)

    def test_resume_begins_again_where_no_checkpoint_was_made(self):
        whole = self.run_small(1, output="whole.h5")
        process = self.start(0, *overrides((*ENDLESS, "checkpoint.every=0")), self.config)
        wait_for(self.results.exists, "results", process)
        process.kill()
        process.wait()
        self.assertEqual(self.run_it("--resume").code, 0)
        self.assert_same(whole, self.results)

    def test_a_run_that_did_nothing_is_replaced(self):
        outcome = self.run_it("--set", "training.learning_rate=1000", "--set",
                              "data.normalize=none", "--set", "centralized.enabled=false")
        self.assertEqual(outcome.code, 1, outcome.stderr)
        with h5py.File(self.results) as file:
            self.assertEqual(text_attribute(file, "stopped_because"), "divergence")
        self.assertEqual(self.run_it().code, 0)

    def test_a_symbolic_link_is_written_through(self):
        scratch = self.folder / "scratch"
        scratch.mkdir()
        self.results.symlink_to("scratch/real.h5")
        self.run_small(1)
        self.assertTrue(self.results.is_symlink())
        self.assertEqual([path.name for path in scratch.iterdir()], ["real.h5"])
        self.run_small(1, "federated.rounds=2")
        with h5py.File(scratch / "real.h5") as file:
            self.assertEqual(len(file["federated/rounds"]), 2)
        self.assert_refused(self.run_it(), "2 rounds")

    def test_folders_that_were_made_go_with_a_run_that_fails(self):
        outcome = self.launch(1, "-o", self.folder / "a/b/run.h5", "--set", "data.path=/nowhere",
                              self.config)
        self.assert_refused(outcome, "/nowhere")
        self.assertFalse((self.folder / "a").exists())
        outcome = self.launch(1, "-o", self.folder / "a/b/run.h5", self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assertIn(f"made the folder {self.folder}/a/b\n", outcome.stderr)

    def test_a_place_is_tried_before_the_data_are_read(self):
        for option, key in ((("-o", "/proc/none/run.h5"), "output.file"),
                            (("--set", "checkpoint.file=/proc/none/c"), "checkpoint.file")):
            outcome = self.run_it(*option, "--set", "data.path=/nowhere")
            self.assert_refused(outcome, key, "cannot make the folder /proc/none: No such file")
            self.assertEqual(outcome.stderr.count("/proc/none"), 2, outcome.stderr)


class Locks(EarlierCase):
    """Two runs and one output."""

    LONG = overrides((*ENDLESS, "checkpoint.every=1000"))

    def begin(self, *arguments: str, **options) -> subprocess.Popen:
        """A run that holds its lock and has its results file."""
        process = self.start(0, *self.LONG, *arguments, self.config, **options)
        wait_for(self.results.exists, "results", process)
        return process

    def test_an_earlier_start_of_a_job_is_one_to_come_back_after(self):
        def start(number: str) -> dict[str, str]:
            return {**os.environ, "SLURM_JOB_ID": "71", "SLURM_RESTART_COUNT": number}
        process = self.begin(env=start("1"))
        outcome = self.run_it("--resume", env=start("2"))
        self.assertEqual(outcome.code, 75, outcome.stderr)
        self.assert_one_message(outcome, f"{self.results}: an earlier start of job 71 is writing it",
                                f"process {process.pid} on host ")
        self.assert_held(process, "--resume", env=start("1"))  # the same start: a mistake
        self.assert_held(process, "--resume", env={**start("2"), "SLURM_JOB_ID": "72"})

    def no_locks(self) -> dict[str, str]:
        """An environment in which no file can be locked, as on an NFS without its daemon."""
        compiler = shutil.which("gcc") or shutil.which("cc")
        source, library = self.write("shim.c", SHIM), self.folder / "shim.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-w", source, "-o", library, "-ldl"], check=True)
        return {**os.environ, "LD_PRELOAD": str(library)}

    def assert_held(self, process: subprocess.Popen, *arguments: str, **options) -> None:
        outcome = self.run_it(*arguments, **options)
        self.assert_refused(outcome, "another run is writing it", f"process {process.pid} on host "
                            f"{os.uname().nodename}")

    def assert_one_at_a_time(self, **options) -> None:
        process = self.begin(**options)
        for arguments in ((), ("--resume",), ("--overwrite",),
                          ("-o", str(self.folder / "other.h5"), "--set",
                           f"checkpoint.file={self.results}.checkpoint")):
            self.assert_held(process, *arguments, **options)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertTrue(Path(f"{self.results}.lock").exists(), "it was killed")
        outcome = self.run_it("--overwrite", **options)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assertEqual(list(self.folder.glob("*.lock*")), [])

    def test_the_second_is_refused_until_the_first_is_gone(self):
        self.assert_one_at_a_time()

    def test_also_where_the_file_system_has_no_locks(self):
        self.assert_one_at_a_time(env=self.no_locks())

    def test_another_hosts_lock_is_believed_where_there_are_no_locks(self):
        lock = self.write("run.h5.lock", "host elsewhere\nprocess 1\nsince yesterday\n")
        outcome = self.run_it(env=self.no_locks())
        self.assert_refused(outcome, "process 1 on host elsewhere, since yesterday",
                            f"cannot be seen from here, remove {lock}")
        self.assertEqual(self.run_it().code, 0, "the kernel says that nobody has it")

    def test_many_at_once(self):
        """One of them runs, the others are told."""
        runs = [self.start(0, "--set", f"experiment.seed={seed}", "--set", "federated.rounds=300",
                           self.config) for seed in range(4)]
        codes = [run.wait() for run in runs]
        self.assertEqual(sorted(codes), [0, 2, 2, 2])
        with h5py.File(self.results) as file:
            self.assertEqual(file.attrs["seed"], codes.index(0))
            self.assertEqual(len(file["federated/rounds"]), 300)

    def test_data_without_locks_are_read(self):
        """And a file that a notebook has open for writing."""
        path = self.folder / "data.h5"
        with h5py.File(path, "w") as file:
            for part, samples in (("train", self.train), ("test", self.test)):
                file[f"{part}/x"], file[f"{part}/y"] = samples.images, samples.labels
        settings = ("--set", "data.dataset=hdf5", "--set", f"data.path={path}", "--overwrite")
        outcome = self.run_it(*settings, env=self.no_locks())
        self.assertEqual(outcome.code, 0, outcome.stderr)
        with h5py.File(path, "a"):
            outcome = self.run_it(*settings)
        self.assertEqual(outcome.code, 0, outcome.stderr)


if __name__ == "__main__":
    unittest.main()
