"""A tiny data set in MNIST's form: its files, and where they come from."""

import gzip
import hashlib
import struct

import numpy as np

from bpx.data import Dataset, Split
from bpx.data.catalogue import FILES, Source

COUNTS = (7, 3)


def idx_bytes(array):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 0x08, array.ndim]) + shape + array.tobytes()


def contents(first_label=5):
    """The four files of a tiny data set, in the order of FILES."""
    parts = []
    for count in COUNTS:
        images = np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3)
        images[-1, -1, -1] = 255
        labels = (np.arange(count, dtype=np.uint8) + first_label) % 10
        parts += [idx_bytes(images), idx_bytes(labels)]
    return parts


def packed(first_label=5):
    return [gzip.compress(data, mtime=0) for data in contents(first_label)]


def source(mirrors=(), first_label=5, algorithm="sha256"):
    digests = [hashlib.new(algorithm, data).hexdigest() for data in packed(first_label)]
    return Source(
        mirrors=tuple(mirrors),
        checksums=tuple(f"{algorithm}:{digest}" for digest in digests),
        first_labels=(first_label, (first_label + 1) % 10),
        counts=COUNTS,
        validation=2,
        shape=(2, 3),
    )


def fill(folder, files, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in zip(FILES, files, strict=True):
        (folder / f"{name}{suffix}").write_bytes(data)
    return folder


def assert_tiny(dataset, name="tiny"):
    assert isinstance(dataset, Dataset)
    assert dataset.name == name
    assert [part.x.shape for part in dataset[1:]] == [(5, 6), (2, 6), (3, 6)]
    assert [part.y.tolist() for part in dataset[1:]] == [[5, 6, 7, 8, 9], [0, 1], [5, 6, 7]]
    whole = np.concatenate([dataset.train.x, dataset.validation.x])
    expected = np.arange(42, dtype=np.float32).reshape(7, 6) / np.float32(255)
    expected[-1, -1] = 1
    np.testing.assert_array_equal(whole, expected)
    for part in dataset[1:]:
        assert isinstance(part, Split)
        assert part.x.dtype == np.float32
        assert part.y.dtype == np.int32
        assert part.x.flags.c_contiguous
        assert part.x.flags.writeable


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else None
