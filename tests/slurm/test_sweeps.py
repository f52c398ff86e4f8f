"""Job scripts on a real Slurm: the sweep as an array, and the report that depends on it."""

import unittest
from pathlib import Path

import h5py
from case import SMALL, SlurmCase, attribute, bits


class Sweeps(SlurmCase):
    def test_study_and_its_report(self) -> None:
        environment = {"SEEDS": "1", "MOMENTUM": "fresh persistent"}
        lines = self.cluster.run("jobs/submit-study.sh", *SMALL, **environment).splitlines()
        jobs = [line.split()[-1] for line in lines]
        self.cluster.wait(*jobs)
        *sweeps, report = jobs
        self.assertEqual(len(sweeps), 2)
        for job, momentum in zip(sweeps, ("fresh", "persistent")):
            for epochs in (5, 10, 15, 20):
                log = f"fedmpi-sweep-{job}_{epochs}.log"
                self.assert_ended(f"{job}_{epochs}", "COMPLETED", "0:0", log)
                file = self.work / "results" / "paper" / f"E{epochs:02d}-{momentum}-seed1.h5"
                self.assertEqual(attribute(file, "status"), "complete")
                self.assert_configured(file, epochs, momentum == "persistent")
        self.assert_momentum_matters_to_clients_only()
        self.assert_ended(report, "COMPLETED", "0:0", f"fedmpi-report-{report}.log")
        folder = self.work / "results" / "paper" / "report"
        with h5py.File(folder / "runs.h5", "r") as merged:
            self.assertEqual(len(merged), 8)
        self.assertIn("<img", (folder / "index.html").read_text())
        self.assertGreater((folder / "curves.png").stat().st_size, 10000)

    def assert_momentum_matters_to_clients_only(self) -> None:
        fresh, persistent = (
            bits(self.work / "results" / "paper" / f"E05-{momentum}-seed1.h5")
            for momentum in ("fresh", "persistent")
        )
        differ = {name.split("/")[1] for name in fresh if fresh[name] != persistent[name]}
        self.assertIn("federated", differ)  # model/federated
        self.assertNotIn("centralized", differ)

    def assert_configured(self, file: Path, epochs: int, persistent: bool) -> None:
        with h5py.File(file, "r") as results:
            settings = dict(results["config"].attrs)
            last = results["federated/local_epochs"]["epoch"].max()
        self.assertEqual(last, epochs)
        self.assertIn(str(persistent).lower(), str(settings["training.persistent_momentum"]))

    def test_element_runs_its_seeds_and_can_be_repeated(self) -> None:
        environment = {"SEEDS": "1 2", "STUDY": "results/seeds"}
        options = ["--array=5", "jobs/sweep.sbatch", *SMALL]
        files = [self.work / "results" / "seeds" / f"E05-fresh-seed{s}.h5" for s in (1, 2)]
        first = self.submit(*options, **environment)
        self.cluster.wait(first)
        self.assert_ended(f"{first}_5", "COMPLETED", "0:0", f"fedmpi-sweep-{first}_5.log")
        before = [bits(file) for file in files]
        self.assertNotEqual(*before)
        for left in files[1].parent.glob(f"{files[1].name}*"):  # results and checkpoint
            left.unlink()
        second = self.submit(*options, **environment)
        self.cluster.wait(second)
        log = f"fedmpi-sweep-{second}_5.log"
        self.assert_ended(f"{second}_5", "COMPLETED", "0:0", log)
        self.assertEqual([bits(file) for file in files], before)
        for said in ("no checkpoint", "complete already"):  # once each, of two runs
            self.assertEqual(self.cluster.log(log).count(said), 1, said)

    def test_failed_element_cancels_the_report(self) -> None:
        lines = self.cluster.run(
            "jobs/submit-study.sh",
            *SMALL,
            *("-s", "partition.samples_per_client=100000"),
            EPOCHS="5,10",
            STUDY="results/failing",
        ).splitlines()
        sweep, report = (line.split()[-1] for line in lines)
        self.cluster.wait(sweep, report)
        self.assert_ended(f"{sweep}_10", "FAILED", "2:0", f"fedmpi-sweep-{sweep}_10.log")
        self.assertEqual(self.cluster.state(report), "CANCELLED")

if __name__ == "__main__":
    unittest.main()
