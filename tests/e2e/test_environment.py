"""What the environment says: variables of ours, launchers that do not fit, ranks that differ."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import h5py
from program import PROGRAM, ROOT, ProgramCase, text_attribute

# A launcher's environment is not that of the tests' own.
FOREIGN = ("SLURM_", "OMPI_COMM", "PMI_", "PMIX_")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}

# Runs what follows with one more variable on one rank only: RANK NAME VALUE command...
ON_RANK = ("sh", "-c", 'if [ "$OMPI_COMM_WORLD_RANK" = "$0" ]; then export "$1=$2"; fi; '
                       'shift 2; exec "$@"')

SPEAKS = "environment variable {}: accepted is "


class Variables(ProgramCase):
    def refuse(self, ranks: int, name: str, value: str, *parts: str) -> None:
        with self.subTest(ranks=ranks, name=name, value=value):
            outcome = self.launch(ranks, self.config, env={**os.environ, name: value})
            self.assert_refused(outcome, f"environment variable {name} = {value or '(empty)'}: ",
                                "accepted is ", *parts)
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["run.ini"])

    def test_wrong_ones_are_refused(self):
        for ranks in (0, 2):
            for value in ("", "0", "-1", "two", "2 cores", "1.5", "99999999999999999999"):
                self.refuse(ranks, "FEDMPI_CORES", value, "a number of cores from 1 on")
            for value in ("", "sse", "AVX2", "avx2 "):
                self.refuse(ranks, "FEDMPI_SIMD", value, "avx512, avx2 or plain")

    def test_kernels_that_the_processor_lacks(self):
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            features = file.read().split()
        missing = [name for name, feature in (("avx512", "avx512f"), ("avx2", "avx2"))
                   if feature not in features]
        if not missing:
            self.skipTest("this processor has them all")
        self.refuse(2, "FEDMPI_SIMD", missing[0], "this processor does not have it")

    def test_one_rank_alone_has_a_wrong_one(self):
        for name, value in (("FEDMPI_CORES", "none"), ("FEDMPI_SIMD", "fast")):
            with self.subTest(name):
                outcome = self.launch(3, self.config, prefix=(*ON_RANK, "2", name, value))
                self.assert_refused(outcome, f"environment variable {name} = {value}: ")

    def test_version_and_help(self):
        environment = {**os.environ, "FEDMPI_SIMD": "fast"}
        self.assert_refused(self.launch(0, "--version", env=environment), "FEDMPI_SIMD")
        self.assertEqual(self.launch(0, "--help", env=environment).code, 0)

    def test_a_slip_of_the_pen_is_noticed(self):
        outcome = self.launch(2, "--dry-run", self.config,
                              env={**os.environ, "FEDMPI_CORE": "3", "FEDMPI_DATA": "/none"})
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assert_one_message(outcome, "FEDMPI_CORE is not read; did you mean FEDMPI_CORES?")

    def test_what_scripts_and_analysis_read_is_no_slip(self):
        page = (ROOT / "docs/reference/environment.md").read_text()
        names = set(re.findall(r"`(FEDMPI_\w+)`", page.partition("<!-- end environment -->")[2]))
        self.assertGreater(len(names), 12)
        outcome = self.launch(0, "--dry-run", self.config,
                              env={**os.environ, **dict.fromkeys(names, "7")})
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assertNotIn("is not read", outcome.stderr)


class Kernels(ProgramCase):
    def kernels(self, path) -> str:
        with h5py.File(path) as file:
            return text_attribute(file, "kernels")

    def test_all_ranks_use_the_least_of_any(self):
        plain = self.folder / "plain.h5"
        outcome = self.launch(3, "-o", plain, self.config, env={**os.environ, "FEDMPI_SIMD": "plain"})
        self.assertEqual(outcome.code, 0, outcome.stderr)
        best = self.run_small(3, output="best.h5")
        self.assertEqual(self.kernels(plain), "plain")
        for rank in (0, 2):
            mixed = self.folder / f"mixed{rank}.h5"
            outcome = self.launch(3, "-o", mixed, self.config,
                                  prefix=(*ON_RANK, str(rank), "FEDMPI_SIMD", "plain"))
            self.assertEqual(outcome.code, 0, outcome.stderr)
            self.assertEqual(self.kernels(mixed), "plain")
            self.assert_same(plain, mixed, f"rank {rank}")
            if self.kernels(best) != "plain":
                self.assertIn(f"kernels: plain on all ranks, as rank {rank} has no better\n",
                              outcome.stderr)

    def test_a_resume_with_others_says_so(self):
        path = self.run_small(2, output="run.h5")
        with h5py.File(path) as file:
            first = text_attribute(file, "arithmetic")
        outcome = self.launch(2, "--resume", "-o", path, "--set", "federated.rounds=6", self.config,
                              env={**os.environ, "FEDMPI_SIMD": "plain"})
        self.assertEqual(outcome.code, 0, outcome.stderr)
        with h5py.File(path) as file:
            lines = text_attribute(file, "arithmetic").splitlines()
        self.assertEqual(lines[0], first)
        if "plain" in first:
            self.assertEqual(len(lines), 1)
        else:
            self.assertRegex(outcome.stderr, "warning: the checkpoint was computed by fused kernels.*, here "
                                             "it is plain kernels.*FEDMPI_SIMD")
            self.assertTrue(lines[1].startswith("from round 5: plain kernels"), lines)


class OpenBLAS(ProgramCase):
    """Its kernels are told by a variable of its own; two that every x86-64 processor has."""

    LARGE = ("--set", "model.hidden=512,512")  # auto: some products are OpenBLAS's
    ONE, OTHER = "Nehalem", "Prescott"

    def start(self, output: Path, gemm: str, *prefix: str, more: tuple = ()):
        environment = {**os.environ, "FEDMPI_SIMD": "plain", "OPENBLAS_CORETYPE": self.ONE}
        return self.launch(3, "-o", output, self.config, *self.LARGE, "--set", f"model.gemm={gemm}",
                           *more, env=environment, prefix=prefix)

    def products(self, path: Path) -> str:
        with h5py.File(path) as file:
            return text_attribute(file["model"], "gemm")

    def setUp(self) -> None:
        super().setUp()
        same = self.same = self.folder / "same.h5"
        self.assertEqual(self.start(same, "auto").code, 0)
        with h5py.File(same) as file:
            if self.ONE not in text_attribute(file, "blas"):
                self.skipTest(f"this OpenBLAS has no kernels for {self.ONE}")
        self.assertIn("openblas", self.products(same))

    def test_kernels_that_differ_are_not_used(self):
        own = self.folder / "own.h5"
        self.assertEqual(self.start(own, "own").code, 0)
        for rank in ("0", "2"):
            with self.subTest(rank):
                mixed = self.folder / f"mixed{rank}.h5"
                outcome = self.start(mixed, "auto", *ON_RANK, rank, "OPENBLAS_CORETYPE", self.OTHER)
                self.assertEqual(outcome.code, 0, outcome.stderr)
                self.assertRegex(outcome.stderr, r"warning: OpenBLAS's kernels differ between nodes: .*"
                                                 r" on \S+ \(rank \d\).*OPENBLAS_CORETYPE")
                self.assertNotIn("openblas", self.products(mixed))
                self.assert_same(own, mixed)
                with h5py.File(mixed) as file:
                    self.assertIn("; ", text_attribute(file, "blas"))

    def resume(self, path: Path, *prefix: str):
        return self.start(path, "auto", *prefix, more=("--resume", "--set", "federated.rounds=6"))

    def arithmetic(self, path: Path) -> list:
        with h5py.File(path) as file:
            return text_attribute(file, "arithmetic").splitlines()

    def test_a_resume_that_finds_others_says_so(self):
        """Others for OpenBLAS's products, and none of those at all."""
        everywhere = ("env", f"OPENBLAS_CORETYPE={self.OTHER}")
        somewhere = (*ON_RANK, "1", "OPENBLAS_CORETYPE", self.OTHER)
        for prefix, now in ((everywhere, self.OTHER), (somewhere, "own")):
            with self.subTest(now):
                path = Path(shutil.copy(self.same, self.folder / f"{now}.h5"))
                for rest in (".checkpoint", ".checkpoint.rows"):
                    shutil.copy(f"{self.same}{rest}", f"{path}{rest}")
                outcome = self.resume(path, *prefix)
                self.assertEqual(outcome.code, 0, outcome.stderr)
                self.assertRegex(outcome.stderr, "warning: the checkpoint was computed by plain "
                                                 f"kernels, .*openblas.*{self.ONE}.*, here it is .*"
                                                 f"{now}.*OPENBLAS_CORETYPE")
                first, then = self.arithmetic(path)
                self.assertRegex(first, f"^from round 1: .*openblas.*{self.ONE}")
                self.assertRegex(then, f"^from round 5: plain kernels, .*{now}")

    def test_a_resume_that_finds_the_same_says_nothing(self):
        outcome = self.resume(self.same)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assertNotIn("warning: ", outcome.stderr)
        self.assertEqual(len(self.arithmetic(self.same)), 1)

    def test_who_insists_on_them_is_refused(self):
        path = self.folder / "refused.h5"
        outcome = self.start(path, "openblas", *ON_RANK, "2", "OPENBLAS_CORETYPE", self.OTHER)
        self.assert_refused(outcome, "model.gemm", "(rank 2)", "OPENBLAS_CORETYPE")
        self.assertFalse(path.exists())


class Launchers(ProgramCase):
    """A process that was started among others, and that MPI calls alone."""

    def alone(self, **variables: str):
        done = subprocess.run([PROGRAM, "--dry-run", self.config], cwd=self.folder, text=True,
                              capture_output=True, timeout=120, check=False,
                              env={**CLEAN, **variables})
        return done

    def test_runs_of_one_rank_each_are_refused(self):
        for remedy, variables in (
                ("srun --mpi=pmix", {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"}),
                ("srun --mpi=pmix", {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4",
                                     "PMI_SIZE": "4"}),  # --mpi=pmi2
                ("use the mpirun of the MPI", {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2",
                                               "PMI_SIZE": "6"}),  # MPICH's, by srun on two nodes
                ("use the mpirun of the MPI", {"OMPI_COMM_WORLD_SIZE": "3"}),
                ("use the mpirun of the MPI", {"PMI_SIZE": "3"})):
            with self.subTest(variables):
                done = self.alone(**variables)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, f"^fedmpi: .* started {list(variables.values())[-1]} "
                                              f"processes, but each is alone.*{remedy}.*\n$")

    def test_only_the_first_of_them_speaks(self):
        for variables in ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1"},
                          {"PMI_SIZE": "3", "PMI_RANK": "2"}):
            with self.subTest(variables):
                done = self.alone(**variables)
                self.assertEqual((done.returncode, done.stderr), (2, ""))

    def test_one_rank_in_a_larger_job_is_all_right(self):
        for variables in ({"SLURM_NTASKS": "6", "SLURM_PROCID": "0"},  # a batch script's
                          {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"},
                          {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4",  # a daemon's step
                           "OMPI_COMM_WORLD_SIZE": "1"}):
            with self.subTest(variables):
                done = self.alone(**variables)
                self.assertEqual(done.returncode, 0, done.stderr)
        outcome = self.launch(1, "--dry-run", self.config,
                              env={**os.environ, "SLURM_NTASKS": "6", "SLURM_PROCID": "0"})
        self.assertEqual(outcome.code, 0, outcome.stderr)


FAST_NETWORKS = ("infiniband", "hfi1", "ipath", "cxi", "kgni", "bxi")


@unittest.skipIf(any(device.name.startswith(FAST_NETWORKS) for device in Path("/dev").iterdir()),
                 "this machine has a fast network")
class Transports(ProgramCase):
    """Open MPI does not look for cards that are not there, unless it is told to."""

    def opened(self, **variables: str) -> str:
        outcome = self.launch(2, "--dry-run", self.config, env={
            **os.environ, "OMPI_MCA_mtl_base_verbose": "100", **variables})
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return "\n".join(line for line in outcome.stderr.splitlines() if "found loaded component" in line)

    def test_no_component_waits_for_a_card(self):
        self.assertNotRegex(self.opened(), "ofi|psm")

    @unittest.skipUnless(shutil.which("ompi_info") and "mtl: ofi" in subprocess.run(
        ["ompi_info"], check=False, capture_output=True, text=True).stdout, "an Open MPI without ofi")
    def test_what_the_user_chose_stays(self):
        self.assertIn("ofi", self.opened(OMPI_MCA_mtl="ofi"))
        self.assertRegex(self.opened(OMPI_MCA_pml="^v"), "ofi|psm")


if __name__ == "__main__":
    unittest.main()
