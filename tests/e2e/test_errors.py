"""Every mistake of a user: exit code 2, one line that says file, line, key, what is accepted."""

import re
import unittest

import h5py
import numpy as np
from program import ProgramCase, Samples, idx_bytes, write_data

INTEGERS_REFUSED = ("x", "1.5", "", "-1", "0x10", "99999999999999999999")
REALS_REFUSED = ("x", "", "nan", "inf", "-1", "1,5")
WORDS_REFUSED = ("maybe", "", "TRUE?")

# What only the data or other keys can judge: settings, then what the message must have.
TOO_MUCH = {
    "more clients than samples": (["partition.clients=401"], "partition.clients = 401",
                                  "400 samples"),
    "more samples than there are": (
        ["partition.stratified=false", "partition.samples_per_client=100"],
        "partition.samples_per_client = 100", "7 clients need 700 samples",
        "the training set has 400"),
    "more samples than there are, stratified": (["partition.samples_per_client=100"],
                                                "samples_per_client = 100",
                                                "7 clients need 700 samples"),
    "more of a class than there are": (["data.train_limit=100", "partition.samples_per_client=14"],
                                       "samples_per_client = 14", "of class 0",
                                       "partition.stratified = false"),
    "more participants than clients": (["federated.clients_per_round=8"],
                                       "federated.clients_per_round = 8", "7 clients"),
    "a tracked client that is not there": (["federated.tracked_clients=0,7"],
                                           "federated.tracked_clients = 0,7", "no client 7"),
    "a limit above the training set": (["data.train_limit=401"], "data.train_limit = 401",
                                       "400 samples"),
    "everything held out": (["data.validation_samples=400"], "data.validation_samples = 400",
                            "nothing to train on"),
    "an unknown data set": (["data.dataset=nist"], "data.dataset = nist", "mnist", "idx"),
    "an unknown scheme": (["partition.scheme=idd"], "partition.scheme = idd", "iid"),
    "an unknown model": (["model.type=mpl"], "model.type = mpl", "mlp | logistic"),
    "an unknown algorithm": (["federated.algorithm=fedvag"], "federated.algorithm = fedvag",
                             "fedavg"),
    "no folder of data": (["data.path=/nowhere", "data.dataset=mnist"], "data.path = /nowhere",
                          "No such file", "make data"),
    "no results file": (["output.file="], "output.file = (nothing)", "path of a file"),
    "a model file that is not there": (["model.init=/nowhere.h5"], "model.init = /nowhere.h5",
                                       "No such file",
                                       "accepted is pytorch | kaiming | a path to an HDF5 file"),
}


class Keys(ProgramCase):
    """Every key of --help, wrongly set; without mpirun, which would take long."""

    def keys(self) -> list[tuple[str, str, str]]:
        """(section, key, what is accepted) from --help."""
        found = []
        sections = re.findall(r"^  \[(\w+)\]", self.launch(0, "--help").stdout, re.MULTILINE)
        for section in sections:
            for line in self.launch(0, "--help", section).stdout.splitlines():
                if key := re.fullmatch(r"  (\w+) = .*?  +(\S.*)", line):
                    found.append((section, key[1], key[2]))
        self.assertGreater(len(found), 35)
        return found

    def refuse(self, *arguments, parts: tuple) -> None:
        with self.subTest(arguments):
            self.assert_refused(self.launch(0, *arguments), *parts)

    def test_every_key_refuses_what_it_must(self):
        for section, key, accepted in self.keys():
            dotted = f"{section}.{key}"
            values = ("two\nlines",)
            if accepted.startswith(("an integer", "integers")):
                values = INTEGERS_REFUSED
            elif accepted.startswith("a number"):
                values = REALS_REFUSED
            elif "|" in accepted:
                values = WORDS_REFUSED
            # one value by --set and one in a file, in turns: all would take minutes
            for number, value in enumerate(values):
                if value == "" and accepted.startswith("integers"):
                    continue
                if number % 3 == len(key) % 3 or len(values) < 3:
                    self.refuse("--set", f"{dotted}={value}", self.config,
                                parts=(f"--set: {dotted} = {value.replace(chr(10), '?')}",
                                       f"accepted is {accepted}"))

    def test_files_name_their_line(self):
        for section, key, accepted in self.keys()[::4]:
            if accepted == "text" or accepted.endswith("a path") or "name that" in accepted:
                continue
            path = self.write("wrong.ini", f"; a comment\n\n[{section}]\n{key} = ?!\n")
            self.refuse(path, parts=(f"{path}:4: {section}.{key} = ?!: accepted is {accepted}",))

    def test_misspelt_names_get_a_suggestion(self):
        for section, key, _ in self.keys()[::5]:
            wrong = key[:-1] + "x"
            self.refuse("--set", f"{section}.{wrong}=1", self.config,
                        parts=(f"--set: unknown key {section}.{wrong}", f"[{section}] has"))
        path = self.write("wrong.ini", "[trainig]\nepochs = 3\n")
        self.refuse(path, parts=(f"{path}:1: unknown section [trainig]",
                                 "did you mean [training]?"))
        path = self.write("wrong.ini", "[training]\nepohcs = 3\n")
        self.refuse(path, parts=(f"{path}:2: unknown key training.epohcs", "did you mean epochs?"))

    def test_what_is_no_ini(self):
        path = self.write("wrong.ini", "[training]\nepochs 3\n")
        self.refuse(path, parts=(f"{path}:2: neither [section] nor key = value",))
        path = self.write("wrong.ini", "\ninclude = not-there.ini\n")
        self.refuse(path, parts=(f"{path}:2: ", "not-there.ini: cannot read: No such file"))
        path = self.write("loop.ini", "include = loop.ini\n")
        self.refuse(path, parts=("loop.ini:1: includes are more than", "include itself?"))
        self.refuse(self.folder / "none.ini", parts=("none.ini: cannot read: No such file",))
        self.refuse(self.folder, parts=("cannot read",))

    def test_too_much_is_refused(self):
        for name, (settings, *parts) in TOO_MUCH.items():
            overrides = [part for setting in settings for part in ("--set", setting)]
            with self.subTest(name):
                self.assert_refused(self.launch(0, *overrides, self.config), *parts)


class Data(ProgramCase):
    """Files that are wrong, in every way that happens."""

    def refuse(self, name: str, *parts: str, ranks: int = 0) -> None:
        outcome = self.launch(ranks, "--set", f"data.path={self.folder / 'data'}", "--set",
                              f"data.dataset={name}", self.config)
        self.assert_refused(outcome, *parts)

    def fresh(self, compress: bool = False):
        folder = self.folder / "data"
        for old in folder.glob("*"):
            old.unlink()
        return write_data(folder, self.train, self.test, compress)

    def test_a_truncated_file(self):
        for compress in (False, True):
            for file in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
                with self.subTest(file, compress=compress):
                    path = self.fresh(compress) / (file + ".gz" * compress)
                    path.write_bytes(path.read_bytes()[:-9])
                    self.refuse("idx", f"{path}: ", ranks=2 * compress)

    def test_a_file_that_goes_on(self):
        path = self.fresh() / "train-labels-idx1-ubyte"
        path.write_bytes(path.read_bytes() + b"\0")
        self.refuse("idx", f"{path}: too long: the header promises 400 bytes of values")

    def test_a_web_page_in_place_of_data(self):
        path = self.fresh() / "train-images-idx3-ubyte"
        path.write_text("<!DOCTYPE html><title>404</title>")
        self.refuse("idx", f"{path}: not an IDX file")

    def test_labels_out_of_range(self):
        labels = self.train.labels.copy()
        labels[7] = 12
        path = self.fresh() / "train-labels-idx1-ubyte"
        path.write_bytes(idx_bytes(labels))
        self.refuse("mnist", f"{path}: sample 7 has label 12, accepted is 0 to 9", ranks=3)

    def test_different_counts(self):
        path = self.fresh() / "train-labels-idx1-ubyte"
        path.write_bytes(idx_bytes(self.train.labels[1:]))
        self.refuse("idx", "holds 400 images", f"{path} holds 399 labels")

    def test_different_shapes(self):
        path = self.fresh() / "t10k-images-idx3-ubyte"
        path.write_bytes(idx_bytes(np.ascontiguousarray(self.test.images[:, :, 1:])))
        self.refuse("idx", "images of different shape or type")

    def test_a_missing_file(self):
        (self.fresh() / "t10k-images-idx3-ubyte").unlink()
        self.refuse("idx", "data: no file named like t10k-images-idx3-ubyte")

    def test_nothing_but_missing_values(self):
        images = np.full(self.train.images.shape, np.nan, np.float32)
        self.fresh()
        write_data(self.folder / "data", Samples(images, self.train.labels),
                   Samples(self.test.images.astype(np.float32), self.test.labels))
        self.refuse("idx", "after dropping 400 samples", ranks=2)

    def test_models_that_do_not_fit(self):
        path = self.folder / "model.h5"
        with h5py.File(path, "w") as file:
            file["fc1.weight"] = np.zeros((12, 63), np.float32)
        outcome = self.launch(2, "--set", f"model.init={path}", self.config)
        self.assert_refused(outcome, f"model.init = {path}", "another shape")
        path.write_bytes(b"no HDF5 file")
        outcome = self.launch(0, "--set", f"model.init={path}", self.config)
        self.assert_refused(outcome, f"model.init = {path}", "not a readable HDF5 file")


class EveryRank(ProgramCase):
    """Exit codes are the same from every rank, and one rank speaks."""

    def codes(self, *arguments) -> tuple[set, str]:
        script = self.write("keep-code", '#!/bin/sh\n"$@"\ncode=$?\n'
                            f'echo $code > {self.folder}/code.$OMPI_COMM_WORLD_RANK\nexit 0\n')
        script.chmod(0o755)
        outcome = self.launch(4, *arguments, prefix=(script,))
        files = list(self.folder.glob("code.*"))
        self.assertEqual(len(files), 4, outcome.stderr)
        return {int(file.read_text()) for file in files}, outcome.stderr

    def check(self, code: int, message: str, *arguments) -> None:
        with self.subTest(arguments):
            found, stderr = self.codes(*arguments)
            self.assertEqual(found, {code}, stderr)
            ours = [line for line in stderr.splitlines() if line.startswith("fedmpi: ")]
            self.assertEqual(len(ours), 1, stderr)
            self.assertIn(message, ours[0])

    def test_usage(self):
        self.check(2, "no configuration file; usage: ")
        self.check(2, "unknown option --rseume; did you mean --resume?", "--rseume", self.config)
        self.check(2, "option --set needs a value", "--set")
        self.check(2, "more than one configuration file", self.config, self.config)

    def test_configuration(self):
        path = self.write("wrong.ini", "[training]\nepochs = many\n")
        self.check(2, f"{path}:2: training.epochs = many: accepted is an integer from 1", path)
        self.check(2, "run.ini:7: partition.clients = 401",
                   self.write("run.ini", self.config.read_text().replace("clients = 7",
                                                                         "clients = 401")))

    def test_data(self):
        self.check(2, "/nowhere: cannot open", "--set", "data.path=/nowhere", self.config)

    def test_output(self):
        self.check(2, "--output: output.file = /proc/none/run.h5: ", "--output",
                   "/proc/none/run.h5", self.config)

    def test_divergence(self):
        self.check(1, "diverged", "--set", "training.learning_rate=1000", "--set",
                   "data.normalize=none", self.config)
        with h5py.File(self.folder / "run.h5") as file:
            self.assertEqual(bytes(file.attrs["status"]), b"interrupted")
            self.assertEqual(bytes(file.attrs["stopped_because"]), b"divergence")
            self.assertRegex(bytes(file.attrs["stopped_message"]), b"round 1: client .* diverged")


if __name__ == "__main__":
    unittest.main()
