"""Write a network's predictions as CSV or NPY, atomically."""

import csv
import io
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import click
import numpy as np

import bpx
from bpx._files import expanded, write_atomically
from bpx.cli.tables import columns
from bpx.data import Table
from bpx.data.tables.column import as_text
from bpx.data.tables.plausible import ALL
from bpx.errors import option
from bpx.model.outputs import are_probable, check_classes

__all__ = ["check_place", "write", "write_table"]

STDOUT = "-"

_DIGITS = {"float32": 9, "float64": 17}  # enough to restore the same number


def check_place(out: str, given: str) -> None:
    """Raise InputError, before anything is computed, if `write` must not write to `out`.

    Parameters
    ----------
    out : str
    given : str
        The file of the inputs, which stays as it is.

    Raises
    ------
    InputError
        If the suffix is neither ``.csv`` nor ``.npy`` and `out` is not ``-``, or if `out` is
        the file of the inputs, by this path or by another.
    """
    if out == STDOUT:
        return
    if Path(out).suffix.lower() not in (".csv", ".npy"):
        raise bpx.InputError(
            f"--out {out} was given; expected a name that ends in .csv or .npy, or - for CSV "
            "on standard output"
        )
    with suppress(OSError):  # one that is not there is no other
        if expanded(out).samefile(expanded(given)):
            raise bpx.InputError(
                f"--out {out} is the file of the inputs, {given}, which the predictions would "
                "replace; choose another file"
            )


def write(out: str, answers: Any) -> None:
    """Write labels, shape (n,), or outputs, shape (n, k), with one row for each sample.

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


def write_table(
    out: str, network: bpx.Network, table: Table, *, labels: bool, keep: tuple[str, ...]
) -> None:
    """Write a network's predictions for a table, with a header and one row for each table row.

    Parameters
    ----------
    out : str
    network : Network
        A network with a schema.
    table : Table
    labels : bool
        Write the classes without their probabilities, or the scores that outputs are which
        do not lie between 0 and 1.
    keep : tuple of str
        Columns of the table to write first; ``("all",)`` for every column.

    Raises
    ------
    InputError
        If the table lacks one of the columns, or the file cannot be written.
    """
    kept = _kept(table, keep)
    taken = () if kept is None else kept.names
    # A column that the user asked for needs no warning that the network ignores it.
    known = network.schema.known if network.schema else ()
    table = table.without([name for name in taken if name not in known])
    answers = _answers(network, table, labels, taken)
    if out.lower().endswith(".npy"):
        _refuse_kept(keep)
        write(out, network.classify(table) if labels else network.predict(table))
        return
    front = [] if kept is None else list(kept.columns)
    text = _as_csv(
        [*(column.name for column in front), *answers],
        [*(column.texts() for column in front), *answers.values()],
    )
    if out == STDOUT:
        click.echo(text, nl=False)
        return
    with write_atomically(Path(out)) as file:
        file.write(text.encode())


def _kept(table: Table, keep: tuple[str, ...]) -> Table | None:
    chosen = columns(table, keep)
    return table if chosen == ALL else table.only(chosen) if chosen else None


def _answers(
    network: bpx.Network, table: Table, labels: bool, taken: tuple[str, ...]
) -> dict[str, list[str]]:
    """Return the columns of the result, by name."""
    target = network.schema.target if network.schema else None
    name = target.name if target else "prediction"
    name = f"predicted {name}" if name in taken else name
    if target is not None and target.classes and labels:
        return {name: [as_text(each) for each in network.classify(table).tolist()]}
    outputs = network.predict(table)
    if target is None or not target.classes:
        if labels:
            check_classes(network.spec)
        return {name: list(map(repr, outputs[:, 0].tolist()))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bpx.DataWarning)  # those of predict are the same
        found = {name: [as_text(each) for each in network.classify(table).tolist()]}
    probable, names = are_probable(network.spec), target.names()
    if outputs.shape[1] == 1:  # of two classes, it tells of the second
        outputs = np.concatenate([1.0 - outputs, outputs], axis=1) if probable else outputs
        names = names[-outputs.shape[1] :]
    digits = _DIGITS[outputs.dtype.name]
    for each, column in zip(names, outputs.T, strict=True):
        name = f"p({each})" if probable else f"score({each})"
        found[name] = [f"{a:.{digits}g}" for a in column.tolist()]
    return found


def _as_csv(head: list[str], columns: list[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _refuse_kept(keep: tuple[str, ...]) -> None:
    if keep:
        raise bpx.InputError(
            f"{option('keep', keep)} was given with a .npy file, which has no named columns; "
            "expected --out FILE.csv"
        )


def _write_csv(file: IO[Any], answers: Any) -> None:
    digits = _DIGITS.get(answers.dtype.name)
    form = "%d" if digits is None else f"%.{digits}g"
    np.savetxt(file, answers, fmt=form, delimiter=",")
