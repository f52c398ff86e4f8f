"""What a golden file is made of, and how it is written, read and compared.

A `Golden` maps HDF5 paths to arrays, and object paths to attributes. The parts
(mlp.py, cnn.py, layers.py, server.py, clients.py, optimizers.py) fill one each; make_golden.py writes
and checks them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

COMPRESS_FROM_BYTES = 8192


@dataclass
class Golden:
    """The contents of one golden file: path -> array, and path -> attributes."""

    data: dict[str, np.ndarray] = field(default_factory=dict)
    attrs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, group: str, **arrays: Any) -> None:
        """Add arrays below `group`."""
        self.put_all(group, arrays)

    def put_all(self, group: str, arrays: dict[str, Any]) -> None:
        """Add arrays below `group`; names may have dots (`fc1.weight`)."""
        for name, value in arrays.items():
            path = f"{group}/{name}"
            if path in self.data:
                raise ValueError(f"{path} is there already")
            self.data[path] = np.asarray(value)

    def describe(self, path: str, **attributes: Any) -> None:
        """Add attributes to the group or data set at `path`."""
        self.attrs.setdefault(path, {}).update(attributes)


def write(golden: Golden, file: Path) -> None:
    """Write `golden` to `file`, compactly and readable from HDF5 1.8 on."""
    with h5py.File(file, "w", libver=("v108", "v110")) as f:
        for path, value in golden.data.items():
            big = value.nbytes >= COMPRESS_FROM_BYTES
            options = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
            f.create_dataset(path, data=value, **(options if big else {}))
        for path, attributes in golden.attrs.items():
            target = f[path] if path in f else f.create_group(path)
            target.attrs.update(attributes)


def read(file: Path) -> Golden:
    """Read a whole golden file."""
    golden = Golden()

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            golden.data[f"/{name}"] = item[()]
        if item.attrs:
            golden.describe(f"/{name}", **dict(item.attrs))

    with h5py.File(file, "r") as f:
        golden.describe("/", **dict(f.attrs))
        f.visititems(visit)
    return golden


def differences(new: Golden, old: Golden, tolerance: float) -> list[str]:
    """What differs between two golden files, one line each.

    Integers must be equal; real numbers may differ by `tolerance * (1 + |old|)`.
    """
    found = [f"{p}: not in the file" for p in new.data.keys() - old.data.keys()]
    found += [f"{p}: no longer made" for p in old.data.keys() - new.data.keys()]
    for path in sorted(new.data.keys() & old.data.keys()):
        a, b = np.asarray(new.data[path]), np.asarray(old.data[path])
        if a.shape != b.shape or a.dtype != b.dtype:
            found.append(f"{path}: {a.dtype}{a.shape}, in the file {b.dtype}{b.shape}")
        elif not np.allclose(a, b, rtol=tolerance if a.dtype.kind == "f" else 0,
                             atol=tolerance if a.dtype.kind == "f" else 0):
            gap = np.max(np.abs(a.astype(np.float64) - b.astype(np.float64)))
            found.append(f"{path}: differs by up to {gap:.3g}")
    for path in sorted(new.attrs.keys() | old.attrs.keys()):
        a, b = new.attrs.get(path, {}), old.attrs.get(path, {})
        found += [f"{path}: attribute {name} differs" for name in sorted(a.keys() | b.keys())
                  if not np.array_equal(a.get(name), b.get(name))]
    return found
