"""Job scripts on a real Slurm: submitted from a folder that is not fedmpi's."""

import subprocess
import unittest

from case import CONFIG, SMALL, SlurmCase, attribute, bits


class Elsewhere(SlurmCase):
    def submit_elsewhere(self, name: str, script: str, *arguments: str, **environment: str) -> str:
        """sbatch by the script's path from a folder of the user's; the job's id."""
        folder = self.cluster.folder / name
        folder.mkdir()
        return subprocess.check_output(
            ["sbatch", "--parsable", "--ntasks=2", script, *arguments],
            cwd=folder,
            env={**self.cluster.environment, **environment},
            universal_newlines=True,
        ).strip()

    def ended(self, name: str, job: str) -> str:
        """The log, which Slurm writes where the job was submitted."""
        self.cluster.wait(job)
        (log,) = (self.cluster.folder / name).glob("*.log")
        return log.read_text()

    def test_scripts_find_the_folder_that_they_come_from(self) -> None:
        options = [CONFIG, *SMALL, "-o"]
        script = str(self.work / "jobs" / "run.sbatch")
        job = self.submit_elsewhere("my study", script, *options, "results/elsewhere.h5")
        log = self.ended("my study", job)
        self.assertEqual(self.cluster.state(job), "COMPLETED", log)
        here = self.submit("--ntasks=2", "jobs/run.sbatch", *options, "results/here.h5")
        self.cluster.wait(here)
        results = self.work / "results"
        self.assertEqual(attribute(results / "elsewhere.h5", "status"), "complete")
        self.assertEqual(bits(results / "elsewhere.h5"), bits(results / "here.h5"))

    def test_elements_of_an_array_do_too(self) -> None:
        script = str(self.work / "jobs" / "sweep.sbatch")
        environment = {"STUDY": "results/array"}
        job = self.submit_elsewhere("array", "--array=1,2,3", script, *SMALL, **environment)
        self.cluster.wait(job)
        logs = [log.read_text() for log in (self.cluster.folder / "array").glob("*.log")]
        self.assertEqual(len(logs), 3)
        for epochs in (1, 2, 3):
            results = self.work / "results" / "array" / f"E0{epochs}-fresh-seed1.h5"
            self.assertTrue(results.exists(), "\n".join(logs))

    def test_a_copy_elsewhere_needs_fedmpi_home(self) -> None:
        copy = self.cluster.folder / "mine.sbatch"
        copy.write_bytes((self.work / "jobs" / "run.sbatch").read_bytes())
        options = [str(copy), CONFIG, *SMALL, "-o", "results/copy.h5"]
        job = self.submit_elsewhere("lost", *options)
        log = self.ended("lost", job)
        self.assertEqual(self.cluster.record(job)["ExitCode"], "2:0", log)
        self.assertIn("FEDMPI_HOME: set it to the top folder of fedmpi", log)
        job = self.submit_elsewhere("found", *options, FEDMPI_HOME=str(self.work))
        log = self.ended("found", job)
        self.assertEqual(self.cluster.state(job), "COMPLETED", log)
        self.assertTrue((self.work / "results" / "copy.h5").exists())


if __name__ == "__main__":
    unittest.main()
