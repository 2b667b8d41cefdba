"""Choose a backend by name, and the dtype of parameters.

An explicit argument takes precedence over `use`, then `set_default`, then the environment
variables ``BPX_BACKEND`` and ``BPX_DTYPE``, and last ``numpy`` and ``float32``. The choice is
read when a network is made, never at import.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple, TypeAlias, get_args

from bpx.arrays.registry import by_name, known
from bpx.errors import BackendError, InputError, advice, nearest
from bpx_backends import KNOWN, BackendName

__all__ = [
    "DTYPES",
    "Dtype",
    "checked",
    "chosen",
    "default_dtype",
    "set_default",
    "split",
    "use",
]

Dtype: TypeAlias = Literal["float32", "float64"]
"""A dtype that parameters can be stored in."""

DTYPES: tuple[Dtype, ...] = get_args(Dtype)


class _Choice(NamedTuple):
    backend: str | None = None
    dtype: Dtype | None = None


_NOTHING = _Choice()
_in_context: ContextVar[_Choice] = ContextVar("bpx.use", default=_NOTHING)
_in_process = _NOTHING


@contextmanager
def use(
    backend: BackendName | str | None = None, *, dtype: Dtype | None = None
) -> Iterator[None]:
    """Choose the backend for networks made inside a ``with`` block, in this thread or task.

    Parameters
    ----------
    backend : str, optional
        ``backend[:device]``, as in ``"cupy:1"``, or ``"auto"``.
    dtype : {"float32", "float64"}, optional
        The dtype of parameters.

    Raises
    ------
    BackendError, InputError
        If a name is unknown. A missing library raises only when a network is made.

    Examples
    --------
    >>> with bpx.use("numpy", dtype="float64"):
    ...     net = bpx.Network([2, 3, 1])
    >>> net.weights[0].dtype
    dtype('float64')
    """
    outer = _in_context.get()
    choice = checked(backend, dtype)
    token = _in_context.set(
        _Choice(choice.backend or outer.backend, choice.dtype or outer.dtype)
    )
    try:
        yield
    finally:
        _in_context.reset(token)


def set_default(
    backend: BackendName | str | None = None, *, dtype: Dtype | None = None
) -> None:
    """Choose the backend for the whole process: every thread, every notebook cell.

    Parameters
    ----------
    backend, dtype : str, optional
        As in `use`. An argument that is None resets its default to the environment's choice.

    Raises
    ------
    BackendError, InputError
        If a name is unknown.
    """
    global _in_process
    _in_process = checked(backend, dtype)


def chosen(backend: str | None, dtype: str | None) -> tuple[str, Dtype]:
    """Return a backend's name and a dtype, each from the first source that chooses one."""
    asked = checked(backend, dtype)
    made = asked.backend or _in_context.get().backend or _in_process.backend
    name = made or _from_environment("BPX_BACKEND").backend or "numpy"
    return name, asked.dtype or default_dtype()


def default_dtype() -> Dtype:
    """Return the dtype of parameters that `use`, `set_default` and the environment choose."""
    made = _in_context.get().dtype or _in_process.dtype
    return made or _from_environment("BPX_DTYPE").dtype or "float32"


def _from_environment(variable: str) -> _Choice:
    """Return the choice of a variable, checked; an error names the variable."""
    said = os.environ.get(variable)
    try:
        return checked(*((said, None) if variable == "BPX_BACKEND" else (None, said)))
    except (BackendError, InputError) as error:
        raise type(error)(f"in the environment variable {variable}: {error}") from error


def checked(backend: str | None, dtype: str | None) -> _Choice:
    """Check the spelling of both names, without importing a backend, and return them."""
    if dtype and (not isinstance(dtype, str) or dtype not in DTYPES):
        half = f"; to compute products in 16 bits, train with precision={dtype!r}"
        raise InputError(
            f"dtype {dtype!r} was given; parameters are stored in {' or '.join(DTYPES)}"
            f"{nearest(str(dtype), DTYPES)}"
            + advice(half if str(dtype) in ("float16", "bfloat16") else "", "")
        )
    if backend:
        split(backend)
    return _Choice(backend or None, dtype or None)


def split(spec: str) -> tuple[str, str | None]:
    """Split at the first colon: ``"torch:cuda:0"`` becomes ``("torch", "cuda:0")``."""
    name, _, device = str(spec).partition(":")
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise BackendError(
            f"backend {spec!r} was given; expected backend[:device] in lower case, such as "
            f"numpy, cupy:1 or torch:cuda:0; known: {', '.join(known())}, auto"
        )
    if name == "auto" and device:
        raise BackendError(f"{spec!r} was given; auto finds the device itself: write 'auto'")
    if name not in KNOWN and name != "auto" and name not in known():
        by_name(name)  # raises, with the nearest spelling
    return name, device or None
