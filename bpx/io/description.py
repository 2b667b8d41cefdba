"""What a network's file says of the network beside its arrays: its spec and its notes, as JSON.

The names of the parts are looked up among the built-in ones and those that the caller gives;
nothing in a file is run.
"""

import json
from collections.abc import Callable, Mapping
from inspect import isfunction
from math import inf
from pathlib import Path
from typing import Any

from bpx import costs
from bpx.activations import ACTIVATIONS
from bpx.errors import FileFormatError, InputError, advice
from bpx.feedback import FEEDBACKS
from bpx.io import layers
from bpx.io.parsing import parsed_json
from bpx.layers import LAYERS
from bpx.model.spec import Spec, make_spec

__all__ = ["described", "notes_of", "restored"]

_FORMAT = 1
_PARTS = ("format", "sizes", "activations", "cost", "feedback", "custom", "seed", "layers")
_SORTS: dict[str, tuple[Mapping[str, Any], Callable[[Any], bool]]] = {
    "activations": (ACTIVATIONS, lambda part: hasattr(part, "pullback")),
    "cost": (costs.COSTS, lambda part: hasattr(part, "grad_a")),
    "feedback": (FEEDBACKS, lambda part: hasattr(part, "matrix") or isfunction(part)),
    "layers": (LAYERS, callable),
}
"""For each sort of part that a file names: the built-in parts, and a test for the sort."""


def described(spec: Spec, seed: int | None, notes: Mapping[str, Any]) -> str:
    """Return the description of a network that a file holds beside its arrays, as JSON.

    Parameters
    ----------
    spec, seed, notes
        As for `bpx.io.checkpoint.packed`.

    Raises
    ------
    InputError
        If a user's layer cannot be described.
    """
    activations = {layer.activation.name: layer.activation for layer in spec.dense}
    own = [name for name, value in activations.items() if ACTIVATIONS.get(name) != value]
    own += [spec.cost.name] * (costs.built_in(spec.cost.name) != spec.cost)
    own += [spec.feedback.name] * (FEEDBACKS.get(spec.feedback.name) != spec.feedback)
    own += layers.own_kinds(spec)
    parts: dict[str, Any] = {
        "format": _FORMAT,
        "sizes": spec.sizes,
        "activations": [layer.activation.name for layer in spec.dense],
        "cost": spec.cost.name,
        "feedback": spec.feedback.name,
        "custom": own,
        "seed": seed,
    }
    parts |= {} if (told := layers.described(spec)) is None else {"layers": told}
    return json.dumps(parts | dict(notes))


def restored(
    path: str | Path,
    text: str,
    custom: Mapping[str, Any],
    are_right: Callable[[Mapping[str, Any]], bool],
    largest: float = inf,
) -> tuple[Spec, dict[str, Any]]:
    """Return the spec that a description has, and the whole description.

    Parameters
    ----------
    path : str or Path
        The file, for messages.
    text : str
        The result of `described`, or a stranger's.
    custom, are_right
        As for `bpx.io.checkpoint.read`.
    largest : int, optional
        The largest width that the file can have, by its size, if all layers are built in.

    Raises
    ------
    InputError
        If a part is neither built in nor custom.
    FileFormatError
        If it is no description, or does not fit itself.
    """
    found = _described(path, text, are_right)
    told = found.get("layers", ())
    own = any(each["kind"] in found["custom"] for each in told)  # which may have no arrays
    if not own and _largest(found["sizes"], told) > largest:
        raise FileFormatError(f"{path} describes layers that are larger than the file")
    known = _known(path, found, custom)
    try:
        return _spec(found, known), found
    except InputError as error:
        raise FileFormatError(f"{path} does not fit its own spec: {error}") from error


def notes_of(described: dict[str, Any]) -> dict[str, Any]:
    """Return a file's entries other than the spec and the seed."""
    return {name: value for name, value in described.items() if name not in _PARTS}


def _described(
    path: str | Path, metadata: str, are_right: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any]:
    """Return the spec and the notes in the file, with their types checked."""
    try:
        described = {"feedback": "transpose", **parsed_json(metadata)}  # which older files omit
        names = [described[part] for part in ("cost", "feedback")]
        names += [*described["activations"], *described["custom"]]
        names += [each["kind"] for each in described.get("layers", ())]
        right = (
            described["format"] == _FORMAT
            and all(isinstance(name, str) for name in names)
            and all(isinstance(size, int) for size in described["sizes"])
            and isinstance(described["seed"], int | None)
            and are_right(notes_of(described))
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        right = False
    if not right:
        raise FileFormatError(
            f"{path} has no spec that this version of bpx can read; expected a file that "
            "Network.save wrote"
        )
    return described


def _largest(*described: Any) -> int:
    """Return the largest whole number in some JSON."""
    pending, largest = list(described), 0
    while pending:
        each = pending.pop()
        if isinstance(each, list | dict):
            pending += each.values() if isinstance(each, dict) else each
        elif isinstance(each, int):
            largest = max(largest, abs(each))
    return largest


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
