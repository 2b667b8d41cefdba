"""Writing what a network answers: CSV or NPY, at once or not at all."""

import sys
from pathlib import Path
from typing import IO, Any

import numpy as np

import bpx
from bpx._files import write_atomically

__all__ = ["check_place", "write"]

STDOUT = "-"

_DIGITS = {"float32": 9, "float64": 17}  # enough to read the same number back


def check_place(out: str) -> None:
    """Refuse a place that `write` has no format for, before anything is computed.

    Raises
    ------
    InputError
        If the suffix is neither ``.csv`` nor ``.npy`` and `out` is not ``-``.
    """
    if out != STDOUT and Path(out).suffix.lower() not in (".csv", ".npy"):
        raise bpx.InputError(
            f"--out {out} was given; expected a name that ends in .csv or .npy, or - for CSV "
            "on standard output"
        )


def write(out: str, answers: Any) -> None:
    """Write labels, shape (n,), or outputs, shape (n, k): one line or row for each sample.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if out == STDOUT:
        _write_csv(sys.stdout, answers)
        return
    with write_atomically(Path(out)) as file:
        if out.lower().endswith(".npy"):
            np.save(file, answers)
        else:
            _write_csv(file, answers)


def _write_csv(file: IO[Any], answers: Any) -> None:
    digits = _DIGITS.get(answers.dtype.name)
    form = "%d" if digits is None else f"%.{digits}g"
    np.savetxt(file, answers, fmt=form, delimiter=",")
