"""The samples of a command, from a named data set or a file."""

import os
from pathlib import PurePath
from typing import Any

import bpx
from bpx.cli import splits
from bpx.data import Dataset, Split
from bpx.data.catalogue import SOURCES

__all__ = [
    "VALIDATION_FRACTION",
    "check_width",
    "dataset",
    "has_name",
    "part",
    "read_inputs",
]

VALIDATION_FRACTION = 0.2

_NAMES = ("digits", *SOURCES)


def has_name(data: str) -> bool:
    """Whether `data` is the name of a known data set."""
    return data in _NAMES


def dataset(
    data: str,
    *,
    folder: str | None = None,
    target: str | None = None,
    inputs: str | None = None,
) -> Dataset:
    """Return a data set by name, or all samples of a file as its `train` split.

    Parameters
    ----------
    data : str
        A name, or the path of a file with targets that `bpx.data.read` can read.
    folder : str, optional
        The folder with a named data set's files.
    target : str, optional
        The column (name or index) or the NPZ key of a file's targets.
    inputs : str, optional
        The NPZ key of a file's samples.

    Raises
    ------
    InputError
        If the data set or file does not exist, has no targets, or does not take an option.
    """
    if not has_name(data) and _looks_like_a_file(data):
        return Dataset(data, _read(data, target, folder, inputs), None, None)
    if target is not None and has_name(data):
        raise bpx.InputError(
            f"--target {target} was given, but {data} has its own targets; omit --target"
        )
    if inputs is not None and has_name(data):
        raise bpx.InputError(
            f"--inputs {inputs} was given, but {data} has its own inputs; omit --inputs"
        )
    return bpx.data.load(data, folder=folder)


def part(data: Dataset, split: str | None, run: dict[str, Any] | None, outputs: int) -> Split:
    """Return the samples to evaluate a network on.

    Parameters
    ----------
    data : Dataset
    split : {"train", "validation", "test", None}
        None for all samples of a file; a named data set has all three splits.
    run : dict or None
        The settings of the run that made the network, from which its split is redrawn.
    outputs : int
        The number of outputs of the network.

    Raises
    ------
    InputError
        If there is no such split, or it cannot be redrawn.
    """
    if split is None:
        return data.train
    if has_name(data.name):
        chosen: Split = getattr(data, split)
        return chosen
    of = splits.classes(data.train.y, outputs)
    rows = splits.drawn_rows(data.name, len(data.train.x), split, run, of)
    return splits.at(data.train, rows)


def read_inputs(path: str, target: str | None, width: int, inputs: str | None = None) -> Any:
    """Return the inputs in a file, shape (n, width), without the column `target`.

    In an NPZ file, `inputs` is their key.

    Raises
    ------
    InputError
        If there is no such file or column, or the samples do not have `width` numbers.
    """
    column = None if target is None else _column(target)
    x = bpx.data.read(path, inputs=inputs, target=column).x
    check_width(path, x, width)
    return x


def check_width(data: str, x: Any, width: int) -> None:
    """Raise InputError if a network cannot take the samples.

    Raises
    ------
    InputError
        If they do not have `width` numbers each.
    """
    if x.shape[1] != width:
        raise bpx.InputError(
            f"the samples of {data} have {x.shape[1]} numbers, but the network takes {width}; "
            "expected samples like those it was trained on (--target names a column of a table "
            "that is not an input)"
        )


def _looks_like_a_file(data: str) -> bool:
    return bool(PurePath(data).suffix) or os.sep in data or os.path.exists(data)


def _read(path: str, target: str | None, folder: str | None, inputs: str | None) -> Split:
    if folder is not None:
        raise bpx.InputError(f"--data {folder} was given with the file {path}; give only one")
    chosen = (
        bpx.data.read(path, inputs=inputs)
        if target is None
        else bpx.data.read(path, inputs=inputs, target=_column(target))
    )
    if chosen.y is None:
        raise bpx.InputError(
            f"{path} has no targets; expected a .csv or .tsv table (--target names the column, "
            "by default the last), or an .npz file with the arrays x and y (or those that "
            "--inputs and --target name)"
        )
    if not len(chosen.x):
        raise bpx.InputError(f"{path} has no samples; expected at least one")
    return chosen


def _column(target: str) -> int | str:
    return int(target) if target.removeprefix("-").isdecimal() else target
