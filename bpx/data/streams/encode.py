"""The parts of a stream as arrays: tables by a schema, or by their names if all are numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpx._validate import is_frame
from bpx.data.streams.real import as_real, on_host
from bpx.data.streams.source import Part
from bpx.data.tables.frames import as_table
from bpx.data.tables.schema import Schema
from bpx.data.tables.table import Key, Table
from bpx.errors import InputError

__all__ = ["Encoder"]


@dataclass(frozen=True)
class Encoder:
    """Converts the parts of a stream to arrays: ``encoder(part) -> Part``.

    Attributes
    ----------
    schema : Schema or None
        The schema of tables; arrays are then in the table's terms, too.
    target, weight : str, int or None
        The columns of a table with the target, without a schema, and with the weights.
    label : str
        The name in messages.
    only_x : bool
        Whether only the inputs are wanted, as for `predict`; a table may lack the targets.
    """

    schema: Schema | None
    target: Key | None
    weight: Key | None
    label: str
    only_x: bool = False

    def __call__(self, part: Any) -> Part:
        """Return arrays of inputs, targets and weights."""
        if is_frame(part):
            return self._of_table(as_table(part))
        if self.only_x:
            x = part.x
            return Part(self._inputs(as_table(x)) if is_frame(x) else self._of_arrays(x))
        self._refuse_columns()
        if part.y is None:
            raise InputError(
                f"y is missing for {self.label}; expected one target for each sample"
            )
        x = self._inputs(as_table(part.x)) if is_frame(part.x) else self._of_arrays(part.x)
        s = None if part.s is None else as_real(part.s, "sample_weight")
        return Part(x, self._targets(part.y), s)

    def _refuse_columns(self) -> None:
        """Refuse columns of tables where the samples are pairs."""
        for name, key in (("target", self.target), ("sample_weight", self.weight)):
            if key is not None:
                raise InputError(
                    f"{name}={key!r} was given, but {self.label} has samples (x, y), whose "
                    "targets and weights are no columns; expected tables, or triples "
                    f"(x, y, sample_weight) and no {name}"
                )

    def _of_arrays(self, x: Any) -> Any:
        if self.schema is None or self.schema.is_plain:
            return as_real(x, "x")
        return self.schema.x_of_array(on_host(x, "x"))

    def _of_table(self, table: Table) -> Part:
        if self.only_x:
            return Part(self._inputs(table))
        s = self._weights(table)
        learned = None if self.schema is None else self.schema.target
        if self.schema is not None and learned is not None:
            if self.target is not None and table[self.target].name != learned.name:
                raise InputError(
                    f"target={self.target!r} was given for {self.label}, but the schema's "
                    f"target is {learned.name!r}; expected the same, or no target"
                )
            return Part(self._inputs(table), self.schema.y(table), s)
        if self.target is None:
            raise InputError(
                f"{self.label} has tables, but no target; expected target=, the name of its "
                "column, or a schema with a target"
            )
        column = table[self.target]
        if column.is_text:
            raise InputError(
                f"column {column.name!r} of {self.label}, the target, holds texts; expected "
                "numbers, or a schema=bpx.data.Schema.fit(stream.sample(100_000), target=...) "
                "that encodes them"
            )
        if column.missing.any():
            raise InputError(
                f"column {column.name!r} of {self.label}, the target, is missing in row "
                f"{int(column.missing.argmax()) + 1} of its part, counted from 1 "
                f"({int(column.missing.sum())} of {len(column)} are); expected one for each "
                "sample: drop these rows"
            )
        y = column.values
        whole = column.whole or column.kind == "boolean"
        return Part(self._inputs(table), y.astype(np.int64) if whole else y, s)

    def _weights(self, table: Table) -> Any:
        """The column of the weights, which must be one of numbers that is not the target."""
        if self.weight is None:
            return None
        column = table[self.weight]
        learned = None if self.schema is None else self.schema.target
        if learned is not None:
            is_target = column.name == learned.name
        else:
            is_target = self.target is not None and table[self.target] is column
        if is_target:
            raise InputError(
                f"sample_weight={self.weight!r} was given, but this column of {self.label} is "
                "the target; expected another column"
            )
        if column.is_text:
            raise InputError(
                f"column {column.name!r} of {self.label}, sample_weight, holds texts; expected "
                "numbers of at least 0"
            )
        return column.values

    def _inputs(self, table: Table) -> Any:
        if self.schema is not None:
            return self.schema.x(table)
        others = [key for key in (self.target, self.weight) if key is not None]
        if self.only_x:  # a table to predict for need not have them
            others = [key for key in others if isinstance(key, int) or key in table.names]
        places = [*map(table.position, others)]
        left = table.at([i for i in range(len(table.columns)) if i not in places])
        return Schema.of_numbers(left).x(left)

    def _targets(self, y: Any) -> Any:
        if self.schema is None or self.schema.target is None:
            return as_real(y, "y")
        return self.schema.y_of_array(y)
