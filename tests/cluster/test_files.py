"""Nodes with files of their own: the same bits where they are the same, a message where not."""

import shutil
import unittest

import h5py
import numpy as np
from case import ClusterCase
from program import PROGRAM, SMALL, Samples, make_samples, overrides, text_attribute, write_data


class FilesCase(ClusterCase):
    """A data set that a node can have another one in place of."""

    def setUp(self) -> None:
        super().setUp()
        self.files = write_data(self.folder / "data", self.train, self.test)
        self.config = self.write("run.ini", SMALL.format(data=self.files, folder=self.folder))

    def refuse(self, what: str, *parts: str, slots: tuple = (2, 1), settings: tuple = ()) -> None:
        """The run ends before it writes anything, on all ranks, with a line that has the parts."""
        with self.subTest(what):
            self.assert_refused(self.launch_on(slots, *overrides(settings), self.config), *parts)
            self.assertEqual(list(self.folder.glob("run.h5*")), [])


class Data(FilesCase):
    def test_the_same_files_give_the_same_bits(self):
        alone = self.run_small(3, output="alone.h5")
        self.give(2, write_data(self.folder / "own", self.train, self.test), self.files)
        path = self.run_on((2, 2), output="nodes.h5")
        self.assert_same(alone, path)
        with h5py.File(path) as file:
            self.assertEqual(text_attribute(file, "hosts"), "node1 node2")

    def test_a_data_set_of_another_size(self):
        here = "400 training and 230 test samples of 1 x 8 x 8 features in 0 classes on node1 (rank 0)"
        others = {
            "fewer samples": (make_samples(390), self.test, "390 training and 230 test"),
            "more test samples": (self.train, make_samples(240, seed=2), "400 training and 240"),
            "other images": (make_samples(400, side=9), make_samples(230, side=9, seed=2),
                             "of 1 x 9 x 9 features"),
        }
        for what, (train, test, part) in others.items():
            for node, slots in ((2, (2, 1)), (3, (1, 1, 1))):
                undo = self.give(node, write_data(self.folder / "own", train, test), self.files)
                self.refuse(f"{what} on node {node}", f"run.ini:4: data.path = {self.files}: ",
                            "data sets differ between nodes: ", part, here,
                            f"on node{node} (rank 2)", slots=slots)
                undo()

    def test_a_data_set_with_other_values(self):
        flipped = self.train.images.copy()
        flipped[399, 7, 7] ^= 1
        labels = self.train.labels.copy()
        labels[[0, 1]] = labels[[1, 0]] if labels[0] != labels[1] else (labels[0] + 1) % 10
        more = self.train.labels.copy()
        more[5] = 10  # a class that nobody else has
        for what, train in {"training samples": Samples(flipped, self.train.labels),
                            "training labels": Samples(self.train.images, labels),
                            "training labels ": Samples(self.train.images, more)}.items():
            undo = self.give(2, write_data(self.folder / "own", train, self.test), self.files)
            self.refuse(what, f"run.ini:4: data.path = {self.files}: "
                        f"{what.strip()} differ between nodes: ", "on node2 (rank 2)")
            undo()

    def test_a_file_that_a_node_lacks_or_has_a_part_of(self):
        for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
            own = write_data(self.folder / "own", self.train, self.test)
            undo = self.give(2, own, self.files)
            whole = (own / name).read_bytes()
            (own / name).write_bytes(whole[:len(whole) // 2])
            self.refuse(f"a part of {name}", f"{self.files}/{name}", "(on node2, rank 2)")
            (own / name).unlink()
            self.refuse(f"no {name}", name, "(on node2, rank 2)")
            undo()

    def test_a_node_without_the_folder(self):
        (self.folder / "empty").mkdir()
        for node, slots in ((1, (1, 2)), (2, (2, 1)), (3, (1, 1, 1))):
            undo = self.give(node, self.folder / "empty", self.files)
            where = () if node == 1 else (f"(on node{node}, rank 2)",)
            self.refuse(f"node {node}", f"fedmpi: {self.files}: no file named like ", *where,
                        slots=slots)
            undo()

    def test_a_partition_file_that_differs_or_is_not_there(self):
        path = self.files / "clients.txt"
        clients = np.arange(400) % 7
        np.savetxt(path, clients, fmt="%d")
        settings = ("partition.scheme=file", f"partition.file={path}")
        own = write_data(self.folder / "own", self.train, self.test)
        self.give(2, own, self.files)
        self.refuse("no partition", f"fedmpi: {path}: cannot read", "(on node2, rank 2)",
                    settings=settings)
        np.savetxt(own / "clients.txt", clients[::-1], fmt="%d")
        self.refuse("another partition", f"--set: partition.file = {path}: clients of training "
                    "samples differ between nodes: ", "on node2 (rank 2)", settings=settings)
        np.savetxt(own / "clients.txt", clients[:300], fmt="%d")
        self.refuse("a part of the partition", f"--set: partition.file = {path}: has 300",
                    "(on node2, rank 2)", settings=settings)

    def test_configuration_and_first_weights_are_those_of_rank_0(self):
        """Other nodes need neither file: what they have there does not matter."""
        start = self.run_small(1, "federated.rounds=1", output="start.h5")
        setting = f"model.init={start}"
        alone = self.run_small(1, setting, output="alone.h5")
        other = self.write("other.ini", self.config.read_text().replace("= 0.1", "= 7"))
        for what, config, weights in (("cut", self.write("cut.ini", "[data"), self.write("cut", "")),
                                      ("other", other, alone)):
            with self.subTest(what):
                undo = self.give(2, config, self.config), self.give(2, weights, start)
                self.assert_same(alone, self.run_on((1, 1), setting, output="nodes.h5"))
                for one in undo:
                    one()
        self.give(1, self.write("none.h5", "no weights"), start)
        self.refuse("no weights on the server's node", "--set: model.init = ", str(start),
                    settings=(setting,))


class Programs(ClusterCase):
    def test_another_build_on_one_node(self):
        """The other node's program says another revision."""
        with h5py.File(self.run_small(1)) as file:
            revision = text_attribute(file, "git_revision").encode()
        (self.folder / "run.h5").unlink()
        other = self.folder / "other"
        other.write_bytes(PROGRAM.read_bytes().replace(revision, revision[::-1]))
        other.chmod(0o755)
        self.give(2, other, PROGRAM)
        outcome = self.launch_on((1, 1), self.config)
        self.assert_refused(outcome, "versions of the program differ between nodes: ",
                            f"({revision[::-1].decode()}) on node2 (rank 1)",
                            f"({revision.decode()}) on node1 (rank 0)")

    def test_a_program_that_a_node_cannot_start(self):
        """That is mpirun's to say: it does, and leaves nobody waiting. Which node it was, it may
        not come to say of a program that starts and dies."""
        for what, content in {"no program": b"", "a part of it": PROGRAM.read_bytes()[:5000]}.items():
            with self.subTest(what):
                other = self.folder / "other"
                other.write_bytes(content)
                other.chmod(0o755 if content else 0o644)
                undo = self.give(2, other, PROGRAM)
                outcome = self.launch_on((2, 1), self.config)
                undo()
                self.assertNotIn(outcome.code, (0, 75), outcome.stderr)
                died = "" if not content else r"|process returned\s+a non-zero exit code"
                self.assertRegex(outcome.stderr, "node2" + died)
                self.assertEqual(list(self.folder.glob("run.h5*")), [])
                self.assertEqual([node.processes("fedmpi") for node in self.network.nodes.values()],
                                 [[], [], []])


class Folders(ClusterCase):
    """Where results and checkpoints go is the server's node, but for what clients keep."""

    def setUp(self) -> None:
        super().setUp()
        self.results = self.folder / "results"
        self.results.mkdir()
        self.output = self.results / "run.h5"

    def launch_here(self, slots: tuple, *settings: str):
        return self.launch_on(slots, "--overwrite", *overrides(settings), "-o", self.output,
                              self.config)

    def read_only(self, number: int):
        """The folder, as this node sees it; what undoes that."""
        undo = self.give(number, self.results, self.results)
        self.node(number).run("mount", "-o", "remount,bind,ro", self.results)
        return undo

    def full(self, number: int):
        """A small file system of this node's own in place of the folder."""
        node = self.node(number)
        node.run("mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", self.results)
        return lambda: node.run("umount", self.results)

    def assert_empty(self) -> None:
        self.assertEqual([*self.results.iterdir()], [])

    def test_a_folder_that_the_server_cannot_write(self):
        for slots in ((1, 2), (2, 1)):
            undo = self.read_only(1)
            with self.subTest("read-only", slots=slots):
                self.assert_refused(self.launch_here(slots), f"--output: output.file = {self.output}",
                                    "Read-only file system")
                self.assert_empty()
            undo()
        blocked = self.write("plain", "a file")
        outcome = self.launch_on((1, 2), "-o", blocked / "run.h5", self.config)
        self.assert_refused(outcome, f"output.file = {blocked}/run.h5")

    def test_a_folder_that_the_server_lacks_is_made(self):
        self.results.rmdir()
        self.assertEqual(self.launch_here((1, 2)).code, 0)
        self.assertEqual(len(h5py.File(self.output)["federated/rounds"]), 4)

    def test_a_full_disk_on_the_server_ends_all_ranks(self):
        undo = self.full(1)
        outcome = self.launch_here((1, 2), "model.hidden=200")
        undo()
        self.assertEqual(outcome.code, 1, outcome.stderr)
        self.assert_one_message(outcome, str(self.output), "No space left on device")

    def test_a_folder_that_another_node_cannot_write_matters_to_what_clients_keep(self):
        (self.folder / "other").mkdir()
        keeps = "federated.algorithm=scaffold"
        for what, make in {
                "another folder": lambda: self.give(2, self.folder / "other", self.results),
                "read-only": lambda: self.read_only(2), "full": lambda: self.full(2)}.items():
            undo = make()
            with self.subTest(what):
                self.assert_refused(self.launch_here((1, 2), keeps), f"{self.output}.checkpoint",
                                    "checkpoint.file = ", "(on node2, rank 1)")
                self.assert_empty()
                self.assertEqual([*(self.folder / "other").iterdir()], [])
                # Who keeps nothing, or saves nothing, needs no such folder.
                for settings in ((), (keeps, "checkpoint.every=0")):
                    outcome = self.launch_here((1, 2), *settings)
                    self.assertEqual(outcome.code, 0, outcome.stderr)
                    with h5py.File(self.output) as file:
                        self.assertEqual(len(file["federated/rounds"]), 4)
            undo()
            shutil.rmtree(self.results)
            self.results.mkdir()


if __name__ == "__main__":
    unittest.main()
