"""Which columns of a table are those of another: by name, or by place where there are none."""

from collections.abc import Collection, Sequence

from bpx.data.tables.table import Table, in_words, listed
from bpx.errors import InputError, option, warn

__all__ = ["by_name", "by_place", "check_named"]


def by_name(table: Table, names: Sequence[str], known: Collection[str]) -> list[int]:
    """The index of each column of these names, in any order.

    A column that is not among the known ones is named in a `bpx.DataWarning`.

    Raises
    ------
    InputError
        Naming the columns that are missing.
    """
    missing = [name for name in names if name not in table.names]
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

    Raises
    ------
    InputError
        If the table has another number of columns.
    """
    places, learned = [int(name) for name in names], -1 if target is None else int(target)
    width = 1 + max(*places, *map(int, left_out), learned)
    if len(table.columns) == width:
        return places
    if target is not None and len(table.columns) == width - 1:
        return [place - (place > learned) for place in places]
    raise InputError(
        f"{table.label} has {len(table.columns)} columns; expected {width}, as the table that "
        "the network was trained on, which had no header"
        + ("" if target is None else f", or {width - 1} without the target")
    )


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
        raise InputError(
            f"{table.label} has a header, and the network was trained on a table without one, "
            f"whose columns it finds by their place; say {option('header', False)} if the "
            "first line is a sample, or remove it"
        )
