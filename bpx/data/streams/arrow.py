"""Parquet and Arrow files as a source: a row group of Parquet, or another file, is a block."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bpx._files import expanded
from bpx.data.streams.prints import Print, of_files
from bpx.data.streams.source import Block
from bpx.data.tables.arrow import INSTALL, columns_of
from bpx.data.tables.table import Table
from bpx.errors import FileFormatError, InputError, MissingFileError

__all__ = ["SUFFIXES", "Files", "open_files"]

SUFFIXES = {".parquet": "parquet", ".pq": "parquet", ".arrow": "ipc", ".feather": "ipc"}
"""The formats by the lowercase suffix of a file's name."""


@dataclass(frozen=True)
class Files:
    """The tables in the files of a `pyarrow.dataset.Dataset`, which share their columns.

    Attributes
    ----------
    dataset : pyarrow.dataset.Dataset
    label : str
    """

    dataset: Any
    label: str

    @property
    def rows(self) -> int:
        """The number of samples, which the files' footers state."""
        return int(self.dataset.count_rows())

    def late(self) -> None:
        """Do nothing: pyarrow reads as it does."""

    def prints(self) -> dict[str, Print]:
        """Return one of the rows, the columns, and the content of the files, if there are some.

        The paths do not count, so that the files may be moved.
        """
        columns = [f"{each.name}: {each.type}" for each in self.dataset.schema]
        found = {"number of rows": self.rows, "list of columns": columns}
        paths = getattr(self.dataset, "files", None)
        if paths:
            place = self.dataset.filesystem
            sizes = [each.size for each in place.get_file_info(paths)]
            found |= of_files(_opened(place, paths), sizes)
        return {"the data set": found}

    def blocks(self, size: int | None) -> Sequence[Block]:
        """Return the row groups of Parquet files, or the whole files of another format."""
        return [
            Block(partial(self._read, fragment, size), partial(_count, fragment))
            for fragment in self._fragments()
        ]

    def sample(self, rows: int, rng: Any) -> Table:
        """Return at most that many rows, of row groups in a random order."""
        import pyarrow

        blocks, found = self._fragments(), []
        for i in rng.permutation(len(blocks)):
            found.append(blocks[i].to_table(schema=self.dataset.schema))
            if sum(each.num_rows for each in found) >= rows:
                break
        if not found:
            raise InputError(f"{self.label} has no samples; expected at least one")
        table = pyarrow.concat_tables(found).slice(0, rows)
        return Table(columns_of(table, table.column_names, self.label), label=self.label)

    def _fragments(self) -> list[Any]:
        try:
            fragments = list(self.dataset.get_fragments())
        except ValueError as error:  # it is filtered
            raise InputError(
                f"{self.label} cannot be read in blocks ({error}); expected a whole data set: "
                "write the rows that you want to files"
            ) from error
        return [
            group
            for fragment in fragments
            for group in getattr(fragment, "split_by_row_group", lambda one=fragment: [one])()
        ]

    def _read(self, fragment: Any, size: int | None) -> Iterator[Table]:
        import pyarrow

        how: dict[str, Any] = {"schema": self.dataset.schema, "use_threads": False}
        # By default, Arrow reads 16 batches of 131,072 rows ahead.
        how |= {"batch_readahead": 0, "fragment_readahead": 0}
        how |= {} if size is None else {"batch_size": size}
        try:
            for batch in fragment.to_batches(**how):
                if batch.num_rows:
                    table = pyarrow.Table.from_batches([batch])
                    names = table.column_names
                    yield Table(columns_of(table, names, self.label), label=self.label)
        except (pyarrow.ArrowException, OSError) as error:
            raise FileFormatError(
                f"{fragment.path} cannot be read ({error}); it is damaged or has changed: "
                "get a fresh copy"
            ) from error


def open_files(given: str | os.PathLike[str] | Sequence[Any], label: str) -> Files:
    """Open Parquet, Arrow or Feather files, without reading their rows.

    Parameters
    ----------
    given : path, or sequence of paths
        A file, a folder of such files, or several files.
    label : str
        The name in messages.

    Raises
    ------
    InputError
        If there is no such file, the format is unknown, or pyarrow is not installed.
    FileFormatError
        If a file has another format.
    """
    try:
        import pyarrow
        from pyarrow import dataset
    except ImportError as error:
        raise InputError(
            f"{label}: reading Parquet and Arrow files needs pyarrow, which is not installed; "
            f"install it: {INSTALL}"
        ) from error
    paths = [given] if isinstance(given, str | os.PathLike) else given
    files = sorted(file for path in paths for file in _files(expanded(path)))
    kinds = {SUFFIXES.get(file.suffix.lower()) for file in files}
    if len(kinds) != 1 or None in kinds:
        suffixes = sorted({file.suffix for file in files})
        raise InputError(
            f"{label} has files of the kinds {suffixes}; expected one of {', '.join(SUFFIXES)}"
        )
    try:
        return Files(dataset.dataset([*map(str, files)], format=kinds.pop()), label)
    except (pyarrow.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{label} cannot be read ({error}); expected files with the same columns: get "
            "fresh copies"
        ) from error


def _opened(place: Any, paths: Sequence[str]) -> Iterator[Any]:
    for path in paths:
        with place.open_input_file(path) as file:
            yield file


def _count(fragment: Any) -> int:
    """The number of rows; `count_rows` of one row group would count those of its whole file."""
    groups = getattr(fragment, "row_groups", None)
    return int(fragment.count_rows() if groups is None else sum(g.num_rows for g in groups))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES]
    if not found:
        raise MissingFileError(
            f"{path} {'has no files' if path.is_dir() else 'does not exist'}; expected a "
            f"{', '.join(SUFFIXES)} file, or a folder with some"
        )
    return found
