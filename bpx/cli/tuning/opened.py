"""The folder of a search: begun by the first worker that comes, and joined by the others."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import tomli_w

import bpx
from bpx._files import write_atomically
from bpx.arrays.host import fresh_seed
from bpx.cli.tuning.alive import alone
from bpx.cli.tuning.search import Search, read_search
from bpx.cli.tuning.trying import check
from bpx.cli.tuning.workers import FILE

__all__ = ["opened"]

_LOCK = ".lock"


def opened(search: Search, folder: Path, train: click.Command) -> Search:
    """Begin a search in a folder, after checking its settings, or join the one that is there.

    Parameters
    ----------
    search : Search
    folder : Path
        Made if it does not exist.
    train : click.Command
        ``bpx train``.

    Returns
    -------
    Search
        With the seed that all its trials share.

    Raises
    ------
    InputError
        If a setting cannot be used, or the folder holds something else, or another search.
    """
    file = folder / FILE
    _check_folder(folder)
    is_own = file.exists() and file.samefile(search.file)
    if is_own and not (folder / _LOCK).exists():  # which a search has from its beginning
        raise bpx.InputError(
            f"{search.file} is in the folder of the search, which holds a {FILE} of its own; "
            "move it elsewhere, or choose another --out"
        )
    begun = _with_seed(search)
    if not file.exists():
        check(begun, train)
        _make(folder)
    with alone(folder):
        if not file.exists():
            with write_atomically(file) as out:
                out.write(tomli_w.dumps(begun.tree).encode())
    return _joined(search, read_search(str(file)))


def _check_folder(folder: Path) -> None:
    if os.path.isfile(folder):
        raise bpx.InputError(f"--out {folder} is a file; expected a folder")
    if not folder.is_dir() or (folder / FILE).exists():
        return
    names = [each.name for each in folder.iterdir()]
    own = (_LOCK, f".{FILE}.")  # of a worker that is just beginning the search
    if FILE not in names and not all(name.startswith(own) for name in names):
        raise bpx.InputError(
            f"--out {folder} has files in it, and is no search; expected a new or empty "
            "folder, or that of a search, to go on with"
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise bpx.InputError(
            f"--out {folder} cannot be made: {error.strerror or error}; expected a path that "
            "you can write to"
        ) from error


def _with_seed(search: Search) -> Search:
    """Draw the seed that all trials share, so that they hold out the same samples."""
    if search.options.get("seed") is not None:
        return search
    return replace(search, options={**search.options, "seed": fresh_seed()})


def _joined(search: Search, there: Search) -> Search:
    """Return the search that is there, for as many trials as are asked for now.

    Raises
    ------
    InputError
        If it is another one.
    """
    ours, theirs = _flat(search), _flat(there)
    ours.setdefault("seed", theirs.get("seed"))  # drawn, unless the file has one
    other = [name for name in {**theirs, **ours} if ours.get(name) != theirs.get(name)]
    if other:
        name = other[0]
        raise bpx.InputError(
            f"{search.file} has {name} = {ours.get(name)!r}, but the search in "
            f"{Path(there.file).parent} was begun with {theirs.get(name)!r}; expected the same "
            "search, or another --out"
        )
    return replace(there, trials=search.trials)


def _flat(search: Search) -> dict[str, Any]:
    """Return all that makes a search, by name."""
    tree = search.tree
    how = tree.pop("tune")
    how.pop("trials")
    space = {f"[tune.space] {name}": each for name, each in how.pop("space").items()}
    return {**tree, **{f"[tune] {name}": each for name, each in how.items()}, **space}
