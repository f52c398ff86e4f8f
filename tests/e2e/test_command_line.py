"""The command line: answers without MPI, dry runs, volumes, progress, the summary."""

import os
import pty
import re
import select
import subprocess
import time
import unittest

import h5py
from program import ENDLESS, LIMIT_SECONDS, PROGRAM, ProgramCase, command, overrides

SECTIONS = ("experiment", "data", "partition", "model", "training", "federated", "centralized",
            "checkpoint", "output")
OPTIONS = ("--set", "--output", "--overwrite", "--resume", "--dry-run", "--list", "--quiet", "--verbose",
           "--version", "--help")


class Answers(ProgramCase):
    def ask(self, *arguments) -> str:
        """Short and long, with and without mpirun: the same answer, once."""
        answers = set()
        for ranks in (0, 3):
            for argument in arguments:
                outcome = self.launch(ranks, argument)
                self.assertEqual(outcome.code, 0, outcome.stderr)
                self.assertEqual(outcome.stderr, "")
                answers.add(outcome.stdout)
        self.assertEqual(len(answers), 1)
        return answers.pop()

    def test_help_has_all_options_keys_and_codes(self):
        text = self.ask("--help", "-h")
        for option in OPTIONS:
            self.assertRegex(text, rf"-\w, {option}\b")
        for section in SECTIONS:
            self.assertRegex(text, rf"\n  \[{section}\] +\w+")
        for key in ("rounds", "batch_size", "scheme"):
            self.assertRegex(text, rf"[ ,]{key}[,\n]")
        self.assertLessEqual(len(text.splitlines()), 80)
        for code in ("0   finished", "2   the input is wrong", "75  stopped on purpose",
                     "1   anything else"):
            self.assertIn(code, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 90)

    def test_help_on_a_section_and_on_a_key(self):
        section = self.launch(0, "--help", "training").stdout
        self.assertEqual(re.findall(r"^  \[(\w+)\]$", section, re.MULTILINE), ["training"])
        self.assertIn("\n  epochs = 10 ", section)
        self.assertIn("E: local epochs of a client in a round", section)
        key = self.launch(3, "-h", "federated.algorithm").stdout
        self.assertEqual(len(re.findall(r"^  \w+ = ", key, re.MULTILINE)), 1)
        self.assertIn("fedavg | fedsgd", key)
        everything = self.launch(0, "--help", "all").stdout
        self.assertIn(section, everything + "\n")
        self.assertIn("FEDMPI_CORES", everything)
        self.assertIn("FEDMPI_CORES", self.launch(0, "--help", "environment").stdout)
        self.assertEqual(self.launch(0, self.config, "--help").stdout,
                         self.launch(0, "--help").stdout)

    def test_help_on_what_there_is_not(self):
        for topic in ("federatd", "federated.rouns", "experiment.", "none"):
            outcome = self.launch(2, "--help", topic)
            self.assert_refused(outcome, f"--help {topic}: ", "experiment, data, partition")
        self.assertIn("did you mean federated?", self.launch(0, "--help", "federatd").stderr)

    def test_completions_are_what_set_takes(self):
        offered = self.launch(0, "--complete", "federated.al").stdout
        self.assertEqual(offered, "federated.algorithm=\nfederated.alpha=\n")
        for key, values in (("federated.algorithm", ("fedavg", "scaffold")),
                            ("data.normalize", ("unit", "standard", "none")),
                            ("federated.enabled", ("true", "false"))):
            offered = self.launch(0, "--complete", f"{key}=").stdout.split()
            for value in values:
                self.assertIn(f"{key}={value}", offered)
        self.assertEqual(set(self.launch(0, "--complete", "--").stdout.split()), set(OPTIONS))

    def test_version_names_the_libraries(self):
        text = self.ask("--version", "-V")
        self.assertRegex(text, r"\Afedmpi \d+\.\d+\.\d+ \(\w+")
        for name in ("OpenBLAS", "HDF5", "kernels: "):
            self.assertIn(name, text)

    def test_list_shows_every_table(self):
        text = self.ask("--list", "-l")
        for line in text.splitlines():
            self.assertRegex(line, r"^\w[\w ]+? +[\w-]+ +\S.*  \[\w+\.\w+ = [\w-]+\]$")
        for key in ("data.dataset = mnist", "data.dataset = idx", "partition.scheme = iid",
                    "model.type = mlp", "federated.algorithm = fedavg"):
            self.assertIn(f"[{key}]", text)

    def test_a_full_disk_for_the_answer_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_works_from_any_folder(self):
        done = subprocess.run([PROGRAM, "--list"], cwd="/", capture_output=True, check=False)
        self.assertEqual(done.returncode, 0)


def with_cores(cores: object) -> dict[str, str]:
    return {**os.environ, "FEDMPI_CORES": str(cores)}


class DryRun(ProgramCase):
    def warnings(self, *sets: str) -> list[str]:
        arguments = [word for pair in sets for word in ("--set", pair)]
        outcome = self.launch(1, "--dry-run", *arguments, self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return [line for line in outcome.stderr.splitlines() if "has no effect" in line]

    def test_keys_of_variants_that_are_not_chosen_are_warned_of(self):
        (line,) = self.warnings("federated.mu=0.5")
        self.assertIn("--set: federated.mu = 0.5 has no effect: only federated.algorithm = fedprox",
                      line)
        (line,) = self.warnings("training.decay=0.5")
        for user in ("step", "exponential", "cosine"):
            self.assertIn(user, line)
        self.assertEqual(self.warnings("federated.mu=0.5", "federated.algorithm=fedprox"), [])
        self.assertEqual(self.warnings("federated.mu=0.010"), [])  # its default

    def dry_run(self, ranks: int, *arguments) -> str:
        outcome = self.launch(ranks, "--dry-run", *arguments, self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assertEqual(outcome.stderr, "")
        return outcome.stdout

    def test_it_shows_and_trains_nothing(self):
        text = self.dry_run(3)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["run.ini"])
        self.assertIn("; data: 400 training, 0 validation, 230 test samples of 64 features in 10 "
                      "classes", text)
        self.assertRegex(text, r"; model: mlp with \d+ parameters in 6 tensors")
        ranks = re.findall(r"^; +(\d+)  (\w+) +(\d+)", text, re.MULTILINE)
        self.assertEqual([rank[:2] for rank in ranks],
                         [("0", "server"), ("1", "client"), ("2", "client")])
        self.assertEqual(sum(int(rank[2]) for rank in ranks), 7)
        self.assertRegex(text, r"; memory: \S+ \w+ a node for the data, .* the server, .* each")
        order = [text.index(part) for part in ("; rank  role", "; memory:", "; data:",
                                               "[experiment]", "[output]")]
        self.assertEqual(order, sorted(order), "what one looks for comes first")

    def test_no_more_ranks_train_than_there_are_cores(self):
        for cores, roles in ((1, ["server", "client", "idle", "idle"]),
                             (2, ["server", "client", "client", "idle"]),
                             (9, ["server", "client", "client", "client"])):
            outcome = self.launch(4, "--dry-run", self.config, env=with_cores(cores))
            ranks = re.findall(r"^; +\d+  (\w+) +(\d+)", outcome.stdout, re.MULTILINE)
            self.assertEqual([role for role, _ in ranks], roles)
            self.assertEqual([int(count) > 0 for _, count in ranks],
                             [role == "client" for role in roles])

    def test_ranks_without_a_core_are_told_how_to_train(self):
        for cores, told in ((1, True), (3, False)):
            outcome = self.launch(4, "-o", self.folder / f"{cores}.h5", self.config,
                                  env=with_cores(cores))
            self.assertEqual(outcome.code, 0, outcome.stderr)
            self.assertEqual("1 of 3 ranks train" in outcome.stderr, told, outcome.stderr)
            self.assertEqual("FEDMPI_CORES=3 has all train" in outcome.stderr, told)

    def test_it_shows_every_key_with_what_was_set(self):
        text = self.dry_run(1, "--set", "training.epochs=5")
        for section in SECTIONS:
            self.assertIn(f"[{section}]\n", text)
        self.assertRegex(text, r"\nepochs = 5 +; ")
        self.assertRegex(text, r"\nfile = .*run.h5.checkpoint")
        keys = re.findall(r"^  (\w+) = ", self.launch(0, "--help", "all").stdout, re.MULTILINE)
        self.assertEqual(re.findall(r"^(\w+) = ", text, re.MULTILINE), keys)

    def test_its_output_is_a_configuration_that_runs_again(self):
        plain = self.run_small(2, output="plain.h5")
        again = self.write("again.ini", self.dry_run(2))
        outcome = self.launch(2, again)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assert_same(plain, self.folder / "run.h5")
        outcome = self.launch(1, "-n", again)
        self.assertEqual(outcome.stdout.partition("[experiment]")[2],
                         again.read_text().partition("[experiment]")[2])

    def test_it_finds_mistakes(self):
        outcome = self.launch(2, "-n", "-s", "partition.clients=500", self.config)
        self.assert_refused(outcome, "partition.clients = 500")


class Options(ProgramCase):
    def test_overrides_are_recorded_and_the_last_wins(self):
        path = self.folder / "other.h5"
        outcome = self.launch(2, "-s", "federated.rounds=1", "--set=federated.rounds=2", "-o",
                              path, self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        with h5py.File(path) as file:
            self.assertEqual(len(file["federated/rounds"]), 2)
            self.assertEqual(bytes(file["config"].attrs["federated.rounds"]), b"2")
            self.assertEqual(bytes(file["config"].attrs["output.file"]).decode(), str(path))

    def test_folders_of_the_results_are_made(self):
        path = self.run_small(1, output="a/b/run.h5")
        self.assertTrue(path.exists())
        self.assertTrue(path.with_name("run.h5.checkpoint").exists())

    def test_a_relative_configuration_includes_its_neighbour(self):
        base = self.config.rename(self.folder / "base.ini")
        self.write("top.ini", f"include = {base.name}\n[federated]\nrounds = 1\n")
        outcome = self.launch(1, "top.ini")
        self.assertEqual(outcome.code, 0, outcome.stderr)

    def test_summary_and_volume(self):
        normal, quiet, verbose = (self.launch(2, "--overwrite", *option, self.config)
                                  for option in ((), ("--quiet",), ("-v",)))
        for outcome in (normal, quiet, verbose):
            self.assertEqual(outcome.code, 0, outcome.stderr)
            for part in ("federated  centralized", "test accuracy", "test loss",
                         "training accuracy", "4 rounds in ", "clients received ",
                         f"results: {self.folder}/run.h5"):
                self.assertIn(part, outcome.stdout)
        self.assertEqual(quiet.stderr, "")
        self.assert_verbose_tells_more(normal.stderr, verbose.stderr)
        with h5py.File(self.folder / "run.h5") as file:
            accuracy = file["federated/rounds"][-1]["test_accuracy"]
        self.assertRegex(normal.stdout, rf"test accuracy +{accuracy:.4f} ")

    def assert_verbose_tells_more(self, normal: str, verbose: str) -> None:
        """Every line of a usual run but for its times, and placement, memory and times beside."""
        def plain(text: str) -> list[str]:
            lines = [re.sub(r"  \d+\.\d\d s  ETA .*", "", line) for line in text.splitlines()]
            return [line for line in lines if line]
        said = plain(verbose)
        self.assertEqual([line for line in plain(normal) if line not in said], [])
        self.assertRegex(verbose, r"\n +0  server +0 +0\n +1  client +7 +210 +\d")
        self.assertRegex(verbose, r"\nmemory: .* each other rank")
        details = re.findall(r"^  round (\d): 7 of 7 drawn clients, 0 diverged, .* train (\S+) .*"
                             r" gather \S+, aggregate \S+, send \S+, evaluate \S+; down \S+ \wB, up",
                             verbose, re.MULTILINE)
        self.assertEqual([number for number, _ in details], ["1", "2", "3", "4"])
        with h5py.File(self.folder / "run.h5") as file:
            measured = file["federated/rounds"]["train_seconds"]
        for (_, shown), seconds in zip(details, measured):
            self.assertEqual(shown, f"{seconds:.4f}")
        for text in ("drawn clients", "memory:"):
            self.assertNotIn(text, normal)


class Progress(ProgramCase):
    def test_plain_lines_where_there_is_no_terminal(self):
        stderr = self.launch(2, self.config).stderr
        self.assertNotRegex(stderr, "[\r\033]")
        lines = [line for line in stderr.splitlines() if line.startswith("round ")]
        self.assertEqual(len(lines), 4)
        for number, line in enumerate(lines, start=1):
            self.assertRegex(line, rf"^round {number}/4  test 0\.\d{{4}} loss \d\.\d{{4}}  "
                             r"train 0\.\d{4} loss \d\.\d{4}  \d+\.\d\d s  ETA \S+")

    def test_many_rounds_make_few_lines(self):
        stderr = self.launch(1, "-s", "federated.rounds=450", "-s", "centralized.enabled=false",
                             "-s", "federated.evaluate_every=450", "-s", "checkpoint.every=0",
                             "-s", "federated.tracked_clients=", self.config).stderr
        lines = [line for line in stderr.splitlines() if line.startswith("round ")]
        self.assertLessEqual(len(lines), 201)
        self.assertIn("round 450/450", lines[-1])

    def on_terminal(self, ranks: int, *settings: str, until: str = "") -> str:
        """What a run writes to a terminal, to its end or, stopped then, `until` it is there."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command(ranks, "--overwrite", *overrides(settings), self.config),
                                   stdin=theirs, stdout=theirs, stderr=theirs,
                                   start_new_session=True)
        os.close(theirs)
        shown, deadline, stopped = "", time.monotonic() + LIMIT_SECONDS, False
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    got = os.read(ours, 65536)
                except OSError:  # the other end has closed
                    break
                if not got:
                    break
                shown += got.decode()
            elif process.poll() is not None:
                break
            if until and not stopped and re.search(until, shown):
                stopped = True
                process.terminate()
        os.close(ours)
        process.kill()
        code = process.wait()
        self.assertTrue(stopped if until else code == 0, shown)
        return shown

    def test_a_live_line_on_a_terminal(self):
        """Between clients and rounds, of a run that does not end by itself."""
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                self.on_terminal(ranks, *ENDLESS, until="\r\033\\[Kround \\d+/10000000.*elapsed .*ETA ")

    def test_the_live_line_is_gone_before_other_lines(self):
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                shown = self.on_terminal(ranks, "federated.rounds=3")
                for line in ("round 1/3 +test .* ETA ", "mnist-fedavg: mlp on idx"):
                    found = re.search(line, shown)
                    self.assertTrue(found, shown)
                    before = shown[:found.start()].rpartition("\n")[2]
                    self.assertEqual(before.rpartition("\r\033[K")[2].strip("\r"), "", shown)


if __name__ == "__main__":
    unittest.main()
