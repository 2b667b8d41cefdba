"""Save and load a network in one safetensors file, with its spec in the metadata.

The arrays are named as in a PyTorch ``Sequential`` of ``Linear`` layers, each followed by an
activation: ``0.weight``, ``0.bias``, ``2.weight``, ... of shapes (out, in) and (out,), without
``bias`` for a layer without biases. A feedback's matrices for the hidden layers are
``0.feedback``, ``2.feedback``, ...
"""

import json
from collections.abc import Callable, Mapping
from inspect import isfunction
from pathlib import Path
from typing import Any, NamedTuple

from bpx import costs
from bpx._files import expanded, write_atomically
from bpx.activations import ACTIVATIONS
from bpx.arrays.choice import DTYPES
from bpx.errors import FileFormatError, InputError, advice
from bpx.feedback import FEEDBACKS
from bpx.io import layers, tensors
from bpx.io.sequential import Stored, linear_layers, spec_of
from bpx.io.tensors import opened
from bpx.layers import LAYERS
from bpx.layers.dense import Dense
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec, check_feedback, check_shapes, make_spec
from bpx.program.contract import leaves

__all__ = ["Saved", "packed", "read", "save"]

_FORMAT = 1
_WRITER = "Network.save"
_PARTS = ("format", "sizes", "activations", "cost", "feedback", "custom", "seed", "layers")
_SORTS: dict[str, tuple[Mapping[str, Any], Callable[[Any], bool]]] = {
    "activations": (ACTIVATIONS, lambda part: hasattr(part, "pullback")),
    "cost": (costs.COSTS, lambda part: hasattr(part, "grad_a")),
    "feedback": (FEEDBACKS, lambda part: hasattr(part, "matrix") or isfunction(part)),
    "layers": (LAYERS, callable),
}
"""For each sort of part that a file names: the built-in parts, and a test for the sort."""


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
    return tensors.packed(arrays, _metadata(spec, seed, notes))


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
    described = _described(path, metadata, are_right)
    known = _known(path, described, custom)
    try:
        spec = _spec(described, known)
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
    return Saved(spec, parameters, feedback, described["seed"], dtype, _notes(described))


def _feedback_names(spec: Spec) -> list[str]:
    """Return the names of the feedback's arrays, one for each hidden Dense layer with one."""
    each = zip(layers.places(spec.layers), spec.layers, strict=True)
    dense = [place for place, layer in each if isinstance(layer, Dense)]
    return [f"{place}.feedback" for place in dense[: len(spec.feedback.shapes(spec.sizes))]]


def _check_dtypes(parameters: Parameters) -> None:
    found = {array.dtype.name for array in leaves(parameters)}
    if len(found) > 1 or not found <= set(DTYPES):
        raise InputError(f"its arrays are {', '.join(sorted(found))}; expected one of {DTYPES}")


def _metadata(spec: Spec, seed: int | None, notes: Mapping[str, Any]) -> dict[str, str]:
    activations = {layer.activation.name: layer.activation for layer in spec.dense}
    own = [name for name, value in activations.items() if ACTIVATIONS.get(name) != value]
    own += [spec.cost.name] * (costs.built_in(spec.cost.name) != spec.cost)
    own += [spec.feedback.name] * (FEEDBACKS.get(spec.feedback.name) != spec.feedback)
    own += layers.own_kinds(spec)
    described: dict[str, Any] = {
        "format": _FORMAT,
        "sizes": spec.sizes,
        "activations": [layer.activation.name for layer in spec.dense],
        "cost": spec.cost.name,
        "feedback": spec.feedback.name,
        "custom": own,
        "seed": seed,
    }
    described |= {} if (told := layers.described(spec)) is None else {"layers": told}
    described |= notes
    # Use a single key: safetensors writes several keys in varying order, and equal networks
    # must make equal files.
    return {"bpx": json.dumps(described)}


def _notes(described: dict[str, Any]) -> dict[str, Any]:
    """Return a file's entries other than the spec and the seed."""
    return {name: value for name, value in described.items() if name not in _PARTS}


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


def _described(
    path: str | Path, metadata: str, are_right: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any]:
    """Return the spec and the notes in the file, with their types checked."""
    try:
        described = json.loads(metadata)
        described.setdefault("feedback", "transpose")  # older files do not name it
        names = [described[part] for part in ("cost", "feedback")]
        names += [*described["activations"], *described["custom"]]
        names += [each["kind"] for each in described.get("layers", ())]
        right = (
            described["format"] == _FORMAT
            and all(isinstance(name, str) for name in names)
            and all(isinstance(size, int) for size in described["sizes"])
            and isinstance(described["seed"], int | None)
            and are_right(_notes(described))
        )
    except (KeyError, TypeError, ValueError):
        right = False
    if not right:
        raise FileFormatError(
            f"{path} has no spec that this version of bpx can read; expected a file that "
            "Network.save wrote"
        )
    return described


def _known(
    path: str | Path, metadata: dict[str, Any], custom: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the parts of each sort by name; a custom part never becomes a built-in one."""
    named = {
        "activations": metadata["activations"],
        "cost": [metadata["cost"]],
        "feedback": [metadata["feedback"]],
        "layers": [each["kind"] for each in metadata.get("layers", ())],
    }
    known = {sort: _of_sort(sort, metadata, custom) for sort in named}
    unknown = [
        name for sort, names in named.items() for name in names if name not in known[sort]
    ]
    if unknown:
        raise InputError(
            f"{path} uses the custom part {', '.join(map(repr, unknown))}; "
            + advice(
                f"pass custom={{{unknown[0]!r}: ...}}",
                "the command line has only the built-in parts: load the network in "
                "Python, which takes custom parts",
            )
        )
    return known


def _of_sort(sort: str, metadata: dict[str, Any], custom: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of one sort by name; a cost and a layer, say, may share a name.

    If several parts are given for one name, the one of this sort is used.
    """
    built_in, fits = _SORTS[sort]
    known = {n: v for n, v in built_in.items() if n not in metadata["custom"]}
    if sort == "cost" and (found := _with_parameters(metadata)):
        known[metadata["cost"]] = found
    for name, given in custom.items():
        these = given if isinstance(given, tuple | list) else (given,)
        of_sort = [each for each in these if fits(each)]
        ours = [built_in[name]] if name in built_in else []
        known[name] = next(iter([*of_sort, *ours, *these]), None)
    return known


def _with_parameters(metadata: dict[str, Any]) -> costs.Cost | None:
    """Return the built-in cost that the file names with parameters, if it does."""
    name = metadata["cost"]
    found = None if name in metadata["custom"] else costs.built_in(name)
    return found if isinstance(found, costs.Cost) else None


def _spec(metadata: dict[str, Any], known: dict[str, dict[str, Any]]) -> Spec:
    chosen = [known["activations"][name] for name in metadata["activations"]]
    rest = {part: known[part][metadata[part]] for part in ("cost", "feedback")}
    if any(not hasattr(each, "pullback") for each in chosen):
        raise InputError(f"not all of {metadata['activations']} are activations")
    if "layers" in metadata:
        spec = make_spec(layers.layers_of(metadata["layers"], chosen, known["layers"]), **rest)
        if list(spec.sizes) != list(metadata["sizes"]):
            raise InputError(f"its layers have the sizes {spec.sizes}, not {metadata['sizes']}")
        return spec
    return make_spec(metadata["sizes"], each=chosen, **rest)
