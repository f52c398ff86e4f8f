"""Several nodes give the bits of one rank, wherever ranks stand and whatever their nodes are."""

import os
import signal
import subprocess
import unittest
from pathlib import Path

import h5py
import numpy as np
from case import ClusterCase
from program import (ENDLESS, LIMIT_SECONDS, Samples, make_samples, overrides, text_attribute,
                     write_data)

SIDE = 28
MANY = 120000  # images: more bytes than a rank has of its own


class Bits(ClusterCase):
    def hosts(self, path: Path) -> str:
        """Those of the ranks, in the order of the ranks."""
        with h5py.File(path) as file:
            return text_attribute(file, "hosts")

    def check(self, alone: Path, slots: tuple, *settings: str, hosts: str, **options) -> Path:
        """A run on these nodes; the path of its results."""
        path = self.run_on(slots, *settings, output="nodes.h5", **options)
        self.assert_same(alone, path, f"{slots} {settings} {options}")
        self.assertEqual(self.hosts(path), hosts)
        return path

    def test_maps_and_collectives(self):
        settings = ("federated.clients_per_round=5", "training.persistent_momentum=true",
                    "data.validation_samples=50")
        alone = self.run_small(1, *settings, output="alone.h5")
        for collective, slots, order, ranks, hosts in (
                ("gather", (2, 2, 2), "node", 6, "node1 node2 node3"),
                ("reduce", (2, 2, 2), "node", 6, "node1 node2 node3"),
                ("gather", (2, 2, 2), "slot", 5, "node1 node2 node3"),
                ("reduce", (1, 2, 1), "node", 3, "node1 node2 node3"),
                ("gather", (2, 2, 2), "slot", 3, "node1 node2"),
                ("reduce", (0, 1, 1), "slot", 2, "node2 node3")):
            with self.subTest(collective=collective, slots=slots, map=order, ranks=ranks):
                self.check(alone, slots, *settings, f"federated.collective={collective}",
                           hosts=hosts, ranks=ranks, options=("--map-by", order))

    def test_resumed_on_fewer_and_on_other_nodes(self):
        """Each client keeps its momentum in a file of the rank that trained it."""
        settings = ("training.persistent_momentum=true", "federated.clients_per_round=5")
        whole = self.run_small(1, *settings, "federated.rounds=8", output="whole.h5")
        for rounds, slots in ((2, (2, 2, 2)), (4, (2, 2)), (6, (0, 1, 2)), (8, (1,))):
            path = self.run_on(slots, *settings, f"federated.rounds={rounds}", resume=True)
        self.assert_same(whole, path)

    def test_another_number_of_cores_on_each_node(self):
        alone = self.run_small(1, output="alone.h5")
        for number, cores in ((1, 1), (2, 1), (3, 64)):
            self.node(number).profile(FEDMPI_CORES=cores)
            self.addCleanup(self.node(number).profile)
        path = self.folder / "nodes.h5"
        outcome = self.launch_on((2, 2, 2), "-o", path, self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assert_same(alone, path)
        # Rank 0 serves, beside one that trains; of node 2 the first trains, of node 3 both do.
        self.assertIn("7 clients on 4 ranks", outcome.stderr)
        with h5py.File(path) as file:
            self.assertLessEqual(set(file["federated/clients"]["rank"]), {1, 2, 4, 5})

    def test_other_kernels_on_each_node(self):
        """All take the least that one of them has, wherever that one stands."""
        alone = self.run_small(1, output="alone.h5")
        plain = self.launch(1, "--overwrite", "-o", self.folder / "plain.h5", self.config,
                            env={**os.environ, "FEDMPI_SIMD": "plain"})
        self.assertEqual(plain.code, 0, plain.stderr)
        with h5py.File(alone) as file:
            best = text_attribute(file, "kernels")
        if best == "plain":
            self.skipTest("this processor has plain kernels only")
        for number in (1, 3):
            kernels = dict.fromkeys((1, 2, 3), best)
            kernels[number] = "plain"
            for other, name in kernels.items():
                self.node(other).profile(FEDMPI_SIMD=name)
                self.addCleanup(self.node(other).profile)
            with self.subTest(plain=number):
                path = self.check(self.folder / "plain.h5", (2, 1, 1), hosts="node1 node2 node3")
                with h5py.File(path) as file:
                    self.assertEqual(text_attribute(file, "kernels"), "plain")

    def test_clocks_that_are_hours_apart(self):
        """No rank compares its clock with another's: a limit holds, and no time is odd."""
        clock = "import time; print(time.monotonic())"
        now = [float(subprocess.run(self.node(number).command("/usr/bin/python3", "-c", clock),
                                    capture_output=True, check=True).stdout) for number in (1, 2, 3)]
        self.assertGreater(min(np.diff(now)), 3600)
        outcome = self.launch_on((1, 1, 1), *overrides((*ENDLESS, "checkpoint.time_limit=1")),
                                 self.config)
        self.assertEqual(outcome.code, 75, outcome.stderr)
        with h5py.File(self.folder / "run.h5") as file:
            rounds = file["federated/rounds"][()]
            clients = file["federated/clients"]["train_seconds"]
        seconds = [rounds[name] for name in rounds.dtype.names if name.endswith("_seconds")]
        for column in (*seconds, clients):
            self.assertTrue(np.all((column >= 0) & (column < LIMIT_SECONDS)), column)


class Memory(ClusterCase):
    def megabytes(self, pid: int, kind: str) -> float:
        """Of a process; what others share it with counts in parts."""
        fields = dict(line.split(":") for line in
                      Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
        return int(fields[kind].split()[0]) * 1024 / 1e6

    def test_a_node_has_one_copy_of_the_data(self):
        part = make_samples(1000, side=SIDE)
        images = np.tile(part.images, (MANY // 1000, 1, 1))
        copy = images.nbytes / 1e6
        write_data(self.folder / "many", Samples(images, np.tile(part.labels, MANY // 1000)),
                   make_samples(200, side=SIDE, seed=2))
        process = subprocess.Popen(
            self.on_nodes((2, 2, 2), *overrides((*ENDLESS, f"data.path={self.folder}/many")),
                          self.config), cwd=self.folder, stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_for_rounds(process, 1)
        for node in self.network.nodes.values():
            ranks = node.processes("fedmpi")
            self.assertEqual(len(ranks), 2)
            together = sum(self.megabytes(rank, "Pss_Shmem") for rank in ranks)
            self.assertGreaterEqual(together, copy)
            self.assertLess(together, 1.5 * copy)
            for rank in ranks:
                self.assertLess(self.megabytes(rank, "Pss_Anon"), 0.5 * copy)
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.wait(LIMIT_SECONDS), 75)


if __name__ == "__main__":
    unittest.main()
