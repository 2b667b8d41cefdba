"""Tables at the command line: choose the target and the schema of a table, and show them."""

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np

import bpx
from bpx.cli import sources, splits, tasks
from bpx.cli.settings import EPOCHS, Settings
from bpx.data import Schema, Split, Table
from bpx.data.tables.feature import Feature
from bpx.data.tables.matching import has_target
from bpx.data.tables.plausible import ALL
from bpx.data.tables.reading import SUFFIXES, is_table
from bpx.data.tables.table import listed
from bpx.data.tables.target import Target, Task

__all__ = [
    "Decided",
    "columns",
    "decide",
    "error",
    "is_read_as_table",
    "matching",
    "read",
    "with_target",
]

_READERS = dict(bpx.data.READERS)
"""bpx's own readers; a reader that the user registers takes precedence over a table."""

HIDDEN_WIDTH = 100
STEPS = 1000
LMBDA = 1.0
"""Defaults that suit small tables with scaled columns: see the benchmarks."""

_SHOWN = 8
"""The most classes shown with their counts, and the most columns shown by name."""


@dataclass(frozen=True)
class Decided:
    """A table, its target and schema, and the split of its rows.

    Attributes
    ----------
    table : Table
        The rows that have a target.
    schema : Schema
        Fitted on the rows that train.
    why : str
        Why this column is the target.
    lost : int
        The number of rows dropped because their target is missing.
    rest, held : ndarray of int
        The training rows, and the validation rows.
    """

    table: Table
    schema: Schema
    why: str
    lost: int
    rest: Any
    held: Any

    @property
    def target(self) -> str:
        """The target's name, or its index if another column has the same name."""
        name = self._learned.name
        return name if self.table.names.count(name) == 1 else str(self.table.names.index(name))

    @property
    def task(self) -> Task:
        """Whether the network learns the target as classes or as numbers."""
        return self._learned.task

    @property
    def layers(self) -> tuple[int, ...]:
        """Layer sizes: one hidden layer between the schema's inputs and outputs."""
        return (self.schema.width, HIDDEN_WIDTH, self._learned.outputs)

    def epochs(self, batch_size: int) -> int:
        """Return the number of epochs that make `STEPS` steps, at least `EPOCHS`."""
        return max(EPOCHS, -(-STEPS * batch_size // len(self.rest)))

    def part(self, name: str) -> Table:
        """Return the training rows, or the validation rows."""
        return self.table.take(self.rest if name == "train" else self.held)

    def parts(self) -> tuple[Split, Split | None]:
        """Return the encoded training samples, and the encoded validation samples."""
        samples = self.samples
        rest, held = (Split(samples.x[r], samples.y[r]) for r in (self.rest, self.held))  # type: ignore[index]
        return rest, held if len(self.held) else None

    @cached_property
    def samples(self) -> Split:
        """All samples, encoded once and cached."""
        return self.schema.samples(self.table)

    def told(self) -> list[tuple[str, str]]:
        """Return the lines to show, as pairs of a label and a text."""
        table, schema = self.table, self.schema
        head = f"{table.label}: {len(table):,} rows, {len(table.columns)} columns"
        layout = f"; {table.layout}" if table.layout else ""
        lines = [("table", head + layout), ("target", self._target())]
        lines.append(("features", self._features()))
        if schema.left_out:
            names = listed([name or "(no name)" for name in schema.left_out], _SHOWN)
            lines.append(("left out", f"columns: {names}"))
        if self.lost:
            lines.append(("left out", f"{self.lost:,} rows without a target"))
        if len(self.held):
            text = f"{len(self.held):,} rows, drawn with the seed, to validate on"
            lines.append(("held out", text))
        return lines

    @property
    def _learned(self) -> Target:
        assert self.schema.target is not None, "decide names one"
        return self.schema.target

    def _target(self) -> str:
        target = self._learned
        if target.task == "numbers":
            y = f"(y - {target.center:.4g})" if target.center else "y"
            scaled = "" if target.scale == 1.0 else f", learned as {y} / {target.scale:.4g}"
            return f"{target.name} ({self.why}): numbers{scaled}"
        counts = np.bincount(self.samples.y, minlength=len(target.classes))  # type: ignore[arg-type]
        each = [f"{n} {c:,}" for n, c in zip(target.names(), counts, strict=True)]
        return f"{target.name} ({self.why}): {len(each)} classes: " + listed(each, _SHOWN)

    def _features(self) -> str:
        """Count the features of each sort, and the inputs that they become."""
        sorts = Counter(map(_how, self.schema.features)).items()
        each = [f"{n} {kind}{'s' if n > 1 else ''}{done}" for (kind, done), n in sorts]
        return f"{', '.join(each)}: {self.schema.width} inputs"


def _how(feature: Feature) -> tuple[str, str]:
    """Return a column's kind and its treatment, in words."""
    kind = "text" if feature.kind == "category" else feature.kind
    is_scaled = kind != "text" and (feature.center, feature.scale) != (0.0, 1.0)
    done = ["scaled"] if is_scaled else [feature.encoding] if kind == "text" else []
    done += ["missing cells"] if feature.indicator else []
    return kind, f" ({', '.join(done)})" if done else ""


def is_read_as_table(data: str) -> bool:
    """Whether `data` is a table, and not a file for which the user registered a reader."""
    suffix = PurePath(data.lower().removesuffix(".gz")).suffix
    own = bpx.data.READERS.get(suffix) is not _READERS.get(suffix)
    return is_table(data) and not sources.has_name(data) and not own


def read(data: str, options: Mapping[str, Any]) -> Table:
    """Read a table from a file, with the options for its layout.

    Raises
    ------
    InputError
        If it cannot be read, or `inputs` is given, which is for NPZ files.
    """
    if (inputs := options.get("inputs")) is not None:
        raise bpx.InputError(
            f"--inputs {inputs} was given, which names an array of an .npz file, but {data} is "
            "a table; omit --inputs"
        )
    layout = {name: options.get(name) for name in ("header", "delimiter", "decimal")}
    return bpx.data.read_table(data, **layout)


def decide(settings: Settings, seed: int) -> Decided:
    """Choose a table's target, and fit its schema on the training rows.

    Parameters
    ----------
    settings : Settings
        The settings, including the fraction to hold out.
    seed : int
        The seed that draws the rows to hold out.

    Raises
    ------
    InputError
        If the options or the table cannot be used.
    """
    if settings.folder is not None:
        raise bpx.InputError(
            f"--data {settings.folder} was given with the file {settings.data}; give only one"
        )
    table = read(settings.data, settings.given())
    key = settings.target or bpx.data.guess_target(table)
    why = "as --target says" if settings.target else "the last column"
    there = ~table[key].missing
    if not there.any():
        raise bpx.InputError(
            f"the target {key!r} of {settings.data} is missing in every row; expected a column "
            "with values: name it with --target"
        )
    kept = table.take(there)
    task = tasks.task(settings, kept[key])
    of = splits.classes_of_column(kept[key], kept, task)
    rest, held = splits.held_rows(len(kept), settings.validation_fraction or 0.0, seed, of)
    schema = Schema.fit(
        kept,
        target=key,
        task=task,
        features=columns(table, settings.features) or None,
        drop=columns(table, settings.drop),
        scaling=settings.scaling or "standard",
        categories=settings.categories or "one-hot",
        target_scaling=tasks.target_scaling(settings, kept[key]),
        unseen=settings.unseen or "ignore",
        rows=rest,
    )
    return Decided(kept, schema, why, len(table) - len(kept), rest, held)


def with_target(table: Table, schema: Schema) -> Table:
    """Return the rows of a table that have a target."""
    target = schema.target
    if target is None or table.named != schema.named:  # the network rejects the latter
        return table
    if not has_target(table, target.name, schema.known):
        return table
    return table.take(~table[target.name].missing)


def matching(data: str, schema: Schema, options: Mapping[str, Any]) -> Table:
    """Read a table for a network with a schema.

    Raises
    ------
    InputError
        If the file is not a table.
    """
    if not is_read_as_table(data):
        raise bpx.InputError(
            f"{data} is not a table, but the network was trained on a table and finds columns "
            f"by {'name' if schema.named else 'position'}; expected a file that ends in "
            f"{', '.join(SUFFIXES)}"
        )
    given = dict(options)
    if given.get("header") is None and not data.lower().endswith((".parquet", ".pq")):
        given["header"] = schema.named
    return read(data, given)


def error(network: bpx.Network, table: Table | None) -> str | None:
    """Return the rms error of a network on a table of numbers, in their units, and R².

    None for classes.
    """
    schema = network.schema
    if table is None or schema is None or schema.target is None or schema.target.classes:
        return None
    y = schema.target.decode(schema.y(table).astype(np.float64))
    off = np.asarray(network.predict(table), np.float64)[:, 0] - y
    rms, spread = float(np.sqrt(np.mean(off**2))), float(np.var(y))
    r2 = f", R² {1.0 - rms**2 / spread:.3f}" if spread > 0 else ""
    return f"rms error {rms:.4g}{r2}"


def columns(table: Table, given: tuple[str, ...]) -> Any:
    """Split the typed column names: each is a whole name, or several separated by commas."""
    if given == (ALL,) and ALL not in table.names:
        return ALL
    whole = [each for each in given if each in table.names]
    rest = [
        name for each in given if each not in table.names for name in next(csv.reader([each]))
    ]
    return [*whole, *(name.strip() for name in rest)]
