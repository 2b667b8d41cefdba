"""Guess a table's target: the last column, unless that is implausible."""

from bpx.data.tables.column import Column
from bpx.data.tables.table import Table, listed
from bpx.errors import InputError, option

__all__ = ["guess_target"]

_NAMES = ("target", "label", "class", "y", "labels", "classes", "targets")


def guess_target(table: Table) -> str:
    """Return the name of the last column.

    Raises
    ------
    InputError
        If there is only one column, another column has a typical target's name, or another
        column looks like classes and the last does not.
    """
    if len(table.columns) < 2:
        raise InputError(
            f"{table.label} has one column; expected one for the target and at least one more "
            f"for the inputs: if the cells have another delimiter, pass it as "
            f"{option('delimiter', ';')}"
        )
    *others, last = table.columns
    key = last.name if table.names.count(last.name) == 1 else str(len(others))
    if last.name.lower() in _NAMES:
        return key
    called = [c.name for c in others if c.name.lower() in _NAMES]
    if called:
        raise InputError(
            f"{table.label} has a column called {called[0]!r}, but the last one is called "
            f"{last.name!r}, so the target is ambiguous: pass "
            f"{option('target', called[0])} or {option('target', key)}"
        )
    _check_likely(table, others, last, key)
    return key


def _check_likely(table: Table, others: list[Column], last: Column, key: str) -> None:
    """Raise InputError if the last column holds numbers and another one looks like classes."""
    texts = [column for column in others if column.kind == "category"]
    wordless = not last.is_text and last.kind != "boolean"
    likely = texts if len(texts) == 1 and wordless and not _few(last) else []
    if not table.named and wordless and not texts and _few(others[0]):
        likely = [others[0]]
    if likely:
        name = likely[0].name or "0"
        have = len(likely[0].distinct)
        values = last.labels()
        holds = (
            f"holds {len(values)} different numbers"
            if len(values) > 1
            else f"is always {values[0]}"
            if values
            else "is empty"
        )
        raise InputError(
            f"the last column of {table.label}, {last.name!r}, {holds}, but column {name!r} "
            f"looks like classes ({have} of them: "
            f"{listed(likely[0].labels(), 5)}), so the target is ambiguous: pass "
            f"{option('target', name)} or {option('target', key)}"
        )


def _few(column: Column) -> bool:
    """Whether a column has so few distinct whole numbers that they look like classes."""
    found = column.distinct
    if column.kind != "number" or column.missing.any():
        return False
    whole = bool((found == found.round()).all())
    return whole and 2 <= len(found) <= max(2, len(column) // 20)
