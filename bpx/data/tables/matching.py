"""Which columns of a table are those of another: by name, or by place where there are none."""

from collections.abc import Collection, Sequence

from bpx.data.tables.table import Table, in_words, listed
from bpx.errors import InputError, option, warn

__all__ = ["by_name", "by_place", "check_named", "has_target"]


def by_name(table: Table, names: Sequence[str], known: Collection[str]) -> list[int]:
    """The index of each column of these names, in any order.

    A column that is not among the known ones is named in a `bpx.DataWarning`.

    Raises
    ------
    InputError
        Naming the columns that are missing.
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
        warn(
            f"{table.label} has {in_words(unknown)}, which the network does not take: not used"
        )
    return [table.position(name) for name in names]


def by_place(
    table: Table, names: Sequence[str], target: str | None, left_out: Sequence[str]
) -> list[int]:
    """The places of training: one less behind the target where the table is without it.

    A table of which columns were left out still knows the places of the others.

    Raises
    ------
    InputError
        If the table has another number of columns, or columns that are needed were left out.
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
        f"{table.label} has {len(table.columns)} columns; expected {width}, as the table that "
        "the network was trained on, which had no header"
        + ("" if target is None else f", or {width - 1} without the target")
    )


def has_target(table: Table, target: str, known: Collection[str]) -> bool:
    """Whether a table has the target: by its name or, without names, by its width."""
    if table.named or _is_part(table):
        return target in table.names
    return len(table.columns) == _width(known)


def _is_part(table: Table) -> bool:
    """Whether columns of a table without names were left out."""
    return table.names != tuple(map(str, range(len(table.columns))))


def _width(known: Collection[str]) -> int:
    """How many columns the table of training had, which had no names."""
    return 1 + max(map(int, known))


def check_named(table: Table, named: bool, names: Sequence[str]) -> None:
    """Refuse a table without a header where names are known, and the reverse.

    Raises
    ------
    InputError
        Saying how the table must be.
    """
    if named and not table.named:
        raise InputError(
            f"{table.label} has no header, and the network finds its columns by name; expected "
            f"a first line with the names, among them {listed(names)}"
        )
    if table.named and not named:
        way = (
            f"say {option('header', False)} if the first line is a sample, or remove it"
            if table.layout
            else "give the columns as an array, in the order of training"
        )
        raise InputError(
            f"{table.label} has names, and the network was trained on a table without a "
            f"header, whose columns it finds by their place; {way}"
        )
