"""Arrays of dask, whose values are computed when they are needed, and arrays in chunks."""

from collections.abc import Sequence
from typing import Any

from bpx.errors import InputError

__all__ = ["check_lazy", "chunk_rows", "computed", "is_lazy"]


def is_lazy(x: Any) -> bool:
    """Whether `x` is one of dask's collections; this imports nothing."""
    return hasattr(type(x), "__dask_graph__")


def check_lazy(x: Any, name: str) -> None:
    """Refuse what is dask's, but no array with a known number of rows.

    Raises
    ------
    InputError
    """
    if not is_lazy(x):
        return
    kind = type(x)  # a Delayed has any attribute, its class has not
    array = f"pass the array {name}.to_dask_array(lengths=True)"
    if name == "x" and hasattr(kind, "columns"):
        raise InputError(
            f"{name} is a {kind.__name__} of dask; expected an array: write it to files by "
            f"{name}.to_parquet(folder), and pass the folder with target=..., or {array}"
        )
    if not hasattr(kind, "chunks"):
        instead = array if hasattr(kind, "to_dask_array") else "make one by dask.array"
        raise InputError(f"{name} is a {kind.__name__} of dask; expected an array: {instead}")
    if x.shape and x.shape[0] != x.shape[0]:  # NaN
        raise InputError(
            f"{name} is an array of dask whose number of rows is not known; call "
            f"{name}.compute_chunk_sizes() first"
        )


def computed(arrays: Sequence[Any]) -> list[Any]:
    """Return arrays with those of dask computed together, as they may share steps."""
    lazy = [each for each in arrays if is_lazy(each)]
    if not lazy:
        return list(arrays)
    import dask

    found = iter(dask.compute(*lazy))
    return [next(found) if is_lazy(each) else each for each in arrays]


def chunk_rows(x: Any) -> int | None:
    """Return the rows of a chunk of an array in chunks of one length; None for any other.

    Arrays of HDF5 and Zarr tell the lengths of a chunk; those of dask tell those of all chunks.
    """
    along = (getattr(x, "chunks", None) or (None,))[0]
    if isinstance(along, tuple):
        first, *others = along or (0,)
        equal = all(each == first for each in others[:-1]) and max(along, default=0) == first
        return first if equal and first else None
    return along if isinstance(along, int) and along > 0 else None
