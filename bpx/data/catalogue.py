"""The catalogue of data sets that `load` knows by name."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bpx._files import cache_folder
from bpx.data.digits import load_digits
from bpx.data.download import fetch
from bpx.data.files import PathLike
from bpx.data.places import as_folder, data_folder, find, mirror_url
from bpx.data.readers.idx import read_idx
from bpx.data.split import Dataset, HostArray, Split
from bpx.errors import FileFormatError, InputError, advice, nearest

__all__ = ["FILES", "SOURCES", "Source", "load"]

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""The files of a data set in MNIST's format, in this order; downloads end in ``.gz``."""

_LARGEST_PIXEL = 255


class Source(NamedTuple):
    """The download URLs of a data set in MNIST's format, and the contents its files must have.

    Attributes
    ----------
    mirrors : tuple of str
        Base URLs, tried in this order.
    checksums : tuple of str
        ``algorithm:hexdigest`` of each download (the ``.gz``), in the order of `FILES`.
    first_labels : tuple of int
        The first labels of the training file. They distinguish data sets of this format,
        which have files of the same names and sizes.
    counts : tuple of int
        The numbers of samples in the training file and in the test file.
    validation : int
        The number of samples at the end of the training file that are for validation.
    shape : tuple of int
        The rows and columns of an image.
    classes : int
        The number of classes; labels are 0 to classes - 1.
    """

    mirrors: tuple[str, ...]
    checksums: tuple[str, str, str, str]
    first_labels: tuple[int, ...]
    counts: tuple[int, int] = (60_000, 10_000)
    validation: int = 10_000
    shape: tuple[int, int] = (28, 28)
    classes: int = 10


SOURCES: Mapping[str, Source] = {
    "mnist": Source(
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        checksums=(
            "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        first_labels=(5, 0, 4, 1, 9, 2, 1, 3, 1, 4),
    ),
    "fashion_mnist": Source(
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        checksums=(
            "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "sha256:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "sha256:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        first_labels=(9, 0, 0, 3, 0, 2, 7, 2, 5, 5),
    ),
}
"""The table of data sets that can be downloaded."""

DatasetName: TypeAlias = Literal["digits", "mnist", "fashion_mnist"]
"""``digits``, and the keys of `SOURCES`; the keys of another table can be any text."""


def load(
    name: DatasetName | str,
    *,
    folder: PathLike | None = None,
    seed: int = 0,
    mirror: str | None = None,
    table: Mapping[str, Source] = SOURCES,
) -> Dataset:
    """Load a data set by its name: ``digits``, ``mnist`` or ``fashion_mnist``.

    Parameters
    ----------
    name : str
        ``digits`` comes with scikit-learn. The others are read from files: only in `folder`
        if it is given; otherwise in the folder that BPX_DATA names, in the cache
        (BPX_CACHE, else the platform's cache folder), or downloaded.
    folder : path or None
        A folder with the four files, plain or ``.gz``, or with a subfolder of the data
        set's name that has them.
    seed : int
        The seed for the split of ``digits``; the other splits are fixed.
    mirror : str or None
        The base URL to download from, by default BPX_MIRROR, else the known URLs. It has
        the same layout as `folder`, with ``.gz`` files.
    table : mapping of str to Source
        The data sets that are read from files.

    Returns
    -------
    Dataset
        x float32 of shape (n, 64) or (n, 784) in [0, 1]; y int32 of shape (n,), 0 to 9.
        As in the book, the first 50,000 images of MNIST's training file train, its last
        10,000 validate, and the test file tests.

    Raises
    ------
    InputError
        If the name is unknown, the folder lacks the files, a download fails, or a package
        is not installed; in that case the message has the command that installs it.
    FileFormatError
        If a file is truncated, of another format, or of another data set.

    Notes
    -----
    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", 1998 (MNIST); Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017.
    """
    if name == "digits":
        return load_digits(seed)
    if name not in table:
        _unknown(name, ["digits", *table])
    source = table[name]
    paths = _given(folder, name) if folder is not None else _sought(name, source, mirror)
    return _assemble(name, source, paths)


def _unknown(name: str, known: list[str]) -> NoReturn:
    raise InputError(
        f"there is no data set {name!r}{nearest(str(name), known)}; "
        f"known: {', '.join(sorted(known))}"
    )


def _given(folder: PathLike, name: str) -> list[Path]:
    place = as_folder(folder, advice("folder", "--data"))
    found = find(place, name, FILES)
    if found is None:
        raise InputError(
            f"neither {place} nor a subfolder {name!r} has all the files of {name!r}; "
            f"expected {', '.join(FILES)}, each plain or .gz: add them, or omit "
            f"{advice('folder', '--data')} to download them"
        )
    return found


def _sought(name: str, source: Source, mirror: str | None) -> list[Path]:
    shared = data_folder()
    found = find(shared, name, FILES) if shared is not None else None
    return found or list(_fetched(name, source, mirror or mirror_url()))


def _fetched(name: str, source: Source, mirror: str | None) -> Iterator[Path]:
    place = cache_folder() / name
    bases = (f"{mirror.rstrip('/')}/{name}", mirror) if mirror else source.mirrors
    for file, checksum in zip(FILES, source.checksums, strict=True):
        urls = [f"{base.rstrip('/')}/{file}.gz" for base in bases]
        yield fetch(place / f"{file}.gz", checksum, urls)


def _assemble(name: str, source: Source, paths: Sequence[Path]) -> Dataset:
    x, y = _pair(source, paths[:2], source.counts[0])
    _check_identity(name, source, y, paths[1])
    test = _pair(source, paths[2:], source.counts[1])
    cut = len(x) - source.validation
    return Dataset(name, Split(x[:cut], y[:cut]), Split(x[cut:], y[cut:]), Split(*test))


def _pair(
    source: Source, paths: Sequence[Path], count: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    images, labels = paths
    y = _read(labels, (count,))
    if y.max(initial=0) >= source.classes:
        raise FileFormatError(
            f"{labels} has the label {y.max()}; expected 0 to {source.classes - 1}: "
            "the files belong to another data set"
        )
    pixels = _read(images, (count, *source.shape)).reshape(count, -1)
    x = pixels.astype(np.float32)
    x /= _LARGEST_PIXEL
    return x, y.astype(np.int32)


def _read(path: Path, shape: tuple[int, ...]) -> HostArray:
    values = read_idx(path)
    if values.dtype != np.uint8 or values.shape != shape:
        raise FileFormatError(
            f"{path} holds {values.dtype} of shape {values.shape}; expected uint8 of shape "
            f"{shape}: the file belongs to another data set, or is incomplete"
        )
    return values


def _check_identity(name: str, source: Source, y: NDArray[np.int32], path: Path) -> None:
    first = tuple(y[: len(source.first_labels)].tolist())
    if first != source.first_labels:
        raise FileFormatError(
            f"{path} starts with the labels {first}; expected {source.first_labels}: the files "
            f"belong to another data set with the same file names; put those of {name!r} into "
            f"a subfolder {name!r}"
        )
