"""`Schema`: how a table becomes samples; fitted on training rows, saved with the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from bpx.data.split import Split
from bpx.data.tables.encoding import columns_of, inputs_of
from bpx.data.tables.feature import CATEGORIES, SCALINGS, Categories, Feature, Scaling
from bpx.data.tables.fitting import check_choice, fit_features, places_of
from bpx.data.tables.frames import as_table
from bpx.data.tables.inputs import Inputs
from bpx.data.tables.matching import by_name, by_place, check_named, has_target
from bpx.data.tables.plausible import check_features, check_numbers
from bpx.data.tables.table import Key, Table, listed
from bpx.data.tables.target import TASKS, Target, TargetScaling, Task, fit_target, task_of
from bpx.data.tables.values import of_array
from bpx.errors import InputError

__all__ = ["Schema", "Unseen"]

Unseen: TypeAlias = Literal["ignore", "refuse"]
_UNSEEN: tuple[Unseen, ...] = get_args(Unseen)


@dataclass(frozen=True)
class Schema(Inputs):
    """The columns that a table must have, and their encoding as inputs and target.

    Make one with `Schema.fit`. A `bpx.Network` with a schema finds a table's columns by name.

    Attributes
    ----------
    features : tuple of Feature
        The features, in the order of the inputs.
    target : Target or None
    left_out : tuple of str
        The columns that are not used: dropped, constant, or empty.
    named : bool
        Whether columns are found by name, or by position in tables without a header.
    unseen : {"ignore", "refuse"}
        Whether a new category counts as none of the known ones, with a warning, or raises.
    """

    features: tuple[Feature, ...]
    target: Target | None = None
    left_out: tuple[str, ...] = ()
    named: bool = True
    unseen: Unseen = "ignore"

    def __repr__(self) -> str:
        codes = f", {len(self.codes)} of them codes" if self.codes else ""
        return f"<bpx.data.Schema of {len(self.features)} columns, {self.width} inputs{codes}>"

    @classmethod
    def fit(
        cls,
        table: Any,
        *,
        target: Key | None = None,
        task: Task | None = None,
        features: Sequence[Key] | str | None = None,
        drop: Sequence[Key] = (),
        scaling: Scaling = "standard",
        target_scaling: TargetScaling | None = None,
        categories: Categories = "one-hot",
        unseen: Unseen = "ignore",
        rows: NDArray[Any] | None = None,
    ) -> Self:
        """Fit a schema to a table.

        Numbers and dates are scaled; a missing one becomes the median, and an extra input marks
        it as missing. Texts with up to 40 different values are one-hot; others become their
        frequency, scaled. Constant columns are not used.

        Parameters
        ----------
        table : Table or DataFrame
        target : str or int, optional
            The target column, by name or index; None if there is none.
        task : {"classes", "numbers"}, optional
            By default, texts and booleans are classes, and so are whole numbers with at
            most one distinct value per 20 rows; numbers with fractions are numbers.
        features : sequence of str or int, or "all", optional
            The columns to use as inputs; these may be ids. By default, all columns except the
            target and `drop`; then an id raises InputError.
        drop : sequence of str or int, optional
            The columns not to use as inputs.
        scaling : {"standard", "robust", "none"}, optional
            The scaling of numbers and dates: by mean and standard deviation, by median and
            interquartile range, or none.
        target_scaling : {"standard", "robust", "none", "mean"}, optional
            The scaling of a numeric target, by default `scaling`. "mean" only divides by the
            mean, which suits counts and the cost ``"poisson"``.
        categories : {"one-hot", "codes"}, optional
            "codes" turns each text into one input, the number of its category, for a
            `bpx.Embedding`. Missing cells have a code of their own, and unseen ones the last.
        unseen : {"ignore", "refuse"}, optional
            The treatment of categories that do not occur in the training rows.
        rows : array of int or bool, optional
            The training rows, which determine medians, scales and levels; by default, all
            rows. The classes always come from all rows.

        Returns
        -------
        Schema

        Raises
        ------
        InputError
            If a column does not exist or is implausible: a constant target, an id, free text,
            a duplicate name, or no name.
        """
        check_choice("scaling", scaling, SCALINGS)
        check_choice("target_scaling", target_scaling, (None, *SCALINGS, "mean"))
        check_choice("categories", categories, CATEGORIES)
        check_choice("unseen", unseen, _UNSEEN)
        check_choice("task", task, (None, *TASKS))
        table = as_table(table)
        learned = None if target is None else table.position(target)
        places, dropped = places_of(table, learned, features, drop)
        check_features(table, places, asked=features is not None)
        chosen = np.arange(len(table)) if rows is None else rows
        fitted, empty = fit_features(table.at(places).take(chosen), scaling, categories)
        made = None
        if target is not None:
            column, how = table[target], target_scaling or scaling
            made = fit_target(column, task or task_of(column, table), how, chosen)
        return cls(fitted, made, (*dropped, *empty), table.named, unseen)

    @classmethod
    def of_numbers(cls, table: Any) -> Self:
        """Make a schema that only finds columns by name; their numbers are the inputs.

        Raises
        ------
        InputError
            If a column holds anything but numbers, or a cell is missing.
        """
        table = as_table(table)
        check_numbers(table)
        check_features(table, range(len(table.columns)), asked=True)
        features = tuple(Feature(c.name, c.kind, "scaled") for c in table.columns)
        return cls(features, named=table.named)

    @property
    def known(self) -> frozenset[str]:
        """The names of all columns of the training table, used or not."""
        target = () if self.target is None else (self.target.name,)
        return frozenset((*self._names, *self.left_out, *target))

    @property
    def is_plain(self) -> bool:
        """Whether it only finds columns: it has no target, and the numbers are the inputs."""
        return self.target is None and all(feature.is_plain for feature in self.features)

    def x(self, table: Any) -> NDArray[np.float32]:
        """Return the inputs of a table, shape (n, width); columns are found by name.

        Parameters
        ----------
        table : Table or DataFrame
            A table with its columns in any order. Additional columns are not used; a
            `bpx.DataWarning` names those that the schema does not know.

        Raises
        ------
        InputError
            If columns are missing or differ in kind from the fitted ones, or a category is
            unseen and `unseen` is "refuse".
        """
        table = as_table(table)
        columns = [table.columns[i] for i in self._places(table)]
        return inputs_of(self.features, columns, table.label, self.unseen == "refuse")

    def x_of_array(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return the inputs for an array that has the features' columns, in their order.

        Parameters
        ----------
        x : ndarray, shape (n, len(features))
            Values in the units of the table.

        Raises
        ------
        InputError
            If the number of columns or the kind of a column differs.
        """
        if x.ndim != 2 or x.shape[1] != len(self.features):
            raise InputError(
                f"x has shape {x.shape}, but the network's schema has {len(self.features)} "
                f"columns; expected (n, {len(self.features)}), or a table with the columns "
                f"{listed([each.name for each in self.features])}"
            )
        columns = columns_of(self.features, x)
        return inputs_of(self.features, columns, "x", self.unseen == "refuse")

    def y(self, table: Any) -> NDArray[Any]:
        """Return a table's target: labels, int32, or scaled numbers, float32, shape (n,).

        Raises
        ------
        InputError
            If the column does not exist, or a value is not a known class or a number.
        """
        table, target = as_table(table), self._learned()
        check_named(table, self.named, self._names)
        if not has_target(table, target.name, self.known):
            raise InputError(
                f"{table.label} has no column {target.name!r}, the network's target; it has "
                f"{listed(table.names)}"
            )
        return target.encode(table[target.name], table.label)

    def y_of_array(self, y: Any) -> NDArray[Any]:
        """Encode target values, given as in the table, in the form that `y` returns.

        Parameters
        ----------
        y : array, series or sequence, shape (n,)

        Raises
        ------
        InputError
            If there is no target, or a value is not a known class or a number.
        """
        target = self._learned()
        return target.encode(of_array(target.name, y), "y")

    def samples(self, table: Any) -> Split:
        """Return x, and y if there is a target."""
        table = as_table(table)
        return Split(self.x(table), self.y(table) if self.target else None)

    def described(self) -> dict[str, Any]:
        """Return the schema as a dictionary for a file, in JSON types; `restored` reads it."""
        return {
            "features": [feature.described() for feature in self.features],
            "target": self.target and self.target.described(),
            "left_out": list(self.left_out),
            "named": self.named,
            "unseen": self.unseen,
        }

    @classmethod
    def restored(cls, described: Mapping[str, Any]) -> Self:
        """Make a schema from the result of `described`.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the dictionary does not describe a schema.
        """
        target = described["target"]
        made = cls(
            tuple(map(Feature.restored, described["features"])),
            None if target is None else Target.restored(target),
            *(tuple(described["left_out"]), described["named"], described["unseen"]),
        )
        if made._is_right():
            return made
        raise ValueError(f"no schema: {described}")

    def _is_right(self) -> bool:
        """Whether the fields are consistent."""
        used = [*self._names, *([self.target.name] if self.target else [])]
        return (
            self.unseen in _UNSEEN
            and isinstance(self.named, bool)
            and all(isinstance(name, str) for name in self.left_out)
            and len(self.features) > 0
            and len({*used}) == len(used)
            and (self.named or all(name.isdecimal() for name in self.known))
        )

    @property
    def _names(self) -> list[str]:
        return [feature.name for feature in self.features]

    def _learned(self) -> Target:
        if self.target:
            return self.target
        raise InputError("the schema has no target; expected one fitted with target=")

    def _places(self, table: Table) -> list[int]:
        """Return the index of each feature's column."""
        target = self.target.name if self.target else None
        check_named(table, self.named, self._names)
        if not self.named:
            return by_place(table, self._names, target, self.left_out)
        return by_name(table, self._names, self.known)
