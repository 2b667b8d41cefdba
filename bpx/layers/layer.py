"""What a layer is: a frozen, hashable value that owns its equations.

A layer maps a^{l-1}, of shape (n, n_in), to its output, of shape (n, n_out). What it is made
of are pure functions of arrays, so that one layer serves every backend, and one compiled
step every set of weights:

- its *parameters* are a named tuple of arrays, ``()`` if it learns nothing;
- what its forward pass *saves* is a named tuple of arrays: all that the way back reads, among
  them ``a``, its output. Of a layer that learns it has methods: ``gradients(r, delta)``, which
  is BP3 and BP4 in the form of the parameters, and those of the samples' own gradients. Each
  of its arrays has the samples on axis -2, so that a part of the samples is a part of it;
- its *delta* is what its half of BP1 and BP2 makes of g = dC_x/da, for each sample and
  unnormalised: what its gradients are made of, and what it sends back.

The last layer of a network is a `Dense` one, whose delta comes from the cost.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from bpx._typing import A

__all__ = ["Context", "Layer", "learns"]


class Context(NamedTuple):
    """What a forward pass tells a layer.

    Attributes
    ----------
    training : bool
        Whether this is a training step; False when a network is asked for its outputs.
    key : array, shape (2,), int32, or None
        Of this layer's random numbers, for `bpx.random`, if it `draws` and this is training.
    step : array, shape (1,), int32, or None
        The training steps so far.
    """

    training: bool = False
    key: Any = None
    step: Any = None


def learns(saved: Any) -> bool:
    """Whether a layer has parameters, by what it saved."""
    return hasattr(saved, "gradients")


class Layer(Protocol):
    """What a network asks of a layer.

    What `bpx.inspect` and `bpx.privacy` ask for comes on top, and is refused by name where it
    is missing. Of what a layer that learns saves: ``individual(delta)``, each sample's own
    gradient, and what is cheaper than by these: ``squared_norms``, ``inner_products``,
    ``along``. Of the layer: the equations differentiated once, `bends`, ``r_forward``,
    ``r_output``, ``r_error``, ``r_send_back`` and ``r_gradients``. `Dense` has them all.

    The samples' own gradients are made a few samples at a time, of their rows of what was
    saved and of delta: these arrays have shape (n, ·), or (…, n, ·) with axes in front. A
    number for each sample is a column (n, 1). What is not of the samples, such as the
    parameters, is not saved: `send_back` is given them.
    """

    @property
    def n_in(self) -> int:
        """The width of what it is fed."""

    @property
    def n_out(self) -> int:
        """The width of its output."""

    @property
    def kind(self) -> str:
        """The name it is shown and saved by: a key of `bpx.layers.LAYERS`, or your own."""

    @property
    def couples_samples(self) -> bool:
        """Whether a sample's output depends on others, as after a batch's own mean.

        What such a layer saves has a `couples_samples` that is True, too: what is asked of a
        trace is then refused by name.
        """

    @property
    def draws(self) -> bool:
        """Whether it asks for random numbers in training."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of its parameters, by field, in their order: vectors and matrices.

        With an axis of K networks in front a matrix (m, k) is (K, m, k), a vector (m,) is
        (K, 1, m).
        """

    def entry(self, arrays: Mapping[str, Any], /) -> Any:
        """Its parameters as its own named tuple; ``()`` if it has none."""

    def draw(self, init: Any, rng: Callable[[str], Any], /) -> Mapping[str, Any]:
        """Its initial parameters, by field, as host arrays, float64.

        ``rng("layer")`` gives a host generator with NumPy's `standard_normal` and `uniform`,
        the same for the same seed; ``rng("weights")`` and ``rng("biases")`` are others. `init`
        is the initializer that the network was given, or None.
        """

    def forward(self, parameters: Any, a_prev: Any, context: Context, /) -> Any:
        """What the way back reads, its output among it: ``saved.a``, shape (n, n_out).

        A named tuple, each field an array with the samples on axis -2, or None.
        """

    def error(self, saved: Any, g: A, /) -> A:
        """Its delta from g = dC_x/da: the Hadamard half of BP1 and BP2."""

    def send_back(self, parameters: Any, saved: Any, delta: A, /) -> A:
        """G for the layer below, shape (n, n_in): the product half of BP2."""
