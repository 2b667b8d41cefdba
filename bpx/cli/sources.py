"""The samples of a command, from a named data set or a file."""

import os
from pathlib import PurePath
from typing import Any

import numpy as np

import bpx
from bpx.data import Dataset, Split
from bpx.data.catalogue import SOURCES

__all__ = [
    "VALIDATION_FRACTION",
    "check_width",
    "dataset",
    "drawn_rows",
    "has_name",
    "held_rows",
    "hold_out",
    "part",
    "read_inputs",
]

VALIDATION_FRACTION = 0.2

_NAMES = ("digits", *SOURCES)
_STREAM = 0x686F6C64  # separates this draw from others with the same seed


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


def hold_out(whole: Split, fraction: float, seed: int) -> tuple[Split, Split | None]:
    """Split the samples of a file into training samples and a fraction for validation.

    Parameters
    ----------
    whole : Split
        The samples, at least one.
    fraction : float
        In [0, 1). Above 0, each part has at least one sample.
    seed : int
        The same seed draws the same samples (with the same NumPy version).

    Returns
    -------
    tuple of Split and (Split or None)
        The training samples, and the validation samples if any, in their original order.
    """
    rest, held = held_rows(len(whole.x), fraction, seed)
    return (_rows(whole, rest), _rows(whole, held)) if len(held) else (whole, None)


def held_rows(n: int, fraction: float, seed: int) -> tuple[Any, Any]:
    """Return the sorted indices of the training rows, and of those held out by `hold_out`."""
    count = min(max(1, round(fraction * n)), n - 1) if fraction else 0
    order = np.random.Generator(np.random.Philox([seed, _STREAM])).permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


def part(data: Dataset, split: str | None, run: dict[str, Any] | None) -> Split:
    """Return the samples to evaluate a network on.

    Parameters
    ----------
    data : Dataset
    split : {"train", "validation", "test", None}
        None for all samples of a file; a named data set has all three splits.
    run : dict or None
        The settings of the run that made the network, from which its split is redrawn.

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
    return _rows(data.train, drawn_rows(data.name, len(data.train.x), split, run))


def drawn_rows(name: str, n: int, split: str, run: dict[str, Any] | None) -> Any:
    """Return the rows of a file's n samples that a run trained or validated on.

    Raises
    ------
    InputError
        If the split cannot be redrawn.
    """
    if split == "test" or run is None:
        raise bpx.InputError(
            f"--split {split} was given for the file {name}; expected no --split (for all "
            "samples), or train or validation with the folder of the run that drew them"
        )
    seen = run["samples"]["train"] + run["samples"].get("validation", 0)
    if seen != n:
        raise bpx.InputError(
            f"{name} has {n} samples, but the run had {seen}, so its split "
            "cannot be drawn again; expected the same file, or no --split"
        )
    rest, held = held_rows(n, run.get("validation_fraction", 0.0), run["seed"])
    if split == "validation" and not len(held):
        raise bpx.InputError("the run held no samples out; expected --split train, or none")
    return rest if split == "train" else held


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


def _rows(whole: Split, rows: Any) -> Split:
    return Split(whole.x[rows], None if whole.y is None else whole.y[rows])
