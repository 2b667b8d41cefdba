"""`Report`: a row for each checked equation, a table, and an error that names the first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bpx._typing import Array
from bpx.errors import CheckError
from bpx.inspect.checks.differences import Slope, deviation

__all__ = ["Report", "Row", "by_sample", "by_unit", "compared", "table"]


class Row(NamedTuple):
    """The result of one check.

    Attributes
    ----------
    equation : str
        For example "sigma'", "grad_a" or "BP2".
    layer : int or None
        The layer, from 1; None for a part outside a network.
    part : str
        The part that it belongs to: the name of an activation, a cost or a feedback.
    ok : bool
        Whether it is right, as far as differences can show.
    deviation, tolerance : float or None
        The largest relative deviation, which is the distance between the result and the
        expected value over the larger of the two; and the largest that passes. None if the
        check does not compare numbers.
    where : str
        The place of the largest deviation, or what is wrong.
    points, skipped : int
        The number of values compared, and how many of them have no derivative: kinks, and
        points at which the differences do not converge.
    warning : bool
        Whether `where` is worth reading although `ok` is true.
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
        """The equation, its layer and its part, as text."""
        layer = [] if self.layer is None else [f"layer {self.layer}"]
        return ", ".join((self.equation, *layer, self.part))


@dataclass(frozen=True)
class Report:
    """The results of a check, row by row; ``str(report)`` is a table.

    Attributes
    ----------
    title : str
        What was checked, and on which backend.
    rows : tuple of Row
    notes : tuple of str
        What was not checked, and why.
    """

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every row is ok."""
        return not self.wrong

    @property
    def wrong(self) -> tuple[Row, ...]:
        """The rows that are not ok."""
        return tuple(row for row in self.rows if not row.ok)

    @property
    def warnings(self) -> tuple[Row, ...]:
        """The rows that are ok but have a warning."""
        return tuple(row for row in self.rows if row.ok and row.warning)

    def raise_if_wrong(self) -> None:
        """Raise CheckError if a row is wrong.

        Raises
        ------
        CheckError
            If so; it names the first wrong equation, its layer and the largest deviation.
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
    """Make the row of a formula that is compared with differences.

    It is also wrong if the differences give no derivative at any point.

    Parameters
    ----------
    equation, layer, part
        As in `Row`.
    given : array
        The formula's result.
    expected : Slope
        The expected values, of the same shape.
    tolerance : float
    place : callable
        Returns the text for the i-th number of the flattened arrays.
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
    """Return the texts for places in a result of `slopes`, n samples along each direction."""
    return lambda index: f"sample {index % n}, {way} {index // n}"


def by_unit(k: int) -> Callable[[int], str]:
    """Return the texts for places in an array of shape (n, k)."""
    return lambda index: f"sample {index // k}, unit {index % k}"


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Return lines of aligned columns; the first row is the header."""
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
