"""`Layer`: a frozen, hashable value that owns its equations.

A layer maps a^{l-1}, of shape (n, n_in), to its output, of shape (n, n_out). Its methods are
pure functions of arrays, so that one layer serves every backend, and one compiled step serves
any weights:

- its *parameters* are a named tuple of arrays, ``()`` if it has none;
- its forward pass *saves* a named tuple of the arrays that the backward pass reads, including
  ``a``, its output. If the layer learns, this tuple has the method ``gradients(r, delta)``,
  which computes BP3 and BP4 in the form of the parameters, and the methods for per-sample
  gradients. Each array has the samples on axis -2, so that it can be sliced by samples;
- its *delta* is computed from g = dC_x/da by its half of BP1 and BP2, for each sample and
  unnormalised. The gradients, and the error sent to the layer below, are computed from it.

The last layer of a network is a `Dense` one, whose delta comes from the cost.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from bpx._typing import A

__all__ = ["Context", "Layer", "learns"]


class Context(NamedTuple):
    """The context of a forward pass.

    Attributes
    ----------
    training : bool
        Whether this is a training step; False when a network computes its outputs.
    key : array, shape (2,), int32, or None
        The key of this layer's random numbers, for `bpx.random`, if it `draws` in training.
    step : array, shape (1,), int32, or None
        The number of training steps so far.
    r : array, shape (n, 1), or None
        The row weights in training; None if all samples count equally.
    rows : pair of int, or None
        If a mini-batch is computed in chunks, the first row of this one, and the number of rows
        of the mini-batch; None for a whole mini-batch. `bpx.random` takes it.
    """

    training: bool = False
    key: Any = None
    step: Any = None
    r: Any = None
    rows: tuple[int, int] | None = None


def learns(saved: Any) -> bool:
    """Whether a layer has parameters, judged by what it saved."""
    return hasattr(saved, "gradients")


class Layer(Protocol):
    """The interface of a layer.

    `bpx.inspect` and `bpx.privacy` use further methods, and raise an error that names a missing
    one. The tuple that a learning layer saves has ``individual(delta)``, each sample's own
    gradient, and the methods that avoid forming these: ``squared_norms``, ``inner_products``
    and ``along``. The layer has the equations differentiated once: `bends`, ``r_forward``,
    ``r_output``, ``r_error``, ``r_send_back`` and ``r_gradients``. `Dense` has them all.

    A layer may take part in its update. If it has `penalises`, which is True, training calls
    ``penalised(gradient, parameters)``, which returns the gradient plus that of a penalty, for
    the optimizer. If it has `constrains`, which is True, training calls
    ``constrained(parameters)`` after each update. Both work on the layer's own named tuple.

    Per-sample gradients are computed for a few samples at a time, from their rows of the saved
    arrays and of delta: these arrays have shape (n, ·), or (…, n, ·) with leading axes. One
    number per sample is a column (n, 1). Arrays without a sample axis, such as the parameters,
    are not saved: `send_back` receives them.

    A layer may average some of its parameters instead of learning them. It then has `learned`,
    a tuple with the names of those that it learns, and None in place of the others in its
    gradients. After each update of training, ``averaged(parameters, saved)`` returns the
    parameters with new averages. Such a layer `couples_samples`. `BatchNorm` is an example. A
    layer may also have `fewest`, the least number of samples in a training batch.

    A layer whose output begins with columns of its input may have their numbers in an attribute
    `passed`, so that a `bpx.Embedding` above it can find codes among them. A layer that takes
    codes has `codes`: these columns, and the number of codes of each.
    """

    @property
    def n_in(self) -> int:
        """The width of its input."""

    @property
    def n_out(self) -> int:
        """The width of its output."""

    @property
    def kind(self) -> str:
        """The name for display and files: a key of `bpx.layers.LAYERS`, or your own."""

    @property
    def couples_samples(self) -> bool:
        """Whether a sample's output depends on other samples, as with batch statistics.

        If so, `couples_samples` is True on the tuple that it saves, too, and functions of
        traces raise an error that names the layer.
        """

    @property
    def draws(self) -> bool:
        """Whether it uses random numbers in training.

        If these are those of its rows in the whole mini-batch, as ``bernoulli(..., rows=
        context.rows)`` draws them, `draws_by_rows` is True as well: `accumulate` needs it.
        """

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of its parameters, by field, in order: vectors and matrices.

        With a leading axis of K networks, a matrix (m, k) is (K, m, k), and a vector (m,) is
        (K, 1, m).
        """

    def entry(self, arrays: Mapping[str, Any], /) -> Any:
        """Return its parameters as its own named tuple; ``()`` if it has none."""

    def draw(self, init: Any, rng: Callable[[str], Any], /) -> Mapping[str, Any]:
        """Draw its initial parameters, by field, as float64 host arrays.

        ``rng("layer")`` returns a host generator with NumPy's `standard_normal` and `uniform`,
        equal for equal seeds; ``rng("weights")`` and ``rng("biases")`` return others. `init`
        is the network's initializer, or None.
        """

    def forward(self, parameters: Any, a_prev: Any, context: Context, /) -> Any:
        """Return what the backward pass reads, including the output ``saved.a``, (n, n_out).

        The result is a named tuple; each field is None or an array with samples on axis -2.
        """

    def error(self, saved: Any, g: A, /) -> A:
        """Compute delta from g = dC_x/da: the Hadamard half of BP1 and BP2."""

    def send_back(self, parameters: Any, saved: Any, delta: A, /) -> A:
        """Compute g for the layer below, shape (n, n_in): the product half of BP2."""
