"""federated.average_decay: a moving average that is evaluated and saved, and not trained on."""

import unittest
from pathlib import Path

import h5py
import numpy as np
from program import ProgramCase

DECAY = 0.75


def tensors(path: Path, group: str) -> dict[str, np.ndarray]:
    """One model."""
    with h5py.File(path) as file:
        return {name: tensor[:] for name, tensor in file[f"model/{group}"].items()}


def rows(path: Path, table: str = "federated/rounds") -> np.ndarray:
    """One table."""
    with h5py.File(path) as file:
        return file[table][:]


class Average(ProgramCase):
    """Against the models of runs without it."""

    def averaged(self, rounds: int, ranks: int = 0, *settings: str, output: str = "average.h5",
                 options: tuple[str, ...] = ()) -> Path:
        return self.run_small(ranks, f"federated.rounds={rounds}",
                              f"federated.average_decay={DECAY}", *settings, output=output,
                              options=options)

    def test_it_is_the_average_of_the_rounds(self) -> None:
        """a = d a + (1 - d) w over the models of 1, 2 and 3 rounds, from the initial one."""
        plain = [self.run_small(0, f"federated.rounds={t}", output=f"{t}.h5") for t in (1, 2, 3)]
        expected = {name: w.astype(float) for name, w in tensors(plain[0], "initial").items()}
        for path in plain:
            for name, w in tensors(path, "federated").items():
                expected[name] = DECAY * expected[name] + (1 - DECAY) * w.astype(float)
        found = self.averaged(3)
        for name, values in tensors(found, "federated").items():
            np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-7, err_msg=name)

        before, after = rows(plain[2]), rows(found)
        for column in ("train_loss", "update_norm", "bytes_down", "bytes_up"):
            np.testing.assert_array_equal(before[column], after[column], column)
        self.assertTrue((before["test_loss"] != after["test_loss"]).all())
        with h5py.File(found) as file:
            matrix = file["federated/confusion_matrix"][:]
        self.assertAlmostEqual(np.trace(matrix) / matrix.sum(), after["test_accuracy"][-1])

    def test_any_ranks_and_resumed(self) -> None:
        """Also with an algorithm that sends a vector of its own beside w."""
        settings = ("federated.algorithm=scaffold", "training.momentum=0")
        one = self.averaged(4, 0, *settings)
        many = self.averaged(4, 3, *settings, output="many.h5")
        self.averaged(2, 2, *settings, output="part.h5")
        part = self.averaged(4, 3, *settings, output="part.h5", options=("--resume",))
        for other in (many, part):
            for name, values in tensors(one, "federated").items():
                np.testing.assert_array_equal(values, tensors(other, "federated")[name], name)
            np.testing.assert_array_equal(rows(one)["test_loss"], rows(other)["test_loss"])


if __name__ == "__main__":
    unittest.main()
