"""`Feature`: the encoding of one column as numbers, fitted on the training samples."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from bpx.data.tables.column import Column
from bpx.errors import InputError

__all__ = [
    "CATEGORIES",
    "SCALINGS",
    "Categories",
    "Encoding",
    "Feature",
    "Scaling",
    "fit_feature",
    "spread",
]

Encoding: TypeAlias = Literal["scaled", "one-hot", "frequency", "codes"]
Categories: TypeAlias = Literal["one-hot", "codes"]
CATEGORIES: tuple[Categories, ...] = get_args(Categories)
Scaling: TypeAlias = Literal["standard", "robust", "none"]
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)

_FEW = 40
"""Categories with at most this many levels are one-hot; others become frequencies."""
_ALIKE = {"number": ("boolean",), "boolean": ("number",)}
_SQUARED = 1e-150, 1e150
"""The range of the numbers whose squares float64 can represent."""


@dataclass(frozen=True)
class Feature:
    """One input column and its encoding.

    Attributes
    ----------
    name : str
    kind : str
        The column's kind: see `Column`.
    encoding : {"scaled", "one-hot", "frequency", "codes"}
        (v - center) / scale; one input for each level; the fraction of the training samples
        with that level, scaled; or its index in `levels`, a code for `bpx.Embedding`.
    center, scale : float
    fill : float
        The replacement for a missing number: the median.
    indicator : bool
        Whether an extra input, or a code, marks missing cells: true if some were missing in
        training.
    levels : tuple of str
        The levels of a category.
    shares : tuple of float
        The frequency of each level in training.
    """

    name: str
    kind: str
    encoding: Encoding
    center: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    indicator: bool = False
    levels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the column's numbers are the inputs, unchanged."""
        return self == Feature(self.name, self.kind, "scaled")

    @property
    def codes(self) -> int:
        """The number of codes: the levels, missing if some were, and any other; else 0."""
        return len(self.levels) + self.indicator + 1 if self.encoding == "codes" else 0

    @property
    def width(self) -> int:
        """The number of inputs that it becomes."""
        if self.encoding == "codes":
            return 1
        return (len(self.levels) if self.encoding == "one-hot" else 1) + self.indicator

    @property
    def inputs(self) -> tuple[str, ...]:
        """A name for each of these inputs."""
        one_hot = self.encoding == "one-hot"
        own = tuple(f"{self.name}={v}" for v in self.levels) if one_hot else (self.name,)
        return (*own, f"{self.name} is missing") if len(own) < self.width else own

    def encode(self, column: Column, label: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return the inputs, shape (n, width), and a mask of cells with unseen levels, (n,).

        Raises
        ------
        InputError
            If the column's kind differs from the one in training.
        """
        if self.levels:
            codes = column.places(self.levels)
            unseen = (codes < 0) & ~column.missing
            if self.encoding == "codes":
                return self._coded(codes, column.missing), unseen
            own = self._one_hot(codes) if self.encoding == "one-hot" else self._frequency(codes)
        else:
            values = self._numbers(column, label)
            with np.errstate(over="ignore"):  # the size check on all inputs reports it
                own = (np.where(np.isnan(values), self.fill, values) - self.center) / self.scale
            own = own[:, None]
            unseen = np.zeros(len(column), bool)
        if self.indicator:
            own = np.concatenate([own, column.missing[:, None]], axis=1)
        return own, unseen

    def described(self) -> dict[str, Any]:
        """Return the feature as a dictionary for a file; `restored` reads it."""
        return asdict(self)

    @classmethod
    def restored(cls, described: Mapping[str, Any]) -> Self:
        """Make a feature from a file's dictionary; raise ValueError or similar if invalid."""
        lists = {name: described[name] for name in ("levels", "shares")}
        if not all(isinstance(each, list | tuple) for each in lists.values()):
            raise ValueError(f"no feature: {described}")
        levels, shares = map(tuple, lists.values())
        made = cls(**{**described, "levels": levels, "shares": shares})
        numbers = (made.center, made.scale, made.fill, *shares)
        right = (
            all(isinstance(each, str) for each in (made.name, made.kind, *levels))
            and made.encoding in get_args(Encoding)
            and all(isinstance(each, int | float) and np.isfinite(each) for each in numbers)
            and made.scale > 0
            and len({*levels}) == len(levels)
            and (made.encoding == "scaled") == (not levels)
            and len(shares) == (len(levels) if made.encoding == "frequency" else 0)
            and isinstance(made.indicator, bool)
        )
        if not right:
            raise ValueError(f"no feature: {described}")
        return made

    def _numbers(self, column: Column, label: str) -> NDArray[np.float64]:
        known = {self.kind, *_ALIKE.get(self.kind, ())}
        if column.kind not in known and not column.missing.all():
            dates = self.kind == "date" and column.is_text
            how = ": convert them with pandas.to_datetime, or NumPy's astype('M8[us]')"
            raise InputError(
                f"column {self.name!r} of {label} holds {_plural(column.kind)}, but the "
                f"network was trained on {_plural(self.kind)}; expected {_plural(self.kind)}"
                + (how if dates else "")
            )
        if column.is_text:  # all cells are missing
            return np.full(len(column), np.nan)
        return column.values

    def _coded(
        self, codes: NDArray[np.int64], missing: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return codes: the last one is for unseen levels, the one before it for missing."""
        others = np.where(missing & self.indicator, len(self.levels), self.codes - 1)
        return np.where(codes < 0, others, codes)[:, None].astype(np.float64)

    def _one_hot(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        return (codes[:, None] == np.arange(len(self.levels))).astype(np.float64)

    def _frequency(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        shares = np.array([*self.shares, 0.0])[codes]
        return ((shares - self.center) / self.scale)[:, None]


def fit_feature(
    column: Column, scaling: Scaling, categories: Categories = "one-hot"
) -> Feature:
    """Fit the encoding of a column to training samples.

    Parameters
    ----------
    column : Column
        A column that has more than one value and is not free text.
    scaling : {"standard", "robust", "none"}
        Scale by mean and standard deviation, by median and interquartile range, or not at
        all. Booleans and one-hot inputs stay 0 and 1.
    categories : {"one-hot", "codes"}, optional
        Whether texts become one-hot inputs (frequencies, if there are many), or codes.
    """
    missing = bool(column.missing.any())
    if not column.is_text:
        values = column.values[~column.missing]
        fill = float(np.median(values)) if len(values) else 0.0
        how: Scaling = "none" if column.kind == "boolean" else scaling
        center, scale = spread(np.where(column.missing, fill, column.values), how)
        return Feature(column.name, column.kind, "scaled", center, scale, fill, missing)
    there = np.bincount(column.values[~column.missing], minlength=len(column.levels))
    kept = [i for i, count in enumerate(there) if count]
    levels = tuple(column.levels[i] for i in kept)
    if categories == "codes" or len(levels) <= _FEW:
        return Feature(column.name, "category", categories, indicator=missing, levels=levels)
    shares = there / len(column)
    center, scale = spread(np.array([*shares, 0.0])[column.values], scaling)
    return Feature(
        column.name,
        "category",
        "frequency",
        center,
        scale,
        indicator=missing,
        levels=levels,
        shares=tuple(float(shares[i]) for i in kept),
    )


def spread(values: NDArray[np.float64], scaling: Scaling) -> tuple[float, float]:
    """Return the center and the scale of some numbers; the scale is 1 if they are equal."""
    if scaling == "none" or not len(values):
        return 0.0, 1.0
    if scaling == "robust":
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        if low < high < np.inf:
            return float(middle), float(high - low)
    largest = float(np.abs(values).max())
    unit = 1.0 if not largest or _SQUARED[0] < largest < _SQUARED[1] else largest
    center, deviation = float((values / unit).mean()), float((values / unit).std())
    # If numbers are equal except for rounding, so is their deviation.
    scale = deviation * unit if deviation > 1e-12 * abs(center) else 1.0
    return center * unit, scale


def _plural(kind: str) -> str:
    return {"category": "texts", "text": "texts"}.get(kind, f"{kind}s")
