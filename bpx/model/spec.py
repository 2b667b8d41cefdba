"""The structure of a network: its layers, its cost and its feedback, validated once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Self

from bpx import costs
from bpx import feedback as feedbacks
from bpx._hashes import kept_hash, without_hash
from bpx._typing import Array
from bpx.activations import ACTIVATIONS, Activation, ActivationName
from bpx.costs import Choice, Cost, CostName
from bpx.errors import InputError
from bpx.feedback import Feedback, FeedbackName, Send
from bpx.layers.check import check_layers
from bpx.layers.columns import coded_inputs
from bpx.layers.dense import Dense
from bpx.layers.layer import Layer
from bpx.layers.norms import NormName
from bpx.layers.residual import Residual
from bpx.model.parameters import Parameters
from bpx.model.skips import Skips, check_direct, skips_of
from bpx.model.widths import layers_of

__all__ = [
    "Spec",
    "check_apart",
    "check_feedback",
    "check_shapes",
    "make_spec",
]


@dataclass(frozen=True)
class Spec:
    """A network's layers, cost and feedback. It is hashable, so that equal ones compile once.

    Attributes
    ----------
    layers : tuple of Layer
        The layers in the order in which they run; the last is a `Dense` one. The inputs are
        layer 0, which has no entry. A `bpx.Residual` is its own layers and an `Add`.
    cost : Cost
    feedback : Feedback
        How BP2 sends errors back. By default through the transpose.
    """

    layers: tuple[Layer, ...]
    cost: Cost
    feedback: Feedback = feedbacks.transpose

    __hash__, __getstate__ = kept_hash, without_hash

    @cached_property
    def dense(self) -> tuple[Dense, ...]:
        """The Dense layers: the book's layers 1 to L."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    def dense_below(self, i: int) -> int:
        """The number of Dense layers that run before ``layers[i]``."""
        return self._below[i]

    @cached_property
    def _below(self) -> list[int]:
        return list(accumulate((isinstance(layer, Dense) for layer in self.layers), initial=0))

    @cached_property
    def places(self) -> tuple[int, ...]:
        """The indices of the Dense layers 1 to L in `layers`."""
        return tuple(i for i, each in enumerate(self.layers) if isinstance(each, Dense))

    @cached_property
    def skips(self) -> Skips:
        """Where residual blocks begin and end: see `bpx.model.skips`."""
        return skips_of(self.layers)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The widths k_0, ..., k_L: of the inputs, and of each Dense layer."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.dense))

    @cached_property
    def codes(self) -> dict[int, int]:
        """The inputs that hold codes, and the number of codes of each."""
        return coded_inputs(self.layers)

    @cached_property
    def is_own(self) -> bool:
        """Whether all layers and activations are bpx's own, none a user's."""
        own = all(type(layer).__module__.startswith("bpx.layers.") for layer in self.layers)
        sigmas = [layer.activation for layer in self.dense]
        return own and all(ACTIVATIONS.get(each.name) == each for each in sigmas)

    @cached_property
    def forms(self) -> list[tuple[tuple[str, ...], list[tuple[int, ...]]]]:
        """The fields of each layer's parameters, and their shapes."""
        shapes = [layer.shapes for layer in self.layers]
        return [(tuple(each), [*map(tuple, each.values())]) for each in shapes]

    @cached_property
    def output(self) -> Activation:
        """The last layer's activation."""
        return self.dense[-1].activation

    def by_transpose(self) -> Self:
        """Return the same network with the true BP2, which gives the gradients of the cost."""
        return replace(self, feedback=feedbacks.transpose)


def make_spec(
    sizes: Sequence[Any],
    *,
    hidden: ActivationName | Activation = "sigmoid",
    output: ActivationName | Activation = "sigmoid",
    each: Sequence[ActivationName | Activation] | None = None,
    norm: NormName | None = None,
    dropout: float | Sequence[float] = 0.0,
    cost: CostName | Cost | Choice = "quadratic",
    feedback: FeedbackName | Feedback | Send = "transpose",
) -> Spec:
    """Make a validated spec.

    Parameters
    ----------
    sizes : sequence of int, or of layers
        The widths k_0, ..., k_L, at least two, each at least 1; or all layers in the order in
        which they run, the last one Dense, which replace the next five arguments.
    hidden, output : str or Activation
        The activation of layers 1 to L-1, and of layer L.
    each : sequence of str or Activation, optional
        One for each of the layers 1 to L, in place of `hidden` and `output`.
    norm : str, optional
        A name in `NORMS`: such a layer follows each hidden layer's activation.
    dropout : float or sequence of float
        The rate of a `Dropout` after each hidden layer and its norm, or one rate for each.
        Without a hidden layer, a norm or a rate above 0 is refused.
    cost : str, Cost or Choice
        A name in `bpx.costs.COSTS`, ``"cross_entropy"``, ``"focal"``, or a cost.
    feedback : str, Feedback or callable
        A name in `bpx.feedback.FEEDBACKS`, a rule, or its ``send(w, delta, B)``.

    Raises
    ------
    InputError
        If a size, a name, a number of activations or a combination cannot be used.
    """
    if isinstance(sizes, Sequence) and any(map(_is_layer, sizes)):
        given: dict[str, Any] = {"hidden": hidden, "output": output, "activations": each}
        given |= {"norm": norm, "dropout": dropout}
        usual = {"hidden": "sigmoid", "output": "sigmoid", "dropout": 0.0}
        layers = check_layers(sizes)
        for name, value in given.items():
            if not getattr(value, "ndim", 0) and value == usual.get(name):
                continue
            raise InputError(
                f"{name}={value!r} was given with layers, which have their own; omit it, "
                "or give widths"
            )
    else:
        layers = layers_of(sizes, hidden, output, each, norm, dropout)
    chosen = costs.get(cost, layers[-1].activation)
    costs.check_width(chosen, layers[-1].n_out)
    spec = Spec(layers, chosen, feedbacks.get(feedback))
    _check_feedback_widths(spec)
    check_direct(spec.feedback, spec.skips)
    return spec


def _check_feedback_widths(spec: Spec) -> None:
    """Refuse a layer that changes the width between Dense layers: feedback would not fit."""
    for below, above in pairwise(spec.dense):
        if below.n_out != above.n_in and spec.feedback != feedbacks.transpose:
            raise InputError(
                f"the feedback {spec.feedback.name!r} was given, but a layer between changes "
                f"the width from {below.n_out} to {above.n_in}; expected layers that keep it, "
                "or feedback='transpose'"
            )


def _is_layer(x: Any) -> bool:
    return hasattr(x, "n_out") and (hasattr(x, "forward") or isinstance(x, Residual))


def check_shapes(spec: Spec, parameters: Parameters) -> None:
    """Refuse weights and biases that do not fit the spec.

    Raises
    ------
    InputError
        The message has the given and the expected shapes.
    """
    given = [_shapes(entry) for entry in parameters.layers]
    if [(tuple(each), [*each.values()]) for each in given] == spec.forms:
        return
    expected = [dict(layer.shapes) for layer in spec.layers]
    if all(isinstance(layer, Dense) for layer in spec.layers):
        given_w, given_b = (_group(given, field) for field in ("w", "b"))
        w, b = (_group(expected, field) for field in ("w", "b"))
        raise InputError(
            f"weights of shapes {given_w} and biases of shapes {given_b} were given; a network "
            f"of sizes {list(spec.sizes)} has weights {w} and biases {b}"
        )
    raise InputError(
        f"parameters of shapes {given} were given; a network of the layers "
        f"{', '.join(layer.kind for layer in spec.layers)} has {expected}"
    )


def _shapes(entry: Any) -> dict[str, tuple[int, ...]]:
    fields = getattr(entry, "_fields", ())
    arrays = ((field, getattr(entry, field)) for field in fields)
    return {field: tuple(x.shape) for field, x in arrays if x is not None}


def _group(shapes: list[dict[str, tuple[int, ...]]], field: str) -> list[Any]:
    """The shapes of one field; None for a layer without it."""
    return [each.get(field) for each in shapes]


def check_apart(spec: Spec, what: str) -> None:
    """Raise InputError if samples interact in the network.

    Raises
    ------
    InputError
        If so; the message names the layer and the reason.
    """
    for number, layer in enumerate(spec.layers, 1):
        if layer.couples_samples:
            raise InputError(
                f"{what} cannot be computed: layer {number}, {layer.kind!r}, couples the "
                "samples of a batch, so that none has its own gradient; expected a "
                "network without such a layer"
            )


def check_feedback(spec: Spec, arrays: Sequence[Array]) -> None:
    """Refuse feedback arrays that do not fit the spec's rule.

    Raises
    ------
    InputError
        The message has the given and the expected shapes.
    """
    expected = list(spec.feedback.shapes(spec.sizes))
    given = [tuple(each.shape) for each in arrays]
    if given != expected:
        raise InputError(
            f"feedback arrays of shapes {given} were given; a network of sizes "
            f"{list(spec.sizes)} with the feedback {spec.feedback.name!r} has {expected}: "
            "pass feedback=net.feedback"
        )
