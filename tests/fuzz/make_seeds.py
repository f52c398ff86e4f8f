#!/usr/bin/env python3
"""Write the seeds of the fuzz targets: small valid inputs of every kind that is read."""

import gzip
import struct
from pathlib import Path

import h5py
import numpy as np

SEEDS = Path(__file__).resolve().parent / "seeds"
TENSORS = {"fc1.weight": (3, 4), "fc1.bias": (3,), "fc2.weight": (2, 3), "fc2.bias": (2,)}

INI = {
    "keys.ini": "[experiment]\nname = a name ; comment\nseed = 7\n\n[model]\nhidden = 20, 10\n",
    "values.ini": "[data]\nnormalize = standard\ntrain_limit=100\n[training]\nlearning_rate = 1e-3\n"
                  "persistent_momentum = yes\n[checkpoint]\ntime_limit = 1:30:00\n",
    "broken.ini": "[federated\nrounds = 1\n[nowhere]\nkey\n= value\n",
    "include.ini": "include = other.ini\n[output]\nfile = results/a.h5\n",
    "quotes.ini": "\ufeff[data]\r\npath = '~/a # b''s' # c\r\n[output]\r\nfile = \"$HOME/x\"\r",
    "twice.ini": "[federated]\nrounds = 1e3\u00a0; c\nrounds = 0x10\n[federated]\n",
    "override": "federated.rounds=3",
}


def write(kind: str, name: str, data: bytes) -> None:
    path = SEEDS / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def idx(code: int, sizes: tuple, values: bytes) -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, code, len(sizes), *sizes) + values


def make_idx() -> None:
    images = idx(0x08, (2, 2, 2), bytes(range(8)))
    write("idx", "images", images)
    write("idx", "images.gz", gzip.compress(images, mtime=0))
    write("idx", "labels", idx(0x08, (3,), bytes(3)))
    write("idx", "floats", idx(0x0D, (1, 1, 2, 1), struct.pack(">2f", 0.5, -1)))
    write("idx", "overflow", idx(0x0D, (0xFFFFFFFF,) * 4, b""))
    write("idx", "bomb.gz", gzip.compress(idx(0x08, (1 << 20,), bytes(1 << 20)), mtime=0))
    write("idx", "truncated.gz", gzip.compress(images, mtime=0)[:-6])


def make_hdf5() -> None:
    folder = SEEDS / "hdf5"
    folder.mkdir(parents=True, exist_ok=True)
    for name, group, options in (("plain.h5", "/", {}), ("nested.h5", "/model/federated", {}),
                                 ("packed.h5", "/", {"chunks": True, "compression": "gzip"})):
        with h5py.File(folder / name, "w") as file:
            for tensor, shape in TENSORS.items():
                file.require_group(group).create_dataset(
                    tensor, data=np.linspace(-1, 1, np.prod(shape), dtype="f4").reshape(shape),
                    **options)


def make_datasets() -> None:
    folder = SEEDS / "dataset"
    folder.mkdir(parents=True, exist_ok=True)
    packed = {"chunks": True, "compression": "gzip", "shuffle": True}
    for name, shape, kind, options in (("images.h5", (3, 4), "u1", {}),
                                       ("channels.h5", (2, 3, 2), ">f8", {"chunks": True}),
                                       ("rows.h5", (6,), "<i2", packed)):
        with h5py.File(folder / name, "w", libver="latest" if options else "earliest") as file:
            for part, count in (("train", 6), ("test", 3)):
                x = np.arange(count * np.prod(shape)).reshape(count, *shape) % 7
                file.create_dataset(f"{part}/x", data=x.astype(kind), **options)
                file.create_dataset(f"{part}/y", data=np.arange(count) % 2, **options)
            file["train/client"] = np.arange(6, dtype="u2") // 2
    with h5py.File(folder / "promise.h5", "w") as file:
        for part in ("train", "test"):
            file.create_dataset(f"{part}/x", (1 << 30, 4), "u1", chunks=(64, 4), fillvalue=1)
            file.create_dataset(f"{part}/y", (1 << 30,), "u1", chunks=(64,))


def main() -> None:
    for name, text in INI.items():
        write("ini", name, text.encode())
    make_idx()
    make_hdf5()
    make_datasets()


if __name__ == "__main__":
    main()
