"""`Dropout`: drop each unit with some probability in training, independently for each sample.

With a mask m of independent elements, 0 with probability p and 1 / (1 − p) otherwise,
a = m ⊙ a_prev in training and a = a_prev otherwise. The mean of m is 1, so the next layer's
input keeps its mean ("inverted" dropout). The mask does not depend on a_prev, so the Jacobian
is diag(m), and the layer's half of BP2 is g ⊙ m.
N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting"
(2014).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import A
from bpx._validate import number, whole
from bpx.arrays.registry import namespace
from bpx.layers.layer import Context
from bpx.random import bernoulli

__all__ = ["Dropout", "DropoutSaved"]


class DropoutSaved(NamedTuple):
    """The arrays that the forward pass saves for the backward pass.

    Attributes
    ----------
    mask : array, shape (n, k), or None
        Elements 0 or 1 / (1 − p); None outside training, where nothing is dropped.
    a : array, shape (n, k)
    """

    mask: Any
    a: Any


@dataclass(frozen=True)
class Dropout:
    """Drop each unit of each sample with probability p in training: a = m ⊙ a_prev.

    `bpx.random` draws the masks from the training's seed, the layer's index and the number of
    steps so far, so they are the same on every backend.

    Parameters
    ----------
    width : int
        k, the width of input and output.
    rate : float
        p, in [0, 1).

    Raises
    ------
    InputError
        If a number is out of its range.

    Examples
    --------
    >>> net = bpx.Network([784, 30, 10], dropout=0.2, seed=0)
    >>> net.spec.layers[1]
    Dropout(width=30, rate=0.2)
    """

    width: int
    rate: float

    kind: ClassVar[str] = "dropout"
    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = True
    draws_by_rows: ClassVar[bool] = True
    bends: ClassVar[bool] = False
    shapes: ClassVar[Mapping[str, tuple[int, ...]]] = {}

    def __post_init__(self) -> None:
        width = whole("width", self.width, 1, None, "a whole number of at least 1")
        rate = number("rate", self.rate, "a number in [0, 1)", lambda p: 0.0 <= p < 1.0)
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "rate", rate)

    @property
    def n_in(self) -> int:
        """The width."""
        return self.width

    @property
    def n_out(self) -> int:
        """The width."""
        return self.width

    def entry(self, arrays: Mapping[str, Any]) -> tuple[()]:
        """Return ``()``: it has no parameters."""
        return ()

    def draw(self, init: Any, rng: Callable[[str], Any]) -> Mapping[str, Any]:
        """Return no parameters."""
        return {}

    def forward(self, parameters: tuple[()], a_prev: Any, context: Context) -> DropoutSaved:
        """a = m ⊙ a_prev in training, a = a_prev otherwise."""
        if not context.training:
            return DropoutSaved(None, a_prev)
        shape, p, rows = tuple(a_prev.shape), 1.0 - self.rate, context.rows
        kept = bernoulli(context.key, context.step, shape, p, rows=rows)
        mask = (1.0 / (1.0 - self.rate)) * namespace(a_prev).astype(kept, a_prev.dtype)
        return DropoutSaved(mask, mask * a_prev)

    def error(self, saved: DropoutSaved, g: A) -> A:
        """g ⊙ m."""
        return _masked(saved, g)

    def send_back(self, parameters: tuple[()], saved: DropoutSaved, delta: A) -> A:
        """Return delta unchanged: there are no weights between it and the layer below."""
        return delta

    # The equations differentiated once; the mask is constant

    def r_forward(
        self, parameters: tuple[()], v: tuple[()], saved: DropoutSaved, ra_prev: Any
    ) -> Any:
        """R{a_prev}; None for 0."""
        return ra_prev

    def r_output(self, saved: DropoutSaved, moved: Any) -> Any:
        """R{a} = m ⊙ R{a_prev}."""
        return None if moved is None else _masked(saved, moved)

    def r_error(self, saved: DropoutSaved, moved: Any, g: Any, rg: A) -> A:
        """R{g} ⊙ m."""
        return _masked(saved, rg)

    def r_send_back(
        self,
        parameters: tuple[()],
        v: tuple[()],
        saved: DropoutSaved,
        moved: Any,
        delta: A,
        rdelta: A,
    ) -> A:
        """Return R{delta} unchanged."""
        return rdelta

    def r_gradients(
        self, r: Any, saved: DropoutSaved, moved: Any, delta: A, rdelta: A
    ) -> tuple[()]:
        """Return ``()``: it has no parameters."""
        return ()


def _masked(saved: DropoutSaved, x: A) -> A:
    product: A = x if saved.mask is None else saved.mask * x
    return product
