"""`Schema`: how a table becomes samples, fitted on the training rows, kept with the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from bpx.data.split import Split
from bpx.data.tables.column import Column, of_array
from bpx.data.tables.feature import SCALINGS, Feature, Scaling
from bpx.data.tables.fitting import fit_features, places_of
from bpx.data.tables.frames import as_table
from bpx.data.tables.matching import by_name, by_place, check_named
from bpx.data.tables.plausible import check_features
from bpx.data.tables.table import Key, Table, listed
from bpx.data.tables.target import TASKS, Target, Task, fit_target, task_of
from bpx.errors import InputError, option, warn

__all__ = ["Schema", "Unseen"]

Unseen: TypeAlias = Literal["ignore", "refuse"]
_UNSEEN: tuple[Unseen, ...] = ("ignore", "refuse")


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
    ) -> "Schema":
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
        _check("scaling", scaling, SCALINGS)
        _check("unseen", unseen, _UNSEEN)
        _check("task", task, (None, *TASKS))
        table = as_table(table)
        learned = None if target is None else table.position(target)
        places, dropped = places_of(table, learned, features, drop)
        check_features(table, places, asked=features is not None)
        chosen = np.arange(len(table)) if rows is None else rows
        fitted, empty = fit_features(table.only(places).take(chosen), scaling)
        made = None
        if target is not None:
            column = table[target]
            plain = task or task_of(column, table)
            made = fit_target(column, plain, scaling, chosen)
        return cls(fitted, made, (*dropped, *empty), table.named, unseen)

    @classmethod
    def of_numbers(cls, table: Any) -> "Schema":
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
        return self._encoded([table.columns[i] for i in self._places(table)], table.label)

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
        pairs = zip(self.features, x.T, strict=True)
        return self._encoded([of_array(each.name, column) for each, column in pairs], "x")

    def y(self, table: Any) -> NDArray[Any]:
        """The target of a table: labels, int32, or scaled numbers, float32, shape (n,).

        Raises
        ------
        InputError
            If there is no such column, or a value that is no class or no number.
        """
        if self.target is None:
            raise InputError(
                "the schema has no target; expected one that was fitted with target="
            )
        table = as_table(table)
        check_named(table, self.named, self._names)
        if self.named and self.target.name not in table.names:
            raise InputError(
                f"{table.label} has no column {self.target.name!r}, which is the target; it "
                f"has {listed(table.names)}"
            )
        return self.target.encode(table[self.target.name], table.label)

    def samples(self, table: Any) -> Split:
        """Both: x, and y where there is a target."""
        table = as_table(table)
        return Split(self.x(table), None if self.target is None else self.y(table))

    def described(self) -> dict[str, Any]:
        """What a model's file says of it, as JSON can hold it; `restored` reads it."""
        return {
            "features": [feature.described() for feature in self.features],
            "target": None if self.target is None else self.target.described(),
            "left_out": list(self.left_out),
            "named": self.named,
            "unseen": self.unseen,
        }

    @classmethod
    def restored(cls, described: Mapping[str, Any]) -> "Schema":
        """A schema from what `described` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it cannot be one.
        """
        target = described["target"]
        unseen, left_out = described["unseen"], tuple(described["left_out"])
        if unseen not in _UNSEEN or not all(isinstance(name, str) for name in left_out):
            raise ValueError(f"no schema: {described}")
        return cls(
            tuple(Feature.restored(each) for each in described["features"]),
            None if target is None else Target.restored(target),
            left_out,
            bool(described["named"]),
            cast(Unseen, unseen),
        )

    def _encoded(self, columns: Sequence[Column], label: str) -> NDArray[np.float32]:
        parts = []
        for feature, column in zip(self.features, columns, strict=True):
            encoded, unseen = feature.encode(column, label)
            self._tell_unseen(feature, column.labels, unseen, label)
            parts.append(encoded)
        return np.concatenate(parts, axis=1).astype(np.float32)

    @property
    def _names(self) -> list[str]:
        return [feature.name for feature in self.features]

    def _places(self, table: Table) -> list[int]:
        """The index of each feature's column."""
        target = None if self.target is None else self.target.name
        check_named(table, self.named, self._names)
        if self.named:
            return by_name(table, self._names, self.known)
        return by_place(table, self._names, target, self.left_out)

    def _tell_unseen(self, feature: Feature, labels: Any, unseen: Any, label: str) -> None:
        if not unseen.any():
            return
        names = [each for each in map(str, labels()) if each not in feature.levels]
        count = int(unseen.sum())
        text = (
            f"column {feature.name!r} of {label} has {listed(names)} in {count} of "
            f"{len(unseen)} rows, which the network was not trained on"
        )
        if self.unseen == "refuse":
            raise InputError(f"{text}; expected {listed(feature.levels)}")
        warn(f"{text}: taken as none of the known ones")


def _check(name: str, value: Any, known: Sequence[Any]) -> None:
    if value not in known:
        told = " or ".join(option(name, each) for each in known if each is not None)
        raise InputError(f"{option(name, value)} was given; expected {told}")
