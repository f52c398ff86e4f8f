"""Nodes with files of their own: the same bits where they are the same, a message where not."""

import os
import shutil
import unittest

import h5py
import numpy as np
from nodes import NodesCase
from program import PROGRAM, SMALL, Samples, make_samples, text_attribute, write_data


class Files(NodesCase):
    def setUp(self) -> None:
        super().setUp()
        self.files = write_data(self.folder / "data", self.train, self.test)
        self.config = self.write("run.ini", SMALL.format(data=self.files, folder=self.folder))

    def test_the_same_files_give_the_same_bits(self):
        write_data(self.folder / "node2", self.train, self.test)
        alone = self.run_small(3, output="alone.h5")
        path = self.folder / "nodes.h5"
        outcome = self.launch_on((2, 2), "-o", path, self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assert_same(alone, path)
        with h5py.File(path) as file:
            self.assertEqual(text_attribute(file, "hosts"), f"{os.uname().nodename} node2")

    def refuse(self, what: str, *parts: str, node: int = 2, arguments: tuple = ()) -> None:
        ranks = (2, 1) if node == 2 else (1, 1, 1)
        outcome = self.launch_on(ranks, *arguments, self.config)
        with self.subTest(what):
            self.assert_refused(outcome, *parts)
            self.assertEqual(list(self.folder.glob("run.h5*")), [])
        for other in self.folder.glob("node?"):
            shutil.rmtree(other)

    def test_a_data_set_of_another_size(self):
        here = f"400 training and 230 test samples of 1 x 8 x 8 features in 0 classes on " \
               f"{os.uname().nodename} (rank 0)"
        others = {
            "fewer samples": (make_samples(390), self.test, "390 training and 230 test"),
            "more test samples": (self.train, make_samples(240, seed=2), "400 training and 240"),
            "other images": (make_samples(400, side=9), make_samples(230, side=9, seed=2),
                             "of 1 x 9 x 9 features"),
        }
        for what, (train, test, part) in others.items():
            for node in (2, 3):
                for number in range(2, node + 1):
                    write_data(self.folder / f"node{number}", *(
                        (train, test) if number == node else (self.train, self.test)))
                self.refuse(f"{what} on node {node}", f"run.ini:4: data.path = {self.files}: ",
                            "data sets differ between nodes: ", part, here,
                            f"on node{node} (rank 2)", node=node)

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
            write_data(self.folder / "node2", train, self.test)
            self.refuse(what, f"run.ini:4: data.path = {self.files}: "
                        f"{what.strip()} differ between nodes: ", "on node2 (rank 2)")

    def test_a_file_that_one_node_lacks(self):
        write_data(self.folder / "node2", self.train, self.test)
        (self.folder / "node2" / "t10k-labels-idx1-ubyte").unlink()
        self.refuse("no test labels", "t10k-labels-idx1-ubyte", "(on node2, rank 2)")

    def test_a_partition_file_that_differs(self):
        clients = np.arange(400) % 7
        np.savetxt(self.files / "clients.txt", clients, fmt="%d")
        write_data(self.folder / "node2", self.train, self.test)
        np.savetxt(self.folder / "node2" / "clients.txt", clients[::-1], fmt="%d")
        path = self.files / "clients.txt"
        settings = ("partition.scheme=file", f"partition.file={path}")
        self.refuse("partition", f"--set: partition.file = {path}: clients of training samples "
                    "differ between nodes: ", "on node2 (rank 2)",
                    arguments=tuple(part for one in settings for part in ("--set", one)))


class Machines(NodesCase):
    def test_another_build_on_one_node(self):
        """The other node's program says another revision."""
        other = self.folder / "other"
        program = PROGRAM.read_bytes()
        with h5py.File(self.run_small(1)) as file:
            revision = text_attribute(file, "git_revision").encode()
        (self.folder / "run.h5").unlink()
        other.write_bytes(program.replace(revision, revision[::-1]))
        other.chmod(0o755)
        self.node_script(2, f"mount --bind '{other}' '{PROGRAM}'")
        outcome = self.launch_on((1, 1), self.config)
        self.assert_refused(outcome, "versions of the program differ between nodes: ",
                            f"({revision[::-1].decode()}) on node2 (rank 1)",
                            f"({revision.decode()}) on {os.uname().nodename} (rank 0)")

    def test_fewer_instructions_on_one_node(self):
        self.node_script(2, "export FEDMPI_SIMD=plain")
        outcome = self.launch_on((2, 1), "--set", "federated.rounds=1", self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        with h5py.File(self.folder / "run.h5") as file:
            self.assertEqual(text_attribute(file, "kernels"), "plain")


if __name__ == "__main__":
    unittest.main()
