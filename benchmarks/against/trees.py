"""The two sides: this folder, and a worktree of the commit to compare with."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["HERE", "SIDES", "TreeError", "commit", "paths", "worktree"]

HERE = Path(__file__).parents[2]
SIDES = ("old", "new")


class TreeError(Exception):
    """The commit does not exist, or git cannot be run."""


def commit(name: str) -> str:
    """The full name of a commit of this folder's repository.

    Raises
    ------
    TreeError
        If there is none.
    """
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


@contextmanager
def worktree(name: str) -> Iterator[Path]:
    """Check that commit out into a folder for as long as the block lasts.

    Raises
    ------
    TreeError
        If there is no such commit.
    """
    full = commit(name)
    with TemporaryDirectory(prefix="bpx-against-") as folder:
        place = Path(folder, full[:12])
        _git("worktree", "add", "--detach", str(place), full)
        try:
            yield place
        finally:
            _git("worktree", "remove", "--force", str(place))


def paths(root: Path) -> list[str]:
    """The folders of a tree for ``PYTHONPATH``: those of bpx and of its backends."""
    return [str(each) for each in (root, root / "backends") if each.is_dir()]


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True)
    except OSError as error:
        raise TreeError(f"git cannot be run: {error}") from error
    if done.returncode:
        asked = words[-1].partition("^")[0]
        raise TreeError(f"git {words[0]}, {asked}: {done.stderr.strip() or 'no such commit'}")
    return done.stdout.strip()
