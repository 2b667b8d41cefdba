"""`Schema`: how a table becomes samples, fitted on the training rows, kept with the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from bpx.data.split import Split
from bpx.data.tables.encoding import columns_of, inputs_of
from bpx.data.tables.feature import SCALINGS, Feature, Scaling
from bpx.data.tables.fitting import check_choice, fit_features, places_of
from bpx.data.tables.frames import as_table
from bpx.data.tables.matching import by_name, by_place, check_named, has_target
from bpx.data.tables.plausible import check_features
from bpx.data.tables.table import Key, Table, listed
from bpx.data.tables.target import TASKS, Target, Task, fit_target, task_of
from bpx.data.tables.values import of_array
from bpx.errors import InputError

__all__ = ["Schema", "Unseen"]

Unseen: TypeAlias = Literal["ignore", "refuse"]
_UNSEEN: tuple[Unseen, ...] = get_args(Unseen)


@dataclass(frozen=True)
class Schema:
    """What a table must have, and how its columns become the inputs and the target.

    Make one with `Schema.fit`. A network that is given one takes tables and DataFrames, whose
    columns it finds by name: see `bpx.Network`.

    Attributes
    ----------
    features : tuple of Feature
        In the order of the inputs.
    target : Target or None
    left_out : tuple of str
        Columns that were there and are not used: dropped, constant, or empty.
    named : bool
        Whether columns are found by name; else by position, in tables without a header.
    unseen : {"ignore", "refuse"}
        What is done with a category that was not there in training: it is taken as none of
        the known ones, with a warning, or refused.
    """

    features: tuple[Feature, ...]
    target: Target | None = None
    left_out: tuple[str, ...] = ()
    named: bool = True
    unseen: Unseen = "ignore"

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
        unseen: Unseen = "ignore",
        rows: NDArray[Any] | None = None,
    ) -> Self:
        """The schema of a table.

        Numbers and dates are scaled; a missing one becomes the median, and one more input says
        that it was missing. Texts of up to 20 different values are one-hot, those of more
        become their frequency, scaled. Constant columns are left out.

        Parameters
        ----------
        table : Table or DataFrame
        target : str or int, optional
            The column to be learned, by name or index; None if there is none.
        task : {"classes", "numbers"}, optional
            Left out, texts and booleans are classes, and so are whole numbers of at most one
            value for 20 rows; numbers with fractions are numbers.
        features : sequence of str or int, or "all", optional
            The columns that are inputs, ids included; left out, all others, without ids, which
            are refused.
        drop : sequence of str or int, optional
            Columns that are no inputs.
        scaling : {"standard", "robust", "none"}, optional
            Of numbers and dates, and of a target of numbers (which "none" leaves, too): by mean
            and standard deviation, by median and interquartile range, or none.
        unseen : {"ignore", "refuse"}, optional
            What is done later with a category that is not here.
        rows : array of int or bool, optional
            The training samples, from which medians, scales and levels are taken; left out, all
            rows. The classes are always those of all rows.

        Returns
        -------
        Schema

        Raises
        ------
        InputError
            If there is no such column, or one cannot be meant as it stands: a target of one
            value, an id, free text, two of one name, one without a name.
        """
        check_choice("scaling", scaling, SCALINGS)
        check_choice("unseen", unseen, _UNSEEN)
        check_choice("task", task, (None, *TASKS))
        table = as_table(table)
        learned = None if target is None else table.position(target)
        places, dropped = places_of(table, learned, features, drop)
        check_features(table, places, asked=features is not None)
        chosen = np.arange(len(table)) if rows is None else rows
        fitted, empty = fit_features(table.at(places).take(chosen), scaling)
        made = None
        if target is not None:
            column = table[target]
            plain = task or task_of(column, table)
            made = fit_target(column, plain, scaling, chosen)
        return cls(fitted, made, (*dropped, *empty), table.named, unseen)

    @classmethod
    def of_numbers(cls, table: Any) -> Self:
        """The schema of a table whose columns are inputs as they are: only found by name.

        Raises
        ------
        InputError
            If a column holds anything but numbers, or a cell is missing.
        """
        table = as_table(table)
        for column in table.columns:
            if column.is_text or column.missing.any():
                what = "texts" if column.is_text else "missing cells"
                raise InputError(
                    f"column {column.name!r} of {table.label} holds {what}, and the network "
                    "has no schema to encode them; expected numbers alone, or a network that "
                    "was made with schema=bpx.data.Schema.fit(table, target=...)"
                )
        check_features(table, range(len(table.columns)), asked=True)
        features = tuple(Feature(c.name, c.kind, "scaled") for c in table.columns)
        return cls(features, named=table.named)

    @property
    def width(self) -> int:
        """The number of inputs."""
        return sum(feature.width for feature in self.features)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What each input is, such as ``"age"``, ``"city=Paris"`` or ``"age is missing"``."""
        return tuple(name for feature in self.features for name in feature.inputs)

    @property
    def known(self) -> frozenset[str]:
        """The names of the columns that were there in training, used or not."""
        target = () if self.target is None else (self.target.name,)
        return frozenset((*self._names, *self.left_out, *target))

    @property
    def is_plain(self) -> bool:
        """Whether it only finds columns: their numbers are the inputs, and it has no target."""
        return self.target is None and all(feature.is_plain for feature in self.features)

    def x(self, table: Any) -> NDArray[np.float32]:
        """The inputs of a table, shape (n, width), its columns found by name.

        Parameters
        ----------
        table : Table or DataFrame
            In any order; further columns are not used, and are named in a `bpx.DataWarning`
            unless the schema knows them.

        Raises
        ------
        InputError
            If columns are missing, or of another kind than those that were fitted, or a
            category is unseen where the schema refuses it.
        """
        table = as_table(table)
        columns = [table.columns[i] for i in self._places(table)]
        return inputs_of(self.features, columns, table.label, self.unseen == "refuse")

    def x_of_array(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """The inputs of an array that has the features' columns in their order.

        Parameters
        ----------
        x : ndarray, shape (n, len(features))
            In the units of the table.

        Raises
        ------
        InputError
            If it has another number of columns, or a column is of another kind.
        """
        if x.ndim != 2 or x.shape[1] != len(self.features):
            raise InputError(
                f"x has shape {x.shape}, and the network's schema has {len(self.features)} "
                f"columns; expected (n, {len(self.features)}), or a table that has the columns "
                f"{listed([each.name for each in self.features])}"
            )
        columns = columns_of(self.features, x)
        return inputs_of(self.features, columns, "x", self.unseen == "refuse")

    def y(self, table: Any) -> NDArray[Any]:
        """The target of a table: labels, int32, or scaled numbers, float32, shape (n,).

        Raises
        ------
        InputError
            If there is no such column, or a value that is no class or no number.
        """
        table, target = as_table(table), self._learned()
        check_named(table, self.named, self._names)
        if not has_target(table, target.name, self.known):
            raise InputError(
                f"{table.label} has no column {target.name!r}, which is the target; it has "
                f"{listed(table.names)}"
            )
        return target.encode(table[target.name], table.label)

    def y_of_array(self, y: Any) -> NDArray[Any]:
        """The target of values as the table would have them: as `y`.

        Parameters
        ----------
        y : array, series or sequence, shape (n,)

        Raises
        ------
        InputError
            If there is no target, or a value is no class or no number.
        """
        target = self._learned()
        return target.encode(of_array(target.name, y), "y")

    def samples(self, table: Any) -> Split:
        """Both: x, and y where there is a target."""
        table = as_table(table)
        return Split(self.x(table), self.y(table) if self.target else None)

    def described(self) -> dict[str, Any]:
        """What a model's file says of it, as JSON can hold it; `restored` reads it."""
        return {
            "features": [feature.described() for feature in self.features],
            "target": self.target and self.target.described(),
            "left_out": list(self.left_out),
            "named": self.named,
            "unseen": self.unseen,
        }

    @classmethod
    def restored(cls, described: Mapping[str, Any]) -> Self:
        """A schema from what `described` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it cannot be one.
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
        """Whether columns can be found by it."""
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
        """The index of each feature's column."""
        target = self.target.name if self.target else None
        check_named(table, self.named, self._names)
        if not self.named:
            return by_place(table, self._names, target, self.left_out)
        return by_name(table, self._names, self.known)
