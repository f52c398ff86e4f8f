"""Configuration files as people and their editors write them, run from start to end."""

import os
import unittest
from pathlib import Path

import h5py
from program import SMALL, ProgramCase, text_attribute

HOME = {**os.environ, "HOME": "", "RESULTS": "", "EMPTY": ""}
HOME.pop("SCRATCH", None)


class Files(ProgramCase):
    """One small configuration, changed in one way each; without mpirun, for speed."""

    def setUp(self) -> None:
        super().setUp()
        self.home = self.folder / "home of mine"
        self.home.mkdir()
        (self.home / "data").symlink_to(self.data)
        self.environment = {**HOME, "HOME": str(self.home), "RESULTS": str(self.folder / "out")}

    def text(self, *changes: tuple[str, str]) -> str:
        text = SMALL.format(data=self.data, folder=self.folder)
        text = text.replace("rounds = 4", "rounds = 2").replace("epochs = 2", "epochs = 1")
        for old, new in changes:
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        return text

    def run_bytes(self, data: bytes, ranks: int = 0, options: tuple = ()):
        path = self.folder / "case.ini"
        path.write_bytes(data)
        return self.launch(ranks, "--overwrite", *options, path, env=self.environment)

    def takes(self, text: str | bytes, output: str = "run.h5", **values: str) -> None:
        """The run ends well, its results are where they should be, its keys what they should."""
        data = text if isinstance(text, bytes) else text.encode()
        outcome = self.run_bytes(data)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        path = self.folder / output
        with h5py.File(path) as file:
            config = file["config"]
            for key, value in values.items():
                self.assertEqual(text_attribute(config, key.replace("__", ".")), value)
        for made in path.parent.glob(path.name + "*"):
            made.unlink()
        self.assertEqual(sorted(self.folder.rglob("*.h5*")), [], "files of another name")

    def refuses(self, text: str | bytes, *parts: str) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self.assert_refused(self.run_bytes(data), *parts)
        self.assertEqual(sorted(self.folder.rglob("*.h5*")), [])

    def test_encodings_and_line_ends(self) -> None:
        mark = "\ufeff"
        text = self.text()
        base = self.write("base.ini", text)
        for name, data in {
                "mark": mark + text,
                "mark, comment": mark + "; a comment first\n" + text,
                "mark, CRLF": (mark + text).replace("\n", "\r\n"),
                "mark, include": f"{mark}include = {base}\n[federated]\nrounds = 1\n",
                "CR": text.replace("\n", "\r"),
                "CRLF": text.replace("\n", "\r\n"),
                "no-break space": text.replace("rounds = 2", "rounds =\u00a03"),
        }.items():
            with self.subTest(name):
                rounds = {"mark, include": "1", "no-break space": "3"}.get(name, "2")
                self.takes(data, federated__rounds=rounds)
        base.unlink()
        self.refuses(text.encode("utf-16"), "case.ini: is UTF-16, accepted is UTF-8")
        self.refuses(text.encode("utf-16-be"), "case.ini:1: has a NUL byte")
        self.refuses(text.replace("idx", "idx\0").encode(), "case.ini:3: has a NUL byte")
        self.refuses(("[experiment]\nname = été\n" + text).encode("latin-1"),
                     "case.ini:2: experiment.name = ?t?: accepted is text; the byte 0xe9 there is "
                     "not UTF-8")
        self.assert_refused(self.run_bytes(text.encode(), options=("-s", "data.path=d\udcff")),
                            "--set: data.path = d?", "the byte 0xff there is not UTF-8")
        self.refuses(text.replace("rounds = 2", "roundé = 2").encode("latin-1"), "round?")
        self.takes("; été\n".encode("latin-1") + text.encode())

    def test_names_in_all_scripts(self) -> None:
        self.takes("[experiment]\nname = Größe α=0.1 — 試験\n" +
                   self.text(("run.h5", "Größe und 試験/läuft gut.h5")),
                   "Größe und 試験/läuft gut.h5", experiment__name="Größe α=0.1 — 試験")

    def test_comments_behind_values(self) -> None:
        self.takes(self.text(("rounds = 2", "rounds = 3 # three"), ("tracked_clients = 0,3",
                                                                   "tracked_clients = 0,3 ; two"),
                             ("run.h5", "run.h5   # the results")),
                   federated__rounds="3", federated__tracked_clients="0,3")
        self.takes(self.text(("[data]", "; " + 5000 * "c" + "\n[data] # of mine")))

    def test_quotes(self) -> None:
        self.takes(self.text(("= idx", '= "idx"'), (f"path = {self.data}", f"path = '{self.data}'"),
                             (f"file = {self.folder}/run.h5", f'file = "{self.folder}/a # b.h5"')),
                   "a # b.h5", data__dataset="idx", data__path=str(self.data))
        self.refuses(self.text(("= idx", "= 'idx")), "case.ini:3: data.dataset: ' begins a quoted")

    def test_homes_and_variables(self) -> None:
        written = f"file = {self.folder}/run.h5"
        self.takes(self.text((written, "file = ~/results/run.h5"), (str(self.data), "~/data")),
                   "home of mine/results/run.h5", data__path=f"{self.home}/data")
        self.takes(self.text((written, "file = ${RESULTS}put/run.h5")), "output/run.h5")
        for path, message in {"$SCRATCH/run.h5": "environment variable SCRATCH is not set",
                              "${EMPTY}/run.h5": "environment variable EMPTY is empty",
                              "~no-such-user/run.h5": "there is no user no-such-user"}.items():
            self.refuses(self.text((written, f"file = {path}")),
                         f"output.file = {path}: {message}")

    def test_numbers(self) -> None:
        self.takes(self.text(("rounds = 2", "rounds = 2e0"), ("hidden = 12,6", "hidden = 1.2e1, 6")),
                   federated__rounds="2", model__hidden="12,6")
        for old, new, message in (
                ("rounds = 2", "rounds = 0x10", "hexadecimal 0x10 is 16"),
                ("learning_rate = 0.1", "learning_rate = 0x1", "hexadecimal 0x1 is 1"),
                ("learning_rate = 0.1", "learning_rate = 0,05", "decimals stand behind a point"),
                ("hidden = 12,6", "hidden = [32, 32]", "without brackets"),
                ("[output]", "[centralized]\nenabled = False\n[output]", "did you mean false?")):
            with self.subTest(new):
                self.refuses(self.text((old, new)), message)

    def test_what_is_there_twice(self) -> None:
        line = self.text().splitlines().index("rounds = 2") + 1
        self.refuses(self.text(("rounds = 2", "rounds = 2\nrounds = 3")),
                     f"case.ini:{line + 1}: federated.rounds is there twice, first on line {line}")
        self.refuses(self.text() + "[data]\n", "[data] is there twice, first on line 2")
        self.refuses(self.text(("[federated]", "[Federated]")),
                     "unknown section [Federated]; did you mean [federated]?")

    def test_separators(self) -> None:
        self.takes(self.text(("rounds = 2", "rounds: 3")), federated__rounds="3")

    def test_slips_on_the_command_line(self) -> None:
        for arguments, message in {
                ("--epochs", "5"): "did you mean --set training.epochs=5 or --set centralized",
                ("--learning-rate=0.5",): "did you mean --set training.learning_rate=0.5?",
                ("--batch_size",): "did you mean --set training.batch_size=VALUE?",
                ("--set", "rounds=3"): "did you mean --set federated.rounds=3?",
                ("--set", "federated.algorithm=fedadam"): "federated.server_optimizer = adam",
                ("--set", "federated.algorithm=FedAvg"): "did you mean fedavg?",
                ("--resmue",): "did you mean --resume?"}.items():
            with self.subTest(arguments):
                self.assert_refused(self.launch(0, *arguments, self.config), message)


class Lengths(ProgramCase):
    """Nothing is too long: not for one rank or several, a resume, or to run again."""

    def run_again(self, ini: str, output: Path) -> None:
        path = self.write("again.ini", ini)
        outcome = self.launch(2, "--quiet", "--set", "checkpoint.file=", "--output", output, path)
        self.assertEqual(outcome.code, 0, outcome.stderr)

    def check(self, first: Path, *settings: str) -> None:
        """Two rounds of what `settings` say, then four; its own text then gives the same."""
        overrides = [part for setting in settings for part in ("--set", setting)]
        for rounds in (2, 4):
            outcome = self.launch(2, "--quiet", *overrides, "--set", f"federated.rounds={rounds}",
                                  "--resume", "--output", first, self.config)
            self.assertEqual(outcome.code, 0, outcome.stderr)
        with h5py.File(first) as file:
            ini = file["config/ini"][()].decode()
            self.assertEqual(len(file["federated/rounds"]), 4)
            for setting in settings:
                key, _, value = setting.partition("=")
                self.assertEqual(text_attribute(file["config"], key), value)
        again = self.folder / "again.h5"
        self.run_again(ini, again)
        self.assert_same(first, again)

    def test_a_list_of_many_clients(self) -> None:
        tracked = ",".join(str(client) for client in range(64))
        self.check(self.folder / "run.h5", "partition.clients=100", "partition.stratified=false",
                   "partition.samples_per_client=4", f"federated.tracked_clients={tracked}")

    def test_a_long_path_with_everything_in_it(self) -> None:
        folder = self.folder / ("a folder # of 'mine' " + 100 * "x") / (" $HOME ~ ; " + 100 * "y")
        folder.mkdir(parents=True)
        (folder / "data").symlink_to(self.data)
        self.config.write_text(self.config.read_text().replace(
            str(self.data), "'" + str(folder / "data").replace("'", "''") + "'"))
        self.check(self.folder / "run.h5")

    def test_a_list_that_is_longer_than_hdf5_attributes_are(self) -> None:
        """64 KiB are the most that a small attribute holds."""
        tracked = ",".join("0" for _ in range(40000))
        text = self.config.read_text().replace("tracked_clients = 0,3",
                                               f"tracked_clients = {tracked}")
        self.config.write_text(text)
        for rounds in (2, 3):
            outcome = self.launch(2, "--quiet", "--resume", "--set", f"federated.rounds={rounds}",
                                  self.config)
            self.assertEqual(outcome.code, 0, outcome.stderr)
        with h5py.File(self.folder / "run.h5") as file:
            self.assertEqual(len(file["federated/rounds"]), 3)
            self.assertEqual(text_attribute(file["config"], "federated.tracked_clients"), tracked)

    def test_all_ranks_end_with_one_message(self) -> None:
        for setting in ("federated.tracked_clients=" + ",".join(100 * ["x"]), "rounds=3",
                        "output.file=$SCRATCH_OF_NOBODY/x"):
            with self.subTest(setting):
                outcome = self.launch(3, "--set", setting, self.config)
                self.assert_refused(outcome, setting.partition("=")[0])


if __name__ == "__main__":
    unittest.main()
