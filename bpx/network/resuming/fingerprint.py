"""Fingerprints of samples, so that a run is continued only with the samples that it began with.

An array of up to 64 MiB is hashed as a whole; of a larger one, a thousand blocks of rows at
even distances, the first and the last among them. They are hashed as training sees them: cast
to the network's dtype.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from bpx._spans import BLOCK, BLOCKS, WHOLE, spans
from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.model.windowed import WindowedSamples
from bpx.training.arguments import Job

if TYPE_CHECKING:
    from bpx.data import Stream

__all__ = [
    "STREAM",
    "check_kind",
    "check_same",
    "fingerprint",
    "fingerprints",
    "of_training",
    "shown",
]

_HASH = "blake2b"

STREAM = "the stream"
"""The name of the fingerprint that training on a `bpx.data.Stream` has, and no other one."""


def fingerprint(x: Any) -> dict[str, Any]:
    """Return the shape, the dtype and a hash of an array of any library, shape (n, ...)."""
    hashed, host = blake2b(digest_size=16), to_host(x)
    for start, stop in spans(host.shape[0], _row(host), WHOLE, BLOCK, BLOCKS):
        hashed.update(host[start:stop].tobytes())
    return {"shape": list(x.shape), "dtype": dtype_name(x), _HASH: hashed.hexdigest()}


def fingerprints(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fingerprint of each array by its name; None stands for no array."""
    return {name: fingerprint(x) for name, x in arrays.items() if x is not None}


def of_training(job: Job, stream: "Stream | None", batch_size: int) -> dict[str, Any]:
    """Return the fingerprints of all samples of a training by their names."""
    of_arrays: dict[str, Any] = {}
    found: dict[str, Any] = {} if stream is None else stream.prints(batch_size)
    if stream is None:
        of_arrays |= {
            "x": job.data.x,
            "y": job.data.y,
            "the weights of the samples": job.data.s,
        }
    held = job.validation
    if isinstance(held, WindowedSamples):
        found |= {f"validation {name}": each for name, each in held.stream.prints().items()}
    elif held is not None:
        of_arrays |= {"validation x": held.x, "validation y": held.y}
        of_arrays |= {"the weights of the validation samples": held.s}
    return {**found, **fingerprints(of_arrays)}


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
        expected = "the same block and window" if name == STREAM else "the same samples"
        if part := _differ(before, now):
            raise InputError(
                f"{name} has another {part} than in {run}: {_told(now.get(part))}, not "
                f"{_told(before.get(part))}; expected {expected}"
            )
        if before != now:
            raise InputError(
                f"{name} has other values than in {run}; expected the same samples, in the "
                "same order"
            )


def check_kind(run: str, saved: Mapping[str, Any], is_stream: bool) -> None:
    """Refuse arrays where a run was trained on a stream, and a stream where on arrays.

    Raises
    ------
    InputError
    """
    if is_stream != (STREAM in saved):
        kinds = "arrays or a table", "a bpx.data.Stream"
        raise InputError(
            f"{run} was trained on {kinds[not is_stream]}; expected the same samples, not "
            f"{kinds[is_stream]}"
        )


def shown(each: Mapping[str, Any]) -> str:
    """Return a fingerprint for people."""
    if "shape" in each:
        return f"{tuple(each['shape'])} {each['dtype']} {each[_HASH]}"
    return ", ".join(f"{name} {value}" for name, value in each.items())


def _row(x: Any) -> int:
    """The bytes of a row."""
    return int(x.nbytes // max(1, x.shape[0]))


def _differ(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return the first property in which two fingerprints differ, before their hash."""
    names = [*before, *(each for each in now if each not in before)]
    differing = [each for each in names if before.get(each) != now.get(each)]
    return next((each for each in differing if each != _HASH), None)


def _told(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
