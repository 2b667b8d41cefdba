"""Fingerprints of samples, so that a run is continued only with the samples that it began with.

An array of up to 64 MiB is hashed as a whole; of a larger one, a thousand blocks of rows at
even distances, the first and the last among them. They are hashed as training sees them: cast
to the network's dtype.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import to_host
from bpx.errors import InputError

__all__ = ["check_same", "fingerprint", "fingerprints"]

WHOLE = 1 << 26
"""The bytes up to which all of an array is hashed."""
BLOCK = 1 << 16
BLOCKS = 1024


def fingerprint(x: Any) -> dict[str, Any]:
    """Return the shape, the dtype and a hash of an array of any library, shape (n, ...)."""
    hashed, host = blake2b(digest_size=16), to_host(x)
    for start, stop in _blocks(host):
        hashed.update(host[start:stop].tobytes())
    return {"shape": list(x.shape), "dtype": dtype_name(x), "blake2b": hashed.hexdigest()}


def fingerprints(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fingerprint of each array by its name; None stands for no array."""
    return {name: fingerprint(x) for name, x in arrays.items() if x is not None}


def check_same(run: str, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse other samples than those of a run.

    Raises
    ------
    InputError
        The message names the array, and how it differs.
    """
    for name in (*saved, *(each for each in given if each not in saved)):
        if name not in given:
            raise InputError(f"{run} was trained with {name}, which was not given; pass it")
        if name not in saved:
            raise InputError(f"{name} was given, but {run} was trained without it; omit it")
        before, now = saved[name], given[name]
        for part in ("shape", "dtype"):
            if before[part] != now[part]:
                told = [tuple(each[part]) if part == "shape" else each[part]
                        for each in (now, before)]  # fmt: skip
                raise InputError(
                    f"{name} has another {part} than in {run}: {told[0]}, not {told[1]}; "
                    "expected the same samples"
                )
        if before != now:
            raise InputError(
                f"{name} has other values than in {run}; expected the same samples, in the "
                "same order"
            )


def _blocks(x: Any) -> Iterator[tuple[int, int]]:
    """Yield the rows to hash, a few at a time."""
    n, row = x.shape[0], max(1, x.nbytes // max(1, x.shape[0]))
    rows = max(1, BLOCK // row)
    if x.nbytes <= WHOLE:
        yield from ((a, min(a + rows, n)) for a in range(0, n, rows))
        return
    last = max(0, n - rows)
    for i in range(BLOCKS):
        start = i * last // (BLOCKS - 1)
        yield start, min(start + rows, n)
