"""The layers that values of a graph have gone through.

A `Link` is a layer on top of others, so that two values share the layers below them. A `State`
is a link, perhaps a Dense layer whose activation is not known yet, and the function of its z
that the nodes have computed so far.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpx.activations import ACTIVATIONS
from bpx.errors import FileFormatError
from bpx.interop.onnx.forms import Forms
from bpx.layers.batch_norm import BatchNorm, BatchNormParameters
from bpx.layers.dense import Dense
from bpx.layers.residual import Add

__all__ = ["Affine", "Chain", "Link", "State"]


@dataclass(frozen=True, eq=False)
class Link:
    """A layer with its arrays, on top of another link; the first has neither.

    Attributes
    ----------
    below : Link or None
    layer : layer or None
    arrays : mapping of str to ndarray
        Its parameters.
    width : int or None
        The number of its outputs; None if the graph does not say how many inputs there are.
    depth : int
        The number of layers up to this one.
    """

    below: "Link | None"
    layer: Any
    arrays: Mapping[str, NDArray[Any]]
    width: int | None
    depth: int

    def down(self) -> Iterator["Link"]:
        """Yield this link and those below it, but not the first."""
        link = self
        while link.below is not None:
            yield link
            link = link.below


@dataclass(frozen=True, eq=False)
class Affine:
    """z = a w^T + b, without an activation yet."""

    w: NDArray[Any]
    b: NDArray[Any] | None


class State(NamedTuple):
    """What a value of the graph is.

    Attributes
    ----------
    link : Link
        The layers that are complete.
    affine : Affine or None
        What follows them: a Dense layer whose activation is still to come.
    number : int
        The function of z, or of the link's output, that the value is: see `Forms`.
    last : str
        The node that computed this function last, for messages; empty for z itself.
    """

    link: Link
    affine: Affine | None
    number: int
    last: str = ""

    @property
    def width(self) -> int | None:
        """The number of units."""
        return self.link.width if self.affine is None else self.affine.w.shape[0]


class Chain:
    """How states come from states.

    Parameters
    ----------
    forms : Forms
    width : int or None
        The number of inputs, if the graph says it.
    nbytes : int
        The most bytes of all parameters, so that a small file whose nodes share an array does
        not make a large network.
    """

    def __init__(self, forms: Forms, width: int | None, nbytes: int) -> None:
        self.forms, self._left = forms, nbytes
        self.input = State(Link(None, None, {}, width, 0), None, forms.z)
        self._closed: dict[tuple[Link, Affine | None, int], Link] = {}
        self._opened: dict[Link, Affine] = {}

    def hold(self, array: NDArray[Any], shown: str) -> None:
        """Count a parameter, before it is copied.

        Raises
        ------
        FileFormatError
            If all of them have become larger than the file.
        """
        self._left -= array.nbytes
        if self._left < 0:
            raise FileFormatError(
                f"{shown} shares its array with other nodes, which would make a network larger "
                "than the file; expected an array for each layer"
            )

    def closed(self, state: State) -> Link:
        """Return the link of a state, whose Dense layer gets its activation.

        Nodes that compute the same of the same make one layer.

        Raises
        ------
        FileFormatError
            If what it computes is no activation, or one without a Dense layer.
        """
        if state[:3] not in self._closed:
            self._closed[state[:3]] = self._close(state)
        return self._closed[state[:3]]

    def _close(self, state: State) -> Link:
        link, affine, number, last = state
        if affine is None:
            if number == self.forms.z:
                return link
            raise FileFormatError(
                f"{last} is an elementwise function of {_kind(link)}; expected it "
                "after a Gemm or MatMul, since an activation belongs to a bpx.Dense"
            )
        if number not in self.forms.known:
            raise FileFormatError(
                f"{last} makes a function that is no activation of bpx; expected "
                f"{', '.join(ACTIVATIONS)}"
            )
        arrays = {"w": affine.w} | ({} if affine.b is None else {"b": affine.b})
        n_out, n_in = affine.w.shape
        sigma = ACTIVATIONS[self.forms.known[number]]
        layer = Dense(n_in, n_out, sigma, bias=affine.b is not None)
        return Link(link, layer, arrays, n_out, link.depth + 1)

    def opened(self, state: State) -> State:
        """Return the state as one whose activation is still to come, if it can be.

        A BatchNorm directly behind a Dense layer without an activation becomes part of it: the
        two are one affine function, and bpx has no activation behind a norm.
        """
        link, affine, number, last = state
        below = link.below
        if affine is not None or not isinstance(link.layer, BatchNorm) or below is None:
            return state
        if getattr(below.layer, "activation", None) != ACTIVATIONS["identity"]:
            return state
        assert below.below is not None, "the inputs are no layer"
        if link not in self._opened:
            self.hold(below.arrays["w"], "a BatchNormalization")
            self._opened[link] = _folded(below.arrays, link)
        return State(below.below, self._opened[link], number, last)

    def on_top(self, link: Link, layer: Any, arrays: Mapping[str, NDArray[Any]]) -> State:
        """Return the state behind another complete layer."""
        made = Link(link, layer, arrays, layer.n_out, link.depth + 1)
        return State(made, None, self.forms.z)

    def added(self, one: Link, other: Link, shown: str) -> State:
        """Return the sum of what enters some layers and of what leaves them.

        Raises
        ------
        FileFormatError
            If one of the two is not computed from the other.
        """
        below, above = sorted((one, other), key=lambda link: link.depth)
        over = above.depth - below.depth
        entered = above
        for _ in range(over):
            assert entered.below is not None, "its depth is larger"
            entered = entered.below
        if entered is not below or not over or above.width is None:
            raise FileFormatError(
                f"{shown} adds two values of which none is computed from the other; expected a "
                "residual block, which adds its input to its output"
            )
        return self.on_top(above, Add(above.width, over), {})


def _folded(dense: Mapping[str, NDArray[Any]], norm: Link) -> Affine:
    """gamma (w a + b - mean) / sqrt(variance + epsilon) + beta, as one w and one b."""
    gamma, beta, mean, variance = (norm.arrays[name] for name in BatchNormParameters._fields)
    scale = gamma / np.sqrt(variance + gamma.dtype.type(norm.layer.epsilon))
    return Affine(dense["w"] * scale[:, None], (dense.get("b", 0.0) - mean) * scale + beta)


def _kind(link: Link) -> str:
    return "the inputs" if link.layer is None else f"a {type(link.layer).__name__} layer"
