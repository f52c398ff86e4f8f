"""Rounds of so many clients that their rows come to the server a window at a time."""

import os
import signal
import unittest

import h5py
import numpy as np
from program import overrides, wait_for
from test_kill import KillCase

CLIENTS = 50_000  # 5 windows, and more rows than wait in memory for the end of a round
ROW_BYTES = 104
SETTINGS = ("data.dataset=synthetic", "partition.scheme=natural", "data.synthetic_test_samples=20",
            "model.type=logistic", "training.epochs=1", "training.persistent_momentum=false",
            "federated.tracked_clients=", "federated.evaluate_every=100", "federated.rounds=2",
            "partition.samples_per_client=3",
            f"partition.clients={CLIENTS}", "centralized.enabled=false")


class Rows(KillCase):
    def test_they_are_whole_and_the_same_on_any_ranks(self):
        one = self.run_small(1, *SETTINGS, output="one.h5")
        with h5py.File(one) as file:
            clients, rounds = file["federated/clients"][:], file["federated/rounds"][:]
        self.assertEqual(len(clients), 2 * CLIENTS)
        for row in rounds:
            of_round = clients[clients["round"] == row["round"]]
            np.testing.assert_array_equal(of_round["client"], np.arange(CLIENTS))
            self.assertEqual(of_round["samples"].sum(), row["samples"])
            self.assertAlmostEqual(of_round["weight"].sum(), 1, places=9)
            loss = np.average(of_round["train_loss"], weights=of_round["samples"])
            self.assertAlmostEqual(loss, row["train_loss"], places=9)
        for ranks in (2, 4):
            self.assert_same(one, self.run_small(ranks, *SETTINGS), f"-np {ranks}")

    def test_the_server_does_not_hold_them(self):
        few, many = (self.server_megabytes("--overwrite", *overrides(
            (*SETTINGS, "partition.clients=200000", f"federated.clients_per_round={count}")))
            for count in (CLIENTS, 3 * CLIENTS))
        self.assertLess(many - few, 2 * CLIENTS * ROW_BYTES / 1e6)

    def test_a_resume_does_not_hold_them(self):
        def megabytes(rounds: int) -> float:
            self.run_small(3, *SETTINGS, f"federated.rounds={rounds}", "checkpoint.every=4")
            return self.server_megabytes("--resume", *overrides(
                (*SETTINGS, "checkpoint.every=4", f"federated.rounds={rounds + 1}")))
        few, many = megabytes(1), megabytes(12)
        self.assertLess(many - few, 3 * CLIENTS * ROW_BYTES / 1e6)

    def test_killed_in_the_midst_of_a_round_they_go_on(self):
        """Rows of a round without its own are in the file, and behind the checkpoint's mark."""
        process = self.begin(1, settings=(*SETTINGS, "federated.rounds=50"))

        def rows_without_round() -> bool:
            if self.rounds_in_file() < 1:
                return False
            with h5py.File(self.folder / "run.h5") as file:
                last = file["federated/clients"][-1]["round"]
                return last > len(file["federated/rounds"])
        wait_for(rows_without_round, "rows of a round that is not over", process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.wait_until_gone()  # its rank, which mpirun does not take along at once
        self.assert_resumed_is_whole(2, *SETTINGS)


if __name__ == "__main__":
    unittest.main()
