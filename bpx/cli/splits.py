"""Which samples of a file a run holds out: drawn with its seed, and drawn again to evaluate."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

import bpx
from bpx.cli.settings import kind_of_targets
from bpx.data import Column, Split, Table
from bpx.data.tables.target import Task, fit_target, task_of
from bpx.training import held_out

__all__ = [
    "DRAWN",
    "at",
    "classes",
    "classes_of_column",
    "drawn_rows",
    "held_before",
    "held_rows",
    "hold_out",
]

DRAWN = "by class"
"""How samples are held out. Earlier versions had no word for it: see `held_before`."""

_STREAM = 0x686F6C64


def hold_out(
    whole: Split, fraction: float, seed: int, outputs: int
) -> tuple[Split, Split | None]:
    """Split the samples of a file into training samples and a fraction for validation.

    Parameters
    ----------
    whole : Split
        The samples, at least one.
    fraction, seed
        As for `held_rows`.
    outputs : int
        The number of outputs of the network.

    Returns
    -------
    tuple of Split and (Split or None)
        The training samples, and the validation samples if any, in their original order.
    """
    rest, held = held_rows(len(whole.x), fraction, seed, classes(whole.y, outputs))
    return (at(whole, rest), at(whole, held)) if len(held) else (whole, None)


def held_rows(n: int, fraction: float, seed: int, of: Any = None) -> tuple[Any, Any]:
    """Return the rows to train on, and those to hold out, as ``validation_split`` draws them.

    Parameters
    ----------
    n : int
        The number of samples.
    fraction : float
        In [0, 1). Above 0, each part has at least one row, if there are two.
    seed : int
    of : array, shape (n,), optional
        The class of each sample.
    """
    if not fraction or n < 2:
        return np.arange(n), np.arange(0)
    return held_out.held_rows(n, fraction, seed, of)


def held_before(n: int, fraction: float, seed: int) -> tuple[Any, Any]:
    """Return the rows that earlier versions trained on and held out, whatever their classes."""
    count = min(max(1, round(fraction * n)), n - 1) if fraction else 0
    order = np.random.Generator(np.random.Philox([seed, _STREAM])).permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


def classes(y: Any, outputs: int) -> Any:
    """Return the class of each sample, shape (n,), or None if the targets are numbers."""
    kind = kind_of_targets(y, outputs)
    if kind == "classes":
        return y if y.ndim == 1 else y.argmax(axis=1)
    return y.reshape(-1) if kind == "binary" and y.size == len(y) else None


def classes_of_column(column: Column, table: Table, task: Task | None) -> Any:
    """Return the class of each row by its target, or None if that is learned as numbers."""
    if (task or task_of(column, table)) != "classes":
        return None
    target = fit_target(column, "classes", "none", np.arange(len(column)))
    return target.encode(column, table.label)


def drawn_rows(name: str, n: int, split: str, run: dict[str, Any] | None, of: Any) -> Any:
    """Return the rows of a file's n samples, of these classes, that a run trained or held out.

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
    seen, fraction, seed = _drawn_by(run)
    if seen != n:
        raise bpx.InputError(
            f"{name} has {n} samples, but the run had {seen}, so its split "
            "cannot be drawn again; expected the same file, or no --split"
        )
    drawn = run.get("drawn")
    if drawn not in (DRAWN, None):
        raise bpx.InputError(
            f"the run has drawn = {drawn!r}, which this version of bpx does not know; expected "
            "no --split, or the version that made the run"
        )
    rest, held = held_rows(n, fraction, seed, of) if drawn else held_before(n, fraction, seed)
    if split == "validation" and not len(held):
        raise bpx.InputError("the run held no samples out; expected --split train, or none")
    return rest if split == "train" else held


def _drawn_by(run: Mapping[str, Any]) -> tuple[int, float, int]:
    """Return a run's number of samples, the fraction that it held out, and its seed."""
    samples = run.get("samples")
    counts = samples if isinstance(samples, dict) else {}
    train, held = counts.get("train"), counts.get("validation", 0)
    fraction, seed = run.get("validation_fraction", 0.0), run.get("seed")
    whole = all(type(each) is int and each >= 0 for each in (train, held, seed))
    if not (whole and type(fraction) in (int, float) and 0.0 <= fraction < 1.0):
        raise bpx.FileFormatError(
            "the run's run.toml does not say which samples were drawn, with its samples, "
            "validation_fraction and seed; expected the folder of a run of bpx train, as it "
            "was written, or no --split"
        )
    return cast(int, train) + held, fraction, cast(int, seed)


def at(whole: Split, rows: Any) -> Split:
    """Return the samples in some rows."""
    return Split(whole.x[rows], None if whole.y is None else whole.y[rows])
