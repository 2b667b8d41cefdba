"""A network's layers in a file: the names of their arrays, and their descriptions.

The arrays are named as in a PyTorch ``Sequential``. A Dense layer counts as a ``Linear`` and
its activation, so it takes two places; any other layer takes one: ``0.weight``, ``0.bias``,
``2.weight``, ...
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import accumulate
from typing import Any

from bpx.errors import InputError
from bpx.layers import LAYERS
from bpx.layers.dense import Dense
from bpx.layers.norms import NORMS
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

__all__ = ["called", "described", "layers_of", "named", "own_kinds", "parameters_of", "places"]

_CALLED = {"w": "weight", "b": "bias"}
"""PyTorch's names for Dense parameters."""
_OF_NORMS = {
    "gamma": "weight",
    "beta": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}
"""PyTorch's names for the parameters of a built-in norm."""


def places(layers: Sequence[Any]) -> list[int]:
    """Return the place of each layer in a ``Sequential``."""
    widths = [2 if isinstance(layer, Dense) else 1 for layer in layers]
    return [0, *accumulate(widths[:-1])]


def named(spec: Spec, parameters: Parameters) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of all layers, with their names in a file."""
    each = zip(places(spec.layers), spec.layers, parameters.layers, strict=True)
    for place, layer, entry in each:
        for field in getattr(entry, "_fields", ()):
            if getattr(entry, field) is not None:
                yield _name(place, layer, field), getattr(entry, field)


def parameters_of(spec: Spec, arrays: Mapping[str, Any]) -> Parameters:
    """Make the parameters from a file's arrays; a KeyError names a missing array."""
    each = zip(places(spec.layers), spec.layers, strict=True)
    return Parameters(
        layer.entry({field: arrays[_name(place, layer, field)] for field in layer.shapes})
        for place, layer in each
    )


def described(spec: Spec) -> list[dict[str, Any]] | None:
    """Describe each layer for JSON; None if the sizes do: Dense layers without options.

    Raises
    ------
    InputError
        If a user's layer has a field that JSON cannot hold.
    """
    plain = (Dense(layer.n_in, layer.n_out, layer.activation) for layer in spec.dense)
    if tuple(plain) == spec.layers:
        return None
    return [_described(layer) for layer in spec.layers]


def own_kinds(spec: Spec) -> list[str]:
    """Return the kinds of layers that are not built in."""
    kinds = {layer.kind: type(layer) for layer in spec.layers}
    return [kind for kind, made in kinds.items() if LAYERS.get(kind) is not made]


def layers_of(
    told: Sequence[Mapping[str, Any]], activations: Sequence[Any], known: Mapping[str, Any]
) -> list[Any]:
    """Make the layers that a file describes; `activations` are those of the Dense layers.

    Raises
    ------
    InputError
        If a description does not fit its kind.
    """
    dense = [each for each in told if known[each["kind"]] is Dense]
    if len(dense) != len(activations):
        raise InputError(
            f"{len(activations)} activations were saved for {len(dense)} Dense layers"
        )
    sigmas = iter(activations)
    return [_made({**each}, sigmas, known) for each in told]


def called(layer: Any, field: str) -> str:
    """Return the name of a parameter in PyTorch's module for the layer, or its own."""
    names = _OF_NORMS if type(layer) in NORMS.values() else _CALLED
    return names.get(field, field)


def _name(place: int, layer: Any, field: str) -> str:
    return f"{place}.{called(layer, field)}"


def _described(layer: Any) -> dict[str, Any]:
    if type(layer) is Dense:
        own = layer.described()
        del own["activation"]  # the file names the activations of all Dense layers
        return {"kind": layer.kind, **own}
    given = fields(layer) if is_dataclass(layer) else ()
    told = {each.name: getattr(layer, each.name) for each in given}
    if not told or not all(map(_is_plain, told.values())):
        raise InputError(
            f"the layer {layer!r} cannot be saved; expected a dataclass whose fields are "
            "numbers and strings, or tuples of these"
        )
    return {"kind": layer.kind, **told}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return isinstance(value, int | float | str | bool)


def _as_it_was(value: Any) -> Any:
    """Return the value of a field, whose tuples are lists in JSON."""
    return tuple(map(_as_it_was, value)) if isinstance(value, list) else value


def _made(told: dict[str, Any], sigmas: Iterator[Any], known: Mapping[str, Any]) -> Any:
    make = known[told.pop("kind")]
    told = {name: _as_it_was(value) for name, value in told.items()}
    try:
        return make(**told, activation=next(sigmas)) if make is Dense else make(**told)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"the layer {told} cannot be made: {error}") from error
