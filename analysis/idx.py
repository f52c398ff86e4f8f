"""Read IDX files, the format of MNIST, plain and gzipped."""

import gzip
import struct
from pathlib import Path
from typing import Tuple

import numpy as np

from .errors import ResultsError

_UNSIGNED_BYTE = 8


def read_training_set(folder: Path) -> Tuple[np.ndarray, np.ndarray]:
    """The training images [sample, row, column] and labels [sample] in a folder."""
    images = read_idx(_find(folder, "train-images-idx3-ubyte"))
    labels = read_idx(_find(folder, "train-labels-idx1-ubyte"))
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise ResultsError(
            f"{folder}: images {images.shape} and labels {labels.shape} do not belong together"
        )
    return images, labels


def read_idx(path: Path) -> np.ndarray:
    """The array of unsigned bytes in an IDX file."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        zero, kind, dimensions = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{dimensions}I", content, 4)
        if zero != 0 or kind != _UNSIGNED_BYTE:
            raise ValueError("no unsigned bytes")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise ResultsError(f"{path}: not a readable IDX file ({error})") from error


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise ResultsError(f"{folder}: no {name} or {name}.gz in it")
