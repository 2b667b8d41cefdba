"""Move arrays between libraries and devices, only on request.

On the same CUDA device, arrays change library through DLPack; otherwise they go through the
host. Either way the result is new memory, unless the caller asks to share it.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, TypeAlias, cast, get_args

from bpx._dense import refuse_masked_or_sparse
from bpx.arrays.backend import Backend
from bpx.arrays.choice import Dtype, default_dtype
from bpx.arrays.home import Home, select
from bpx.arrays.host import (
    as_host,
    is_frozen,
    is_host,
    is_in_order,
    is_read_only,
)
from bpx.arrays.registry import backend_of, describe, dtype_name, is_traced, namespace
from bpx.errors import BackendError, InputError
from bpx_backends import BackendName

__all__ = ["DTYPES", "asarray", "bring", "give_back", "lasting", "move_to", "to_host"]

ArrayDtype: TypeAlias = Literal[
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
]
"""A dtype in which arrays can be moved, if the library has it."""
DTYPES: tuple[ArrayDtype, ...] = get_args(ArrayDtype)


def asarray(
    x: Any,
    backend: BackendName | str | None = None,
    *,
    dtype: ArrayDtype | None = None,
    copy: bool | None = None,
) -> Any:
    """Convert `x` to an array of the chosen backend.

    Parameters
    ----------
    x : array of any library, or nested sequence of float
        It is never written.
    backend : str, optional
        ``backend[:device]``; by default, the choice of `bpx.use`, `bpx.set_default` or the
        environment.
    dtype : str, optional
        A dtype such as ``"float32"`` or ``"int32"``. By default, the dtype of `x` (JAX without
        its 64-bit mode rejects float64: pass ``"float32"`` there); fractions in a sequence get
        the default dtype of parameters, which ``BPX_DTYPE`` can set.
    copy : bool, optional
        True: always new memory. False: share the memory of `x`, or raise; writes to one are
        then visible in the other. None: `x` itself if it already has the backend, device and
        dtype, else new memory.

    Raises
    ------
    BackendError
        If the backend cannot be used, or cannot hold the dtype.
    InputError
        If `x` is not an array of real numbers, or `copy` is False and it cannot be shared.

    Examples
    --------
    >>> bpx.asarray([1.0, 2.0], backend="numpy", dtype="float32")
    array([1., 2.], dtype=float32)
    """
    home = replace(select(backend, "float32"), dtype=default_dtype())
    return _transfer(x, home, dtype, copy, "x")


def to_host(x: Any) -> Any:
    """Return the values of `x`, an array of any library, as a NumPy array.

    The result may share the memory of `x`, and may be read-only.
    """
    backend = backend_of(x)
    return as_host(x, "x") if backend is None else backend.to_host(x)


def move_to(*arrays: Any, like: Any, dtype: ArrayDtype | None = None) -> Any:
    """Move arrays to the library and the device of another array.

    Parameters
    ----------
    *arrays : arrays of any library, or nested sequences of float
    like : array
        The array to follow, as in ``bpx.move_to(x, y, like=net.weights[0])``.
    dtype : str, optional
        The dtype of all results. By default, floating-point arrays take that of `like`, if it
        is floating, and integers keep theirs.

    Returns
    -------
    array, or tuple of arrays if several were given
        An array that is already there is returned unchanged.

    Raises
    ------
    InputError
        If `like` is not an array of a known library, or an argument is not made of numbers.
    """
    backend = backend_of(like)
    if backend is None:
        raise InputError(f"like is {describe(like)}; expected an array, such as net.weights[0]")
    home = _beside(backend, like, dtype_name(like))
    moved = tuple(_transfer(x, home, dtype or _float_of(x, home), None, "x") for x in arrays)
    return moved[0] if len(moved) == 1 else moved


def bring(
    x: Any, home: Home, name: str, *, dtype: str | None = None, copy: bool | None = None
) -> Any:
    """Move `x` to a network's home, in its dtype or in `dtype`.

    Returns `x` itself if it is there already and no copy is requested.
    """
    return _transfer(x, home, dtype or home.dtype, copy, name)


def lasting(x: Any, home: Home, name: str, *, dtype: str | None = None) -> Any:
    """Return `x` at a network's home, protected from later writes into `x`.

    An array that nothing can write to is used directly. Any other is copied once; a cast or a
    move counts as that copy.
    """
    dtype = dtype or home.dtype
    if not (is_host(x) and home.owns(x)):
        immutable = getattr(home.backend, "immutable", False)
        return _transfer(x, home, dtype, None if immutable else True, name)
    same = x.dtype == dtype
    return x if same and is_frozen(x) and is_in_order(x) else home.asarray(x, dtype)


def give_back(result: Any, like: Any) -> Any:
    """Return a result in the library and on the device of the input it came from.

    If the input was not an array (a list, for example), the result is a host array.
    """
    backend = backend_of(like)
    if backend is None:
        return to_host(result)
    if backend_of(result) is backend and backend.device_of(result) == backend.device_of(like):
        return result
    return bring(result, _beside(backend, like, dtype_name(result)), "x")


def _beside(backend: Backend, like: Any, dtype: str) -> Home:
    """Return the place of an array as a home, even with a dtype that no network has."""
    return Home(backend, backend.device_of(like), None, cast("Dtype", dtype))


def _transfer(x: Any, home: Home, dtype: str | None, copy: bool | None, name: str) -> Any:
    if copy is None and dtype is not None and home.owns(x) and dtype_name(x) == dtype:
        refuse_masked_or_sparse(x, name)
        return x
    if backend_of(x) is None:
        if copy is False:
            raise InputError(f"{name} is {describe(x)}: it has no memory to share; omit copy")
        x = as_host(x, name)
        dtype = dtype or _float_of(x, home)
    refuse_masked_or_sparse(x, name)
    wanted = getattr(dtype, "name", dtype) or dtype_name(x)  # numpy.dtype has a name
    if wanted not in DTYPES or not hasattr(home.backend.xp, wanted):
        raise InputError(
            f"dtype {wanted!r} was given for {name}; expected a name that "
            f"{home.backend.name} has, of {', '.join(DTYPES)}"
        )
    try:
        home.backend.check_dtype(wanted)
        return _moved(x, home, wanted, copy, name)
    except (InputError, BackendError):
        raise
    except (ValueError, OverflowError, TypeError) as error:
        raise BackendError(f"{name} cannot be stored as {wanted} on {home}: {error}") from error


def _moved(x: Any, home: Home, dtype: str, copy: bool | None, name: str) -> Any:
    if home.owns(x):
        return _cast(x, home, dtype, copy, name)
    if copy is False:
        return _cast(_share(x, home, name), home, dtype, copy, name)
    if _on_cuda(x):
        # Share our own contiguous copy: some libraries abort on foreign strides.
        with suppress(InputError):
            own = namespace(x).asarray(x, copy=True)
            return _cast(_share(own, home, name), home, dtype, None, name)
    return home.asarray(as_host(x, name), dtype)


def _cast(x: Any, home: Home, dtype: str, copy: bool | None, name: str) -> Any:
    xp = home.backend.xp
    same = x.dtype == getattr(xp, dtype)
    if same and not copy:
        return x
    if copy is False:
        raise InputError(f"{name} is {describe(x)}; it cannot be shared as {dtype}: omit copy")
    return xp.astype(x, getattr(xp, dtype), copy=True)


def _share(x: Any, home: Home, name: str) -> Any:
    strides = getattr(x, "strides", ())
    if isinstance(strides, tuple) and any(stride < 0 for stride in strides):
        raise InputError(f"{name} has negative strides and cannot be shared: omit copy")
    if is_read_only(x):
        raise InputError(f"{name} is read-only and cannot be shared: omit copy")
    try:
        shared = home.backend.xp.from_dlpack(x)
    except Exception as error:
        raise InputError(
            f"{name} is {describe(x)} and cannot be shared with {home} ({error}): omit copy"
        ) from error
    if not home.owns(shared):
        raise InputError(f"{name} is {describe(x)}, which is not {home}: omit copy")
    return shared


def _float_of(x: Any, home: Home) -> str | None:
    """Return the dtype of `home` if it and `x` are floating; else None, to keep that of `x`."""
    floating = hasattr(x, "dtype") and "float" in dtype_name(x)
    return home.dtype if floating and "float" in home.dtype else None


_CUDA = 2  # DLPack's kDLCUDA


def _on_cuda(x: Any) -> bool:
    if is_traced(x):
        return False
    return hasattr(x, "__dlpack_device__") and int(x.__dlpack_device__()[0]) == _CUDA
