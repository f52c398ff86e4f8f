"""Data sets of every kind: the same samples through another format are the same run."""

import struct
import unittest
from pathlib import Path

import h5py
import numpy as np
from program import ProgramCase, Samples, write_data

ONE_ROUND = ("federated.rounds=1", "training.epochs=1")
ALL = ("partition.clients=0", "partition.samples_per_client=0", "federated.tracked_clients=")


def read(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The federated model's tensors, and how many of each class each client has."""
    with h5py.File(path) as file:
        model = {name: tensor[:] for name, tensor in file["model/federated"].items()}
        return model, file["partition/label_counts"][:]


class Datasets(ProgramCase):
    """Formats against each other, and what they refuse."""

    def assert_same_run(self, one: Path, other: Path) -> None:
        (model, counts), (other_model, other_counts) = read(one), read(other)
        np.testing.assert_array_equal(counts, other_counts)
        self.assertEqual(model.keys(), other_model.keys())
        for name, values in model.items():
            np.testing.assert_array_equal(values, other_model[name], name)

    def write_hdf5(self, name: str, convert=np.asarray, **changes) -> Path:
        """The data set of the test as HDF5."""
        arrays = {"train/x": convert(self.train.images), "train/y": self.train.labels,
                  "test/x": convert(self.test.images), "test/y": self.test.labels, **changes}
        path = self.folder / name
        with h5py.File(path, "w") as file:
            for where, values in arrays.items():
                if values is not None:
                    file.create_dataset(where, data=values)
        return path

    def run_hdf5(self, path: Path, *settings: str, ranks: int = 0, output: str = "h.h5") -> Path:
        return self.run_small(ranks, "data.dataset=hdf5", f"data.path={path}", *ONE_ROUND,
                              *settings, output=output)

    def refuse(self, *settings: str) -> str:
        overrides = [part for setting in settings for part in ("--set", setting)]
        outcome = self.launch(0, "--dry-run", *overrides, self.config)
        self.assertEqual(outcome.code, 2, outcome)
        self.assertEqual(outcome.stderr.count("\n"), 1, outcome.stderr)
        return outcome.stderr

    # --- HDF5 ---------------------------------------------------------------------------

    def test_hdf5_of_bytes_is_the_idx_run(self) -> None:
        idx = self.run_small(0, *ONE_ROUND)
        self.assert_same_run(idx, self.run_hdf5(self.write_hdf5("data.h5"), ranks=3))

    def test_hdf5_of_every_type_and_layout(self) -> None:
        """float32 of the same bytes, unscaled, in chunks that are compressed."""
        settings = ("data.normalize=none", "training.learning_rate=0.0001")
        idx = self.run_small(0, *ONE_ROUND, *settings)
        for type_name in ("<f4", ">f8", "<u2", ">i4", "<i8"):
            path = self.write_hdf5("data.h5", lambda x: x.astype(type_name))  # noqa: B023
            self.assert_same_run(idx, self.run_hdf5(path, *settings))
        with h5py.File(path, "w") as file:
            options = {"chunks": (7, 8, 3), "compression": "gzip", "shuffle": True}
            for part, samples in (("train", self.train), ("test", self.test)):
                file.create_dataset(f"{part}/x", data=samples.images.astype("f4"), **options)
                file.create_dataset(f"{part}/y", data=samples.labels.astype(">u8"), chunks=(11,))
        self.assert_same_run(idx, self.run_hdf5(path, *settings))

    def test_hdf5_shapes_are_rows_of_features(self) -> None:
        idx = self.run_small(0, *ONE_ROUND)
        for shape in ((64,), (8, 8), (1, 8, 8), (32, 2, 1), (2, 2, 2, 8)):
            path = self.write_hdf5("data.h5", lambda x: x.reshape(-1, *shape))  # noqa: B023
            self.assert_same_run(idx, self.run_hdf5(path))

    def test_hdf5_train_limit(self) -> None:
        settings = ("data.train_limit=300", "data.validation_samples=10", "partition.clients=5")
        idx = self.run_small(0, *ONE_ROUND, *settings)
        self.assert_same_run(idx, self.run_hdf5(self.write_hdf5("data.h5"), *settings))

    def test_hdf5_refuses_what_does_not_fit(self) -> None:
        bad = {
            "there is no data set /test/y": {"test/y": None},
            "/train/y has 399 numbers for 400 samples": {"train/y": self.train.labels[:-1]},
            "/train/y[0] is 0.5": {"train/y": self.train.labels * 0 + 0.5},
            "is not one-hot": {"train/y": np.eye(10)[self.train.labels] + 1},
            "/train/y[0] is -1": {"train/y": self.train.labels.astype(int) * 0 - 1},
            "different shape or type: 8x8 bytes, and 4x8 bytes": {"test/x": self.test.images[:, :4]},
            "8x8 bytes, and 8x8 reals": {"test/x": self.test.images.astype("f4")},
            "/train/client[0] is 0.5": {"train/client": np.full(400, 0.5)},
            "array of numbers": {"train/x": np.array([b"text"] * 400)},
            "/train/client[0] is -5": {"train/client": np.full(400, -5)},
        }
        for message, change in bad.items():
            path = self.write_hdf5("bad.h5", **change)
            self.assertIn(message, self.refuse("data.dataset=hdf5", f"data.path={path}"))
        (self.folder / "bad.h5").write_bytes(b"no HDF5")
        self.assertIn("not an HDF5 file", self.refuse("data.dataset=hdf5", f"data.path={path}"))
        self.assertIn("No such file", self.refuse("data.dataset=hdf5", "data.path=nowhere.h5"))

    def test_hdf5_refuses_values_that_the_file_does_not_store(self) -> None:
        """Sizes that only a header claims, or another file bears out, make no allocation."""
        shape, layout = (400, 8, 8), h5py.VirtualLayout((400, 8, 8), "u1")
        (self.folder / "raw").write_bytes(bytes(400 * 64))
        layout[:] = h5py.VirtualSource(self.write_hdf5("source.h5"), "train/x", shape)
        claims = {
            "never written": lambda file: file.create_dataset("train/x", shape, "u1"),
            "chunks, never written": lambda file: file.create_dataset(
                "train/x", shape, "u1", chunks=(40, 8, 8)),
            "one chunk of a million": lambda file: file.create_dataset(
                "train/x", (40_000_000, 8, 8), "u1", chunks=(40, 8, 8), compression="gzip",
                fillvalue=1).write_direct(np.ones((40, 8, 8), "u1"), dest_sel=np.s_[:40]),
            "external": lambda file: file.create_dataset(
                "train/x", shape, "u1", external=[(self.folder / "raw", 0, 400 * 64)]),
            "virtual": lambda file: file.create_virtual_dataset("train/x", layout),
        }
        for name, claim in claims.items():
            with self.subTest(name):
                path = self.write_hdf5("bad.h5", **{"train/x": None})
                with h5py.File(path, "a") as file:
                    file["padding"] = np.arange(1_000_000)  # much, but not what is claimed
                    claim(file)
                self.assertIn("does not store all values of /train/x",
                              self.refuse("data.dataset=hdf5", f"data.path={path}"))

    def test_labels_in_every_form(self) -> None:
        """Columns, booleans, one-hot rows, reals without a fraction, and counted from 1."""
        forms = {
            "column": lambda y: y[:, None], "one-hot": lambda y: np.eye(10, dtype="f4")[y],
            "one-hot bytes": lambda y: np.eye(10, dtype="u1")[y],
            "booleans": lambda y: np.eye(10, dtype=bool)[y], "reals": lambda y: y.astype(float),
            "from 1": lambda y: y + 1,
        }
        expected = self.run_hdf5(self.write_hdf5("data.h5"))
        for name, form in forms.items():
            with self.subTest(name):
                path = self.write_hdf5("form.h5", **{f"{part}/y": form(samples.labels.astype(int))
                                                     for part, samples in (("train", self.train),
                                                                           ("test", self.test))})
                self.assert_same_run(expected, self.run_hdf5(path, output="form-run.h5"))

    def test_booleans_are_two_classes(self) -> None:
        halves = {f"{part}/y": samples.labels < 5 for part, samples in (("train", self.train),
                                                                        ("test", self.test))}
        numbers = self.run_hdf5(self.write_hdf5("n.h5", **{k: v.astype(int)
                                                           for k, v in halves.items()}))
        booleans = self.run_hdf5(self.write_hdf5("b.h5", **halves), output="b-run.h5")
        self.assert_same_run(numbers, booleans)
        self.assertEqual(read(booleans)[1].shape[1], 2)

    def test_a_stray_label_is_told(self) -> None:
        labels = self.train.labels.copy()
        labels[[7, 9]] = 255
        path = self.write_hdf5("stray.h5", **{"train/y": labels})
        message = self.refuse("data.dataset=hdf5", f"data.path={path}")
        self.assertIn("11 different labels lie between 0 and 255", message)
        self.assertIn("none from 10 on but in 2 samples", message)

    def test_pictures_with_their_channels_last(self) -> None:
        first = {f"{part}/x": np.random.RandomState(7).randint(0, 256, (count, 3, 8, 8)).astype("u1")
                 for part, count in (("train", 400), ("test", 230))}
        expected = self.run_hdf5(self.write_hdf5("first.h5", **first))
        last = self.write_hdf5("last.h5", **{name: np.moveaxis(x, 1, 3)
                                             for name, x in first.items()})
        for setting in ("auto", "channels_last"):
            self.assert_same_run(expected, self.run_hdf5(last, f"data.layout={setting}",
                                                         output="last-run.h5"))
        unclear = self.write_hdf5("unclear.h5", **{name: x[:, :, :, :3]
                                                   for name, x in first.items()})
        settings = ("data.dataset=hdf5", f"data.path={unclear}")
        self.assertIn("say channels_first or channels_last", self.refuse(*settings))
        self.run_hdf5(unclear, "data.layout=channels_first", output="clear.h5")

    def test_pixels_that_nobody_scales_are_told(self) -> None:
        path = self.write_hdf5("reals.h5", lambda x: x.astype("f4"))
        told = self.launch(0, "--dry-run", "--set", "data.dataset=hdf5", "--set",
                           f"data.path={path}", self.config).stderr
        self.assertIn("reals from 0 to 255, which data.normalize = unit does not scale", told)
        path = self.write_hdf5("unit.h5", lambda x: x.astype("f4") / 255)
        self.assertEqual(self.launch(0, "--dry-run", "--set", "data.dataset=hdf5", "--set",
                                     f"data.path={path}", self.config).stderr, "")

    def test_a_filter_that_is_not_there_is_named(self) -> None:
        path = self.write_hdf5("lzf.h5", **{"train/x": None})
        with h5py.File(path, "a") as file:
            file.create_dataset("train/x", data=self.train.images, compression="lzf")
        message = self.refuse("data.dataset=hdf5", f"data.path={path}")
        self.assertRegex(message, r"the filter lzf \(number 32000\)")
        self.assertIn("h5repack", message)

    def test_a_file_that_a_notebook_holds_open(self) -> None:
        path = self.write_hdf5("held.h5")
        with h5py.File(path, "a") as file:
            file.attrs["note"] = "open for writing"
            file.flush()
            self.run_hdf5(path)

    def test_a_link_that_leads_nowhere_is_named(self) -> None:
        with h5py.File(self.folder / "linked.h5", "w") as file:
            file["train"] = h5py.ExternalLink("gone.h5", "/train")
        self.assertIn("/train is a link to /train in gone.h5, which cannot be opened",
                      self.refuse("data.dataset=hdf5", f"data.path={self.folder}/linked.h5"))

    def test_links_into_another_file(self) -> None:
        expected = self.run_hdf5(self.write_hdf5("native.h5"))
        with h5py.File(self.folder / "linked.h5", "w") as file:
            for part in ("train", "test"):
                file[part] = h5py.ExternalLink("native.h5", part)
        self.assert_same_run(expected, self.run_hdf5(self.folder / "linked.h5", output="l-run.h5"))

    def test_a_file_in_one_chunk(self) -> None:
        """As pandas and Keras may write it: the whole array is packed as one piece."""
        count = 30_000  # reals of 8 bytes: a chunk of 370 MiB, some MiB in the file
        path = self.write_hdf5("chunk.h5", **{
            "train/x": None, "train/y": np.arange(count) % 10,
            "test/x": np.zeros((20, 40, 40)), "test/y": np.arange(20) % 10})
        with h5py.File(path, "a") as file:
            file.create_dataset("train/x", data=np.zeros((count, 40, 40)), chunks=(count, 40, 40),
                                compression="gzip", compression_opts=1)
        self.assertEqual(self.launch(0, "--dry-run", "--set", "data.dataset=hdf5", "--set",
                                     f"data.path={path}", self.config).code, 0)

    # --- Clients that the data name --------------------------------------------------------

    def count_by_hand(self, clients: np.ndarray) -> np.ndarray:
        numbers = np.unique(clients[clients >= 0])
        return np.array([np.bincount(self.train.labels[clients == k], minlength=10)
                         for k in numbers])

    def test_natural_and_file_follow_the_data(self) -> None:
        writers = np.random.RandomState(3).randint(0, 9, 400) * 1000 + 17
        natural = self.write_hdf5("data.h5", **{"train/client": writers})
        paths = [self.run_hdf5(natural, "partition.scheme=natural", *ALL, ranks=n, output=f"{n}.h5")
                 for n in (1, 4)]
        np.testing.assert_array_equal(read(paths[0])[1], self.count_by_hand(writers))
        self.assert_same_run(*paths)

        dense = (writers - 17) // 1000
        text = self.write("clients.csv", "client\n" + "".join(f"{k}\n" for k in dense))
        with h5py.File(self.folder / "clients.h5", "w") as file:
            file["client"] = dense.astype("u2")
        with h5py.File(self.folder / "clients.of_any_name", "w") as file:
            file["client"] = dense[:, None].astype(float)
        with h5py.File(self.folder / "names.h5", "w") as file:
            file["client"] = np.array([f"writer {k}".encode() for k in dense])
        for file in (text, *(self.folder / name for name in ("clients.h5", "clients.of_any_name",
                                                             "names.h5"))):
            path = self.run_small(2, *ONE_ROUND, *ALL, "partition.scheme=file",
                                  f"partition.file={file}")
            self.assert_same_run(paths[0], path)

    def test_clients_with_names(self) -> None:
        """Texts of any kind; the clients are numbered in the order of their names."""
        writers = np.random.RandomState(3).randint(0, 9, 400)
        names = np.array([f"writer {k} {'ü' * k}" for k in range(9)])[writers]
        kinds = {"any length": names.astype(object), "fixed": np.char.encode(names, "utf-8")}
        expected = self.run_hdf5(self.write_hdf5("data.h5", **{"train/client": writers}),
                                 "partition.scheme=natural", *ALL)
        kinds["reals in a column"] = writers[:, None].astype("f8")
        for kind, values in kinds.items():
            with self.subTest(kind):
                path = self.write_hdf5("names.h5", **{"train/client": values})
                self.assert_same_run(expected, self.run_hdf5(path, "partition.scheme=natural", *ALL,
                                                             output="names-run.h5"))

    def test_tff_is_its_hdf5_twin(self) -> None:
        """A group a client, in two files."""
        owners = np.sort(np.random.RandomState(8).randint(0, 6, 400))
        twin = self.write_hdf5("twin.h5", lambda x: x.astype("f4") / 255, **{"train/client": owners})
        for part, samples in (("train", self.train), ("test", self.test)):
            groups = owners if part == "train" else np.arange(len(samples.labels)) % 4
            with h5py.File(self.folder / f"fed_digits_{part}.h5", "w") as file:
                for k in np.unique(groups):
                    group = file.create_group(f"examples/f{k:04d}_07")
                    group["pixels"] = samples.images[groups == k].astype("f4") / 255
                    group["label"] = samples.labels[groups == k].astype("i4")
        settings = ("partition.scheme=natural", *ALL)
        train = self.folder / "fed_digits_train.h5"
        tff = self.run_small(2, *ONE_ROUND, "data.dataset=tff", f"data.path={train}", *settings)
        self.assert_same_run(self.run_hdf5(twin, *settings), tff)
        self.assertIn("set data.dataset = tff",
                      self.refuse("data.dataset=hdf5", f"data.path={train}"))
        train.rename(self.folder / "digits.h5")
        self.assertIn("names the training file",
                      self.refuse("data.dataset=tff", f"data.path={self.folder}/digits.h5"))

    def test_a_file_of_any_editor(self) -> None:
        """Partition files as spreadsheets, data frames and editors on other systems write them."""
        clients = np.arange(400) % 9
        lines = [str(k) for k in clients]
        forms = {
            "mark": "\ufeff" + "\n".join(lines), "mark, heading": "\ufeffclient\n" + "\n".join(lines),
            "other line ends": "client\r\n" + "\r\n".join(lines),
            "quotes": '"client"\n' + "\n".join(f'"{k}"' for k in lines),
            "reals": "client\n" + "\n".join(f"{k}.0" for k in lines),
            "blanks": "\n".join(f"   {k}  " for k in lines),
            "index": ",client\n" + "\n".join(f"{i},{k}" for i, k in enumerate(lines)),
            "index alone": "\n".join(f"{i};{k}" for i, k in enumerate(lines)),
            "columns": "client,label,note\n" + "\n".join(f"{k},3,'a b'" for k in lines),
        }
        settings = (*ALL, "partition.scheme=file", "federated.rounds=1", "training.epochs=1")
        for name, text in forms.items():
            with self.subTest(name):
                file = self.write("form.csv", text)
                path = self.run_small(0, *settings, f"partition.file={file}")
                np.testing.assert_array_equal(read(path)[1], self.count_by_hand(clients))
        file = self.folder / "wide.txt"
        file.write_bytes("\n".join(lines).encode("utf-16"))
        self.assertIn("is UTF-16; save it as UTF-8",
                      self.refuse(*ALL, "partition.scheme=file", f"partition.file={file}"))
        wrong = {"5,0\n": "line 1: '5': of two columns the first counts",
                 "a,b,c\n1,2,3\n": 'none with the heading "client"',
                 "client\n1.5\n": "line 2: '1.5'", "0\n0,1\n": "line 2 has 2 values, the first one 1"}
        for text, message in wrong.items():
            file = self.write("bad.csv", text)
            self.assertIn(message, self.refuse(*ALL, "partition.scheme=file",
                                                f"partition.file={file}"))

    def test_data_say_how_many_clients(self) -> None:
        """Without the keys all are taken, and the effective configuration says so."""
        path = self.write_hdf5("data.h5", **{"train/client": np.arange(400) % 23})
        config = self.write("open.ini", f"[data]\ndataset = hdf5\npath = {path}\n"
                                        "[partition]\nscheme = natural\n")
        shown = self.launch(0, "--dry-run", config).stdout
        self.assertRegex(shown, r"clients = 0 .*\n")
        self.assertRegex(shown, r"samples_per_client = 0 ")
        self.assertRegex(shown, r"both +23 +400 ")

    def test_file_leaves_samples_out(self) -> None:
        clients = np.random.RandomState(4).randint(-1, 4, 400)
        file = self.write("clients.txt", "# made by hand\n" + "\n".join(map(str, clients)))
        path = self.run_small(0, *ONE_ROUND, *ALL, "partition.scheme=file",
                                  f"partition.file={file}")
        np.testing.assert_array_equal(read(path)[1], self.count_by_hand(clients))

    def test_samples_that_are_dropped_take_their_client_along(self) -> None:
        clients = np.random.RandomState(5).randint(0, 4, 400)
        images = self.train.images.astype("f4")
        images[::7, 3, 3] = np.nan
        path = self.write_hdf5("data.h5", lambda x: x.astype("f4"),
                               **{"train/x": images, "train/client": clients})
        counts = read(self.run_hdf5(path, "partition.scheme=natural", *ALL,
                                    "data.normalize=none", "training.learning_rate=0.0001"))[1]
        clients[::7] = -1
        np.testing.assert_array_equal(counts, self.count_by_hand(clients))

    def test_samples_that_are_dropped_are_told(self) -> None:
        images = self.train.images.astype("f4") / 255
        images[::8, 3, 3] = np.nan
        path = self.write_hdf5("nan.h5", lambda x: x.astype("f4") / 255, **{"train/x": images})
        told = self.launch(0, "--dry-run", "--set", "data.dataset=hdf5", "--set",
                           f"data.path={path}", self.config).stderr
        self.assertIn("50 samples have missing or impossible values and are left out; 350 for "
                      "training and 230 for the test remain", told)

    def test_file_refuses_what_does_not_fit(self) -> None:
        bad = {
            "0\n" * 399: "has 399 numbers",
            "0\n" * 401: "has 401 numbers",
            "0\n1 2\n": "line 2: '1 2'",
            "0\n-2\n": "line 2: '-2'",
            "1\n" * 400: "client 0 has no sample",
            "-1\n" * 400: "name 0 clients",
        }
        for text, message in bad.items():
            file = self.write("bad.txt", text)
            self.assertIn(message, self.refuse(*ALL, "partition.scheme=file",
                                                f"partition.file={file}"))
        arrays = {
            "/client[0] is 0.5": np.arange(400) % 4 + 0.5, "/client[1] is -2": np.arange(400) - 3 + (
                np.arange(400) == 0) * 3, "has 399 numbers": np.zeros(399, int),
            "must have an integer or a text": np.zeros((400, 2), int),
        }
        for message, clients in arrays.items():
            with h5py.File(self.folder / "bad.h5", "w") as file:
                file["client"] = clients
            self.assertIn(message, self.refuse(*ALL, "partition.scheme=file",
                                                f"partition.file={self.folder}/bad.h5"))
        (self.folder / "bad.npy").write_bytes(b"\x93NUMPY\0\1")
        self.assertIn("is neither text nor HDF5", self.refuse(
            *ALL, "partition.scheme=file", f"partition.file={self.folder}/bad.npy"))
        self.assertIn("needs the path", self.refuse("partition.scheme=file"))
        self.assertIn("names no clients", self.refuse("partition.scheme=natural"))

    # --- CIFAR-10 and EMNIST -----------------------------------------------------------------

    def write_cifar(self, folder: Path, train: np.ndarray, test: np.ndarray) -> None:
        """Records of 1 + 3072 bytes: three files for training, of different sizes."""
        folder.mkdir(parents=True)
        pieces = {"data_batch_1.bin": train[:50], "data_batch_2.bin": train[50:60],
                  "data_batch_3.bin": train[60:], "test_batch.bin": test}
        for name, records in pieces.items():
            (folder / name).write_bytes(records.tobytes())

    def test_cifar10_is_its_hdf5_twin(self) -> None:
        records = np.random.RandomState(6).randint(0, 256, (150, 3073)).astype(np.uint8)
        records[:, 0] %= 10
        train, test = records[:120], records[120:]
        twin = self.write_hdf5("twin.h5", **{
            "train/x": train[:, 1:].reshape(-1, 3, 32, 32), "train/y": train[:, 0],
            "test/x": test[:, 1:].reshape(-1, 3, 32, 32), "test/y": test[:, 0]})
        settings = ("partition.clients=4", "partition.samples_per_client=20",
                    "partition.stratified=false", "data.normalize=standard")
        expected = self.run_hdf5(twin, *settings)
        for folder in (self.folder / "plain", self.folder / "packed/cifar-10-batches-bin"):
            self.write_cifar(folder, train, test)
            where = str(folder).removesuffix("/cifar-10-batches-bin")
            path = self.run_small(2, *ONE_ROUND, "data.dataset=cifar10", f"data.path={where}",
                                  *settings)
            self.assert_same_run(expected, path)
        (self.folder / "plain/data_batch_2.bin").write_bytes(b"\0" * 3074)
        self.assertIn("multiple of 3073",
                      self.refuse("data.dataset=cifar10", f"data.path={self.folder}/plain"))

    def test_emnist_letters_count_from_one(self) -> None:
        shifted = [Samples(part.images, part.labels + 1) for part in (self.train, self.test)]
        folder = write_data(self.folder / "letters", *shifted, compress=True)
        for file in folder.iterdir():
            file.rename(folder / f"emnist-letters-{file.name.replace('t10k', 'test')}")
        settings = ("data.dataset=emnist", f"data.path={folder}")
        self.assert_same_run(self.run_small(0, *ONE_ROUND),
                             self.run_small(0, *ONE_ROUND, *settings, output="letters.h5"))
        plain = self.run_small(0, *ONE_ROUND, "data.dataset=emnist", output="digits.h5")
        self.assert_same_run(self.run_small(0, *ONE_ROUND), plain)

    def test_qmnist_labels_are_rows_of_integers(self) -> None:
        """Class, series, writer, ... as 32 bits each; and images of any IDX type."""
        folder = write_data(self.folder / "qmnist", self.train, self.test)
        for part, samples in (("train", self.train), ("t10k", self.test)):
            rows = np.zeros((len(samples.labels), 8), ">i4")
            rows[:, 0], rows[:, 1:] = samples.labels, 4711
            (folder / f"{part}-labels-idx1-ubyte").unlink()
            head = struct.pack(">BBBBII", 0, 0, 0x0C, 2, *rows.shape)
            (folder / f"{part}-labels-idx2-int").write_bytes(head + rows.tobytes())
        expected = self.run_small(0, *ONE_ROUND)
        self.assert_same_run(expected, self.run_small(0, *ONE_ROUND, f"data.path={folder}",
                                                      output="q.h5"))
        settings = ("data.normalize=none", "training.learning_rate=0.0001")
        expected = self.run_small(0, *ONE_ROUND, *settings)
        for code, kind in ((0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")):
            for part, samples in (("train", self.train), ("t10k", self.test)):
                head = struct.pack(">BBBBIII", 0, 0, code, 3, *samples.images.shape)
                (folder / f"{part}-images-idx3-ubyte").write_bytes(
                    head + samples.images.astype(kind).tobytes())
            self.assert_same_run(expected, self.run_small(0, *ONE_ROUND, *settings,
                                                          f"data.path={folder}", output="q.h5"))

    def test_idx_labels_in_the_order_of_most_machines(self) -> None:
        """Little-endian integers, which the format has not: taken where they make labels."""
        folder = write_data(self.folder / "reversed", self.train, self.test)
        expected = self.run_small(0, *ONE_ROUND)

        def write(code: int, kind: str, change=lambda y: y) -> None:
            for part, samples in (("train", self.train), ("t10k", self.test)):
                head = struct.pack(">BBBBI", 0, 0, code, 1, len(samples.labels))
                (folder / f"{part}-labels-idx1-ubyte").write_bytes(
                    head + change(samples.labels.astype(int)).astype(kind).tobytes())

        for code, kind in ((0x0B, "<i2"), (0x0C, "<i4"), (0x0C, ">i4")):
            write(code, kind)
            self.assert_same_run(expected, self.run_small(0, *ONE_ROUND, f"data.path={folder}",
                                                          output="r.h5"))
        write(0x0C, "<i4", lambda y: y - 1)
        self.assertRegex(self.refuse(f"data.path={folder}"), r"sample \d+ has label -1\b|"
                         r"sample \d+ has label [\d.e+]+, accepted is 0 to ")

    def test_a_file_in_place_of_a_folder_is_told(self) -> None:
        path = self.write_hdf5("data.h5")
        message = self.refuse(f"data.path={path}")
        self.assertIn("is a file, accepted is a folder with four IDX files", message)
        self.assertEqual(message.count(str(path)), 1)

    def test_a_path_of_another_set_is_told(self) -> None:
        self.assertIn("looked for data.dataset = cifar10 in data.path = ",
                      self.refuse("data.dataset=cifar10"))

    # --- Synthetic -----------------------------------------------------------------------

    def test_synthetic_on_any_ranks_and_resumed(self) -> None:
        settings = ("data.dataset=synthetic", "partition.scheme=natural", "model.hidden=",
                    "partition.clients=1000", "partition.samples_per_client=20",
                    "data.synthetic_test_samples=300", "federated.clients_per_round=40",
                    "training.learning_rate=0.01", "centralized.enabled=false")
        one, many = (self.run_small(ranks, *settings, "federated.rounds=4", output=f"{ranks}.h5")
                     for ranks in (1, 5))
        self.run_small(2, *settings, "federated.rounds=2", output="part.h5")
        part = self.run_small(3, *settings, "federated.rounds=4", output="part.h5",
                              options=("--resume",))
        for other in (many, part):
            with h5py.File(one) as expected, h5py.File(other) as file:
                for name, tensor in expected["model/federated"].items():
                    np.testing.assert_array_equal(tensor[:], file["model/federated"][name][:])
                self.assertNotIn("label_counts", file["partition"])
                np.testing.assert_array_equal(file["partition/clients"]["samples"], 20)
                self.assertTrue(np.isnan(file["partition/clients"]["emd"]).all())

    def test_synthetic_alpha_without_effect_is_told(self) -> None:
        for settings, told in (((), False), (("data.synthetic_alpha=0.5",), True),
                               (("data.synthetic_alpha=0.5", "data.synthetic_rules=common"), False)):
            config = self.write("open.ini", "[data]\ndataset = synthetic\n")
            sets = [part for setting in settings for part in ("--set", setting)]
            shown = self.launch(2, "--dry-run", *sets, config).stderr
            self.assertEqual(shown.count("data.synthetic_alpha = 0.5 has no effect"), told, shown)

    def test_synthetic_alone_takes_its_own_partition(self) -> None:
        config = self.write("open.ini", "[data]\ndataset = synthetic\n")
        shown = self.launch(0, "--dry-run", config).stdout
        self.assertRegex(shown, r"scheme = natural ")
        self.assertRegex(shown, r"both +150 +\d+ ")


if __name__ == "__main__":
    unittest.main()
