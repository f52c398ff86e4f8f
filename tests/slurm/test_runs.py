"""Job scripts on a real Slurm: single runs under both launchers, scaling studies, failures."""

import unittest

import h5py
from case import CONFIG, SMALL, SRUN, SlurmCase, attribute, bits, rounds_done


class Runs(SlurmCase):
    def test_single_run(self) -> None:
        job = self.submit("jobs/run.sbatch", CONFIG, *SMALL, "-o", "results/single.h5")
        self.cluster.wait(job)
        self.assert_ended(job, "COMPLETED", "0:0", f"fedmpi-run-{job}.log")
        results = self.work / "results" / "single.h5"
        self.assertEqual(attribute(results, "status"), "complete")
        self.assertEqual(attribute(results, "slurm_job_id"), job)
        self.assertEqual(attribute(results, "ranks"), 3)
        self.assertEqual(rounds_done(results), 3)

    def test_sbatch_alone_and_srun_give_the_same_bits(self) -> None:
        options = ["jobs/run.sbatch", CONFIG, *SMALL, "-o"]
        mpirun = self.cluster.sbatch("--ntasks=2", *options, "results/mpirun.h5")
        srun = self.submit(*options, "results/srun.h5", FEDMPI_LAUNCHER=SRUN)
        self.cluster.wait(mpirun, srun)
        for job in (mpirun, srun):
            self.assert_ended(job, "COMPLETED", "0:0", f"fedmpi-run-{job}.log")
        results = self.work / "results"
        self.assertEqual(attribute(results / "mpirun.h5", "ranks"), 2)
        self.assertEqual(attribute(results / "srun.h5", "ranks"), 3)
        self.assertEqual(bits(results / "mpirun.h5"), bits(results / "srun.h5"))

    def test_wrong_configuration_fails_once(self) -> None:
        wrong = ["-s", "training.epochs=none", "-o", "results/wrong.h5"]
        for launcher in ("mpirun", SRUN):
            with self.subTest(launcher):
                job = self.submit("jobs/run.sbatch", CONFIG, *wrong, FEDMPI_LAUNCHER=launcher)
                self.cluster.wait(job)
                log = f"fedmpi-run-{job}.log"
                self.assert_ended(job, "FAILED", "2:0", log)
                self.assertEqual(self.cluster.record(job)["Restarts"], "0")
                self.assertIn("training.epochs", self.cluster.log(log))
        self.assertFalse((self.work / "results" / "wrong.h5").exists())

    def test_srun_without_a_pmi_that_mpi_knows_starts_nothing(self) -> None:
        """Else it would be three runs of one rank each, which share a results file, or Open MPI
        would end in its own words."""
        jobs = {kind: self.submit("jobs/run.sbatch", CONFIG, *SMALL, "-o", f"results/{kind}.h5",
                                  FEDMPI_LAUNCHER=f"srun --mpi={kind}")
                for kind in ("none", "pmi2")}
        self.cluster.wait(*jobs.values())
        for kind, job in jobs.items():
            with self.subTest(kind):
                log = f"fedmpi-run-{job}.log"
                self.assert_ended(job, "FAILED", "2:0", log)
                said = self.cluster.log(log)
                self.assertEqual(said.count("started 3 processes, but each is alone"), 1, said)
                self.assertIn("use srun --mpi=pmix", said)
                self.assertNotIn("MPI_INIT", said.upper())
                self.assertFalse((self.work / "results" / f"{kind}.h5").exists())

    def test_scaling(self) -> None:
        jobs = {
            "strong": self.submit("--ntasks=4", "jobs/strong-scaling.sbatch", *SMALL),
            "weak": self.submit(
                "--ntasks=4", "jobs/weak-scaling.sbatch", *SMALL, CLIENTS_PER_RANK="2"
            ),
        }
        self.cluster.wait(*jobs.values())
        for kind, job in jobs.items():
            self.assert_ended(job, "COMPLETED", "0:0", f"fedmpi-{kind}-{job}.log")
            files = sorted((self.work / "results" / f"{kind}-scaling").glob("*.h5"))
            self.assertEqual([attribute(file, "ranks") for file in files], [2, 3, 4])
            clients = [len(h5py.File(file, "r")["partition/label_counts"]) for file in files]
            self.assertEqual(clients, [6, 6, 6] if kind == "strong" else [2, 4, 6])
        report = self.submit("--ntasks=1", "jobs/report.sbatch", "results/weak-scaling")
        self.cluster.wait(report)
        self.assert_ended(report, "COMPLETED", "0:0", f"fedmpi-report-{report}.log")

if __name__ == "__main__":
    unittest.main()
