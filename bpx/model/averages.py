"""Parameters that a layer averages and does not learn, such as those of `BatchNorm`.

A layer with such parameters lists the others in `learned`. The gradient, the optimizer and its
state have None in place of the rest. After the update, the layer's own ``averaged(parameters,
saved)`` replaces the rest by functions of what the layer saved in the forward pass.
"""

from typing import Any, TypeVar

from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

__all__ = ["averaged", "learnable"]

Group = TypeVar("Group", bound=Parameters)


def learnable(spec: Spec, group: Group) -> Group:
    """Return the parameters, or gradients, with None in place of arrays that are averaged."""
    places = _places(spec)
    if not places:
        return group
    entries = list(group.layers)
    for i, others in places.items():
        entries[i] = entries[i]._replace(**dict.fromkeys(others))
    return type(group)(entries)


def averaged(
    spec: Spec, before: Parameters, after: Parameters, layers: tuple[Any, ...] = ()
) -> Parameters:
    """Return the parameters after a step, with the averages that the update does not see.

    Parameters
    ----------
    spec : Spec
    before, after : Parameters
        The parameters before the step, and after the update of what is learned.
    layers : tuple, optional
        What each layer saved in the step's forward pass; without it, the averages stay.
    """
    places = _places(spec)
    if not places:
        return after
    entries = list(after.layers)
    for i, others in places.items():
        kept = {name: getattr(before.layers[i], name) for name in others}
        entry = entries[i]._replace(**kept)
        layer: Any = spec.layers[i]
        entries[i] = layer.averaged(entry, layers[i]) if layers else entry
    return type(after)(entries)


def _places(spec: Spec) -> dict[int, list[str]]:
    """The indices of layers with averages, and the fields of these."""
    return {
        i: [name for name in layer.shapes if name not in layer.learned]
        for i, layer in enumerate(spec.layers)
        if hasattr(layer, "learned")
    }
