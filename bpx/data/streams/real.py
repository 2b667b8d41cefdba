"""Arrays in the parts of a stream, held to what arrays in memory are held to."""

from typing import Any

import numpy as np

from bpx._dense import refuse_masked_or_sparse
from bpx.errors import InputError

__all__ = ["as_real", "on_host"]


def as_real(given: Any, name: str) -> Any:
    """Return rows of real numbers; those that are read from a file later are still unread.

    Parameters
    ----------
    given : Rows, array or array-like, shape (m, ...)
    name : str
        Which of a part's arrays it is, for messages.

    Raises
    ------
    InputError
        If it is masked, sparse, complex, ragged, a single value, or not made of numbers.
    """
    rows = given if hasattr(given, "copy_to") else on_host(given, name)
    if rows.dtype.kind not in "biuf":
        raise InputError(
            f"{name} has dtype {rows.dtype}; expected real numbers: convert it first"
        )
    return rows


def on_host(given: Any, name: str) -> Any:
    """Return a host array of any dtype, with at least one axis.

    Raises
    ------
    InputError
        If it is masked, sparse, ragged, or a single value.
    """
    refuse_masked_or_sparse(given, name)
    try:
        rows = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{name} cannot become an array ({error}); expected one row for each sample, all "
            "of the same length, in the memory of the host"
        ) from error
    if not rows.ndim:
        raise InputError(
            f"{name} is {type(given).__name__}, which has no rows; expected an array with one "
            "row for each sample"
        )
    return rows
