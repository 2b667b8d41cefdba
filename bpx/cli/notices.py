"""Warnings of bpx at the command line: a line each, without the file that raised it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

import bpx

__all__ = ["as_lines"]


@contextmanager
def as_lines() -> Iterator[None]:
    """Inside it, a `bpx.DataWarning` is a line on standard error; others are as they were."""
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
