"""The point at which a network is checked: its parameters, samples, and saved arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpx._typing import Array
from bpx.activations import Activation
from bpx.arrays.registry import namespace
from bpx.inspect.checks.differences import Slope
from bpx.inspect.checks.draws import Draws
from bpx.inspect.checks.report import Row, compared
from bpx.layers.dense import DenseSaved
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.model.trace import Forward
from bpx.program.contract import leaves, rebuilt

__all__ = ["Point", "copied", "moved"]


@dataclass(frozen=True)
class Point:
    """The point at which a network is checked, as float64 arrays of one home.

    Attributes
    ----------
    spec : Spec
    parameters : Parameters
    x, y : array, shape (n, k_0) and (n, k_L)
    layers : tuple
        What each layer saved in a forward pass, as in a trace.
    feedback : tuple of arrays
        The arrays that the spec's feedback has drawn.
    draws : Draws
    tolerance : float
        The largest relative deviation that passes.
    """

    spec: Spec
    parameters: Parameters
    x: Array
    y: Array
    layers: tuple[Any, ...]
    feedback: tuple[Array, ...]
    draws: Draws
    tolerance: float

    @property
    def z(self) -> tuple[Array, ...]:
        """z of the Dense layers."""
        return Forward(self.layers).z

    @property
    def a(self) -> tuple[Array, ...]:
        """The inputs of the Dense layers, and the output."""
        return Forward(self.layers).a

    def own(self, layer: int) -> DenseSaved:
        """What a Dense layer, counted from 1, saved, including its own a."""
        return Forward(self.layers).dense[layer - 1]

    def meets(self, layer: int) -> bool:
        """Whether the next Dense layer can take its output directly."""
        below, above = self.spec.dense[layer - 1 : layer + 1]
        return below.n_out == above.n_in

    @property
    def depth(self) -> int:
        """The number of Dense layers, L."""
        return len(self.spec.dense)

    def sigma(self, layer: int) -> Activation:
        """The activation of a layer, counted from 1."""
        return self.spec.dense[layer - 1].activation

    def weights(self, layer: int) -> tuple[Array, Any]:
        """w^l and b^l, which is None without biases."""
        return self.parameters.w[layer - 1], self.parameters.b[layer - 1]

    def like(self, x: Array) -> Array:
        """Draw normal numbers of the shape of x."""
        return self.draws.normal(*x.shape)

    def compared(
        self,
        equation: str,
        layer: int | None,
        given: Array,
        expected: Slope,
        place: Callable[[int], str],
    ) -> Row:
        """Return the row of an equation of a layer."""
        part = self._part(equation, layer)
        return compared(equation, layer, part, given, expected, self.tolerance, place)

    def _part(self, equation: str, layer: int | None) -> str:
        """Name the parts that an equation uses: an activation, a cost; else the widths."""
        if layer is None:
            return "all layers"
        chosen = self.spec.dense[layer - 1]
        if equation in ("BP1", "R1"):
            return f"{chosen.activation.name}, {self.spec.cost.name}"
        if equation in ("BP2", "R2"):
            return chosen.activation.name
        return f"{chosen.n_in} to {chosen.n_out}"


def copied(tree: Any) -> Any:
    """Copy the arrays of a tree, so that a part that writes cannot spoil the originals."""
    return rebuilt(tree, [namespace(x).asarray(x, copy=True) for x in leaves(tree)])


def moved(tree: Any, way: Any, t: float) -> Any:
    """Move the arrays of a tree along a direction of the same structure."""
    pairs = zip(leaves(tree), leaves(way), strict=True)
    return rebuilt(tree, [p + t * v for p, v in pairs])
