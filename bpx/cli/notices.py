"""Print bpx's warnings as one line each, without the file that raised them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

import bpx

__all__ = ["as_lines"]


@contextmanager
def as_lines() -> Iterator[None]:
    """Print each `bpx.DataWarning` in the block as a line on standard error.

    Other warnings are shown as before.
    """
    with warnings.catch_warnings():
        show: Any = warnings.showwarning

        def line(message: Any, category: Any, *place: Any, **more: Any) -> None:
            if issubclass(category, bpx.DataWarning):
                click.echo(f"Warning: {message}", err=True)
            else:
                show(message, category, *place, **more)

        warnings.showwarning = line
        warnings.simplefilter("always", bpx.DataWarning)
        yield
