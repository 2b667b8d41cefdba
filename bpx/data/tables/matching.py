"""Match a table's columns with those of training, by name or, without names, by position."""

from collections.abc import Collection, Sequence

from bpx.data.tables.table import Table, in_words, listed
from bpx.errors import InputError, option, warn

__all__ = ["by_name", "by_place", "check_named", "has_target"]


def by_name(table: Table, names: Sequence[str], known: Collection[str]) -> list[int]:
    """Return the index of each named column; the table may have them in any order.

    A `bpx.DataWarning` names the columns that are not known.

    Raises
    ------
    InputError
        If columns are missing; the message names them.
    """
    there = {*table.names}
    missing = [name for name in names if name not in there]
    if missing:
        raise InputError(
            f"{table.label} lacks {in_words(missing)}, which the network takes; it has "
            f"{listed(table.names)}"
        )
    unknown = [name for name in table.names if name not in known]
    if unknown:
        warn(f"{table.label} has {in_words(unknown)}, which the network does not use")
    return [table.position(name) for name in names]


def by_place(
    table: Table, names: Sequence[str], target: str | None, left_out: Sequence[str]
) -> list[int]:
    """Return the columns' positions in training, shifted by one after a missing target.

    If columns were dropped from the table, the others still keep their original indices.

    Raises
    ------
    InputError
        If the number of columns differs from training, or required columns were dropped.
    """
    known = {*names, *left_out, *([] if target is None else [target])}
    if not table.named and _is_part(table):
        return by_name(table, names, known)
    places, learned = [int(name) for name in names], -1 if target is None else int(target)
    width = _width(known)
    if len(table.columns) == width:
        return places
    if target is not None and len(table.columns) == width - 1:
        return [place - (place > learned) for place in places]
    raise InputError(
        f"{table.label} has {len(table.columns)} columns; expected {width}, like the table "
        "that the network was trained on, which had no header"
        + ("" if target is None else f", or {width - 1} without the target")
    )


def has_target(table: Table, target: str, known: Collection[str]) -> bool:
    """Whether a table has the target, judged by its name or, without names, by its width."""
    if table.named or _is_part(table):
        return target in table.names
    return len(table.columns) == _width(known)


def _is_part(table: Table) -> bool:
    """Whether columns were dropped from a table without names."""
    return table.names != tuple(map(str, range(len(table.columns))))


def _width(known: Collection[str]) -> int:
    """Return the number of columns of the training table, which had no names."""
    return 1 + max(map(int, known))


def check_named(table: Table, named: bool, names: Sequence[str]) -> None:
    """Raise InputError if only one of the table and the training table has a header.

    Raises
    ------
    InputError
        If they differ in this; the message says which form is expected.
    """
    if named and not table.named:
        raise InputError(
            f"{table.label} has no header, but the network finds its columns by name; expected "
            f"a first line with the names, among them {listed(names)}"
        )
    if table.named and not named:
        way = (
            f"pass {option('header', False)} if the first line is a sample, or remove it"
            if table.layout
            else "give the columns as an array, in the order of training"
        )
        raise InputError(
            f"{table.label} has names, but the network was trained on a table without a "
            f"header and finds columns by position; {way}"
        )
