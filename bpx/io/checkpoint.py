"""Save and load a network in one safetensors file, with its spec in the metadata.

The arrays are named as in a PyTorch ``Sequential`` of ``Linear`` layers, each followed by an
activation: ``0.weight``, ``0.bias``, ``2.weight``, ... of shapes (out, in) and (out,), without
``bias`` for a layer without biases. A feedback's matrices for the hidden layers are
``0.feedback``, ``2.feedback``, ...
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bpx._files import expanded, write_atomically
from bpx.arrays.choice import DTYPES
from bpx.errors import FileFormatError, InputError
from bpx.io import layers, tensors
from bpx.io.description import described, notes_of, restored
from bpx.io.sequential import Stored, linear_layers, spec_of
from bpx.io.tensors import opened
from bpx.layers.dense import Dense
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec, check_feedback, check_shapes
from bpx.program.contract import leaves

__all__ = ["Saved", "packed", "read", "save"]

_WRITER = "Network.save"


class Saved(NamedTuple):
    """A network as read from a file: host arrays, and the dtype they were saved in."""

    spec: Spec
    parameters: Parameters
    feedback: tuple[Any, ...]
    seed: int | None
    dtype: str
    notes: Mapping[str, Any]


def save(
    path: str | Path,
    spec: Spec,
    parameters: Parameters,
    feedback: tuple[Any, ...],
    seed: int | None,
    notes: Mapping[str, Any],
) -> None:
    """Write a network to `path` atomically: see `packed`."""
    content = packed(spec, parameters, feedback, seed, notes)
    with write_atomically(path) as file:
        file.write(content)


def packed(
    spec: Spec,
    parameters: Parameters,
    feedback: tuple[Any, ...],
    seed: int | None,
    notes: Mapping[str, Any],
) -> bytes:
    """Return the contents of a network's file.

    Parameters
    ----------
    spec, parameters, feedback, seed
    notes : mapping of str to JSON values
        Additional entries for the metadata, with names that the spec's parts do not use.
    """
    drawn = zip(_feedback_names(spec), feedback, strict=True)
    arrays = dict((*layers.named(spec, parameters), *drawn))
    # Use a single key: safetensors writes several keys in varying order, and equal networks
    # must make equal files.
    return tensors.packed(arrays, {"bpx": described(spec, seed, notes)})


def read(
    path: str | Path,
    custom: Mapping[str, Any],
    are_right: Callable[[Mapping[str, Any]], bool],
    chosen: Mapping[str, Any] | None = None,
) -> Saved:
    """Read a file: `bpx.load` without choosing a home.

    Parameters
    ----------
    path, custom
        As for `bpx.load`.
    are_right : callable
        ``are_right(notes) -> bool``: whether the notes are valid. A `KeyError`,
        `TypeError` or `ValueError` means no.
    chosen : mapping of str, optional
        The activations and the cost of a PyTorch file: see `spec_of`.

    Raises
    ------
    InputError
        If the file does not exist, a part is neither built in nor custom, or `chosen` is
        given for a file that bpx wrote.
    FileFormatError
        If the file is truncated, of another format, or inconsistent.
    """
    place = expanded(path)
    metadata, found = _header(place)
    if metadata is None:
        return _of_pytorch(place, found, chosen or {})
    for name, value in (chosen or {}).items():
        raise InputError(
            f"{name}={value!r} was given for {path}, but this file names its activations and "
            "its cost; omit the argument"
        )
    arrays = _arrays(place)
    largest = len(metadata) + sum(array.size for array in arrays.values())
    spec, told = restored(path, metadata, custom, are_right, largest)
    try:
        parameters = layers.parameters_of(spec, arrays)
        check_shapes(spec, parameters)
        _check_dtypes(parameters)
        feedback = tuple(arrays[name] for name in _feedback_names(spec))
        check_feedback(spec, feedback)
    except KeyError as error:
        raise FileFormatError(
            f"{path} lacks the array {error}, which its spec requires"
        ) from error
    except InputError as error:
        raise FileFormatError(f"{path} does not fit its own spec: {error}") from error
    dtype = parameters.w[0].dtype.name
    return Saved(spec, parameters, feedback, told["seed"], dtype, notes_of(told))


def _feedback_names(spec: Spec) -> list[str]:
    """Return the names of the feedback's arrays, one for each hidden Dense layer with one."""
    each = zip(layers.places(spec.layers), spec.layers, strict=True)
    dense = [place for place, layer in each if isinstance(layer, Dense)]
    return [f"{place}.feedback" for place in dense[: len(spec.feedback.shapes(spec.sizes))]]


def _check_dtypes(parameters: Parameters) -> None:
    found = {array.dtype.name for array in leaves(parameters)}
    if len(found) > 1 or not found <= set(DTYPES):
        raise InputError(f"its arrays are {', '.join(sorted(found))}; expected one of {DTYPES}")


def _of_pytorch(path: Path, found: Mapping[str, Stored], chosen: Mapping[str, Any]) -> Saved:
    linear = linear_layers(path, found)
    spec = spec_of(path, linear, chosen)
    arrays = _arrays(path)
    w, b = (
        [arrays.get(f"{layer}.{field}".removeprefix(".")) for layer in linear]
        for field in ("weight", "bias")
    )
    parameters = Parameters.dense(w, b)
    return Saved(spec, parameters, (), None, parameters.like.dtype.name, {})


def _header(path: Path) -> tuple[str | None, dict[str, Stored]]:
    """Return bpx's metadata, if any, and the arrays' shapes and dtypes, before reading them."""
    with opened(path, _WRITER) as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        found = {
            name: Stored(tuple(each.get_shape()), str(each.get_dtype()))
            for name, each in slices.items()
        }
        return (file.metadata() or {}).get("bpx"), found


def _arrays(path: Path) -> dict[str, Any]:
    with opened(path, _WRITER) as file:
        return tensors.arrays(file)
