"""What a check found: a row for each equation, a table, and the error that names the first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bpx._typing import Array
from bpx.errors import CheckError
from bpx.inspect.checks.differences import Slope, deviation

__all__ = ["Report", "Row", "by_sample", "by_unit", "compared", "table"]


class Row(NamedTuple):
    """One thing that was checked.

    Attributes
    ----------
    equation : str
        Such as "sigma'", "grad_a" or "BP2".
    layer : int or None
        Counted from 1; None for a part by itself.
    part : str
        Whose it is: the name of an activation, a cost or a feedback.
    ok : bool
        Whether it is right, as far as one can tell.
    deviation, tolerance : float or None
        The largest relative deviation, which is the distance of what was given from what was
        expected, over the larger of the two; and what is allowed. None where what is checked
        is not a number.
    where : str
        Where the deviation is largest, or what is wrong.
    points, skipped : int
        How many numbers were looked at, and how many of them have no derivative: kinks, and
        where the differences do not settle.
    warning : bool
        Whether `where` is worth reading though `ok` is true.
    """

    equation: str
    layer: int | None
    part: str
    ok: bool
    deviation: float | None = None
    tolerance: float | None = None
    where: str = ""
    points: int = 0
    skipped: int = 0
    warning: bool = False

    @property
    def place(self) -> str:
        """The equation, its layer and its part, in words."""
        layer = [] if self.layer is None else [f"layer {self.layer}"]
        return ", ".join((self.equation, *layer, self.part))


@dataclass(frozen=True)
class Report:
    """What was checked, row by row; ``str(report)`` is a table.

    Attributes
    ----------
    title : str
        What was checked, and where.
    rows : tuple of Row
    notes : tuple of str
        What was not checked, and why.
    """

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong

    @property
    def wrong(self) -> tuple[Row, ...]:
        """The rows that are not ok."""
        return tuple(row for row in self.rows if not row.ok)

    @property
    def warnings(self) -> tuple[Row, ...]:
        """The rows that are, and are worth a look."""
        return tuple(row for row in self.rows if row.ok and row.warning)

    def raise_if_wrong(self) -> None:
        """Nothing if all is right.

        Raises
        ------
        CheckError
            Naming the first equation that is wrong, its layer and the largest deviation.
        """
        if self.ok:
            return
        first, *others = self.wrong
        more = f" (and {len(others)} more: str(report) shows all)" if others else ""
        raise CheckError(
            f"{first.place}: {_finding(first)}{more}",
            first.equation,
            first.layer,
            first.deviation,
        )

    def __str__(self) -> str:
        by_layer = any(row.layer is not None for row in self.rows)
        lines = table([_titles(by_layer), *(_cells(row, by_layer) for row in self.rows)])
        remarks = [
            f"{_mark(row)}: {row.place}: {_finding(row)}" for row in self.rows if _mark(row)
        ]
        return "\n".join(
            (self.title, "", *lines, *_paragraph(remarks), *_paragraph(self.notes))
        )


def compared(
    equation: str,
    layer: int | None,
    part: str,
    given: Array,
    expected: Slope,
    tolerance: float,
    place: Callable[[int], str],
) -> Row:
    """The row of a formula that is compared with differences.

    It is wrong, too, if there is not a point where differences can tell.

    Parameters
    ----------
    equation, layer, part
        As in `Row`.
    given : array
        What the formula gave.
    expected : Slope
        Of the same shape.
    tolerance : float
    place : callable
        The words for the i-th number of the flattened arrays.
    """
    found = deviation(given, expected, tolerance)
    blind = found.points == found.skipped
    told = f"{place(found.at)}: {found.given:.6g} was given, {found.expected:.6g} expected"
    return Row(
        equation,
        layer,
        part,
        ok=found.largest <= tolerance and not blind,
        deviation=None if blind else found.largest,
        tolerance=tolerance,
        where=f"no derivative at any of {found.points} points" if blind else f"at {told}",
        points=found.points,
        skipped=found.skipped,
    )


def by_sample(n: int, way: str = "unit") -> Callable[[int], str]:
    """The words for a place in what `slopes` gives, n samples along each direction."""
    return lambda index: f"sample {index % n}, {way} {index // n}"


def by_unit(k: int) -> Callable[[int], str]:
    """The words for a place in an array of shape (n, k)."""
    return lambda index: f"sample {index // k}, unit {index % k}"


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of aligned columns; the first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [aligned[0], "-" * max(map(len, aligned)), *aligned[1:]]


def _titles(by_layer: bool) -> tuple[str, ...]:
    layer = ("layer",) if by_layer else ()
    return ("", "equation", *layer, "of", "deviation", "allowed", "points", "skipped")


def _cells(row: Row, by_layer: bool) -> tuple[str, ...]:
    layer = ("" if row.layer is None else str(row.layer),) if by_layer else ()
    return (
        _mark(row) or "ok",
        row.equation,
        *layer,
        row.part,
        _number(row.deviation),
        "" if row.deviation is None else _number(row.tolerance),
        str(row.points or ""),
        str(row.skipped or ""),
    )


def _mark(row: Row) -> str:
    if row.ok:
        return "note" if row.warning else ""
    return "WRONG"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _finding(row: Row) -> str:
    if row.deviation is None or row.warning:
        return row.where
    return f"the largest deviation is {row.deviation:.1e}, {row.where}"


def _paragraph(lines: Iterable[str]) -> tuple[str, ...]:
    lines = tuple(lines)
    return ("", *lines) if lines else ()
