"""The relative paths of a run, which may lie where it was started."""

import os
from pathlib import Path

import click

from bpx._files import expanded

__all__ = ["STARTED", "found"]

STARTED = "started"
"""The key of the folder in which a run was started, to which the paths in it are relative."""


def found(path: str, started: object) -> str:
    """Return a path, or its place where the run was started, if it is there and not here.

    Parameters
    ----------
    path : str
    started : str
        The folder in which the run was started; anything else if it is not known.
    """
    if os.path.exists(expanded(path)) or not isinstance(started, str):
        return path
    place = Path(started) / path
    if not os.path.exists(place):
        return path  # which is then missed by its own name
    click.echo(f"{path} is not here; {place}, where the run was started, is read", err=True)
    return str(place)
