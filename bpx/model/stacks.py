"""The parameters of several networks in one, with a leading axis."""

from collections.abc import Sequence

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

__all__ = ["are_several", "stacked"]


def are_several(parameters: Parameters) -> bool:
    """Whether these are the parameters of several networks."""
    return parameters.w[-1].ndim > 2


def stacked(spec: Spec, networks: Sequence[Parameters]) -> Parameters:
    """Stack the parameters of K networks with one spec.

    A matrix (m, k) becomes (K, m, k), and a vector (m,) becomes (K, 1, m).
    """

    def together(shape: tuple[int, ...], arrays: list[Array]) -> Array:
        xp, row = namespace(arrays[0]), (1, *shape) if len(shape) == 1 else shape
        return xp.stack([xp.reshape(each, row) for each in arrays])

    return Parameters(
        layer.entry(
            {
                field: together(shape, [getattr(entry, field) for entry in entries])
                for field, shape in layer.shapes.items()
            }
        )
        for layer, *entries in zip(
            spec.layers, *(each.layers for each in networks), strict=True
        )
    )
