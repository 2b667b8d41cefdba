"""`Dense`: z = w a + b and a = sigma(z), with all equations for a layer of this form.

Only this module knows that a layer is (w, b, sigma). It has the equations of the book, their
derivatives, and the per-sample terms that BP3 and BP4 sum: each sample's gradient is the outer
product of its delta and (a_prev, 1), so norms, inner products and Kronecker factors follow from
those of delta and a_prev.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from bpx import activations, equations
from bpx._typing import A
from bpx._validate import whole
from bpx.activations import ActivationName
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.initializers import default, get
from bpx.jacobians import Activation, bends, pullback_derivative, pushforward
from bpx.layers.layer import Context
from bpx.program.marks import equation

__all__ = ["Dense", "DenseMoved", "DenseParameters", "DenseSaved", "UnbiasedSaved"]


class DenseParameters(NamedTuple):
    """The parameters of a `Dense` layer, or their gradients.

    Attributes
    ----------
    w : array, shape (n_out, n_in)
        ``w[j, k]`` is the book's w^l_{jk}.
    b : array, shape (n_out,), or None
        None for a layer without biases.
    """

    w: Any
    b: Any = None


class DenseSaved(NamedTuple):
    """The arrays that the forward pass saves for the backward pass.

    Attributes
    ----------
    a_prev : array, shape (n, n_in)
        The layer's input.
    z, a : arrays, shape (n, n_out)
    """

    a_prev: Any
    z: Any
    a: Any

    def gradients(self, r: Any, delta: Any) -> DenseParameters:
        """BP4 and BP3."""
        return DenseParameters(equations.bp4(r, delta, self.a_prev), equations.bp3(r, delta))

    # The terms that the sums over samples add up: grad_x = delta_x (a_x, 1)^T

    def squared_norms(self, delta: A) -> A:
        """‖grad_x‖² = ‖delta_x‖² (‖a_x‖² + 1), shape (n,)."""
        norms: A = _squares(delta) * (_squares(self.a_prev) + 1.0)
        return norms

    def inner_products(self, delta: A, other: "DenseSaved", delta_other: A) -> A:
        """grad_x · grad_x' for all pairs, (n, m): (delta delta'^T) ∘ (a a'^T + 1)."""
        return (delta @ delta_other.mT) * (self.a_prev @ other.a_prev.mT + 1.0)

    def individual(self, delta: Any) -> DenseParameters:
        """grad_x for each sample: the samples' axis comes first, then the parameters' axes."""
        return DenseParameters(delta[..., :, None] * self.a_prev[..., None, :], delta)

    def along(self, v: DenseParameters, delta: A) -> A:
        """grad_x · v for each sample, a column (n, 1)."""
        moved = self.a_prev @ v.w.mT + v.b
        product: A = namespace(delta).sum(delta * moved, axis=-1, keepdims=True)
        return product

    def squared(self) -> "DenseSaved":
        """Square a_prev, so that BP3 and BP4 of squared deltas sum squared gradients."""
        return self._replace(a_prev=self.a_prev * self.a_prev)


class UnbiasedSaved(DenseSaved):
    """The same for a layer without biases, whose gradient has no BP3 and no input of 1."""

    __slots__ = ()

    def gradients(self, r: Any, delta: Any) -> DenseParameters:
        """BP4."""
        return DenseParameters(equations.bp4(r, delta, self.a_prev))

    def squared_norms(self, delta: A) -> A:
        """‖grad_x‖² = ‖delta_x‖² ‖a_x‖², shape (n,)."""
        norms: A = _squares(delta) * _squares(self.a_prev)
        return norms

    def inner_products(self, delta: A, other: DenseSaved, delta_other: A) -> A:
        """grad_x · grad_x' for all pairs, (n, m): (delta delta'^T) ∘ (a a'^T)."""
        return (delta @ delta_other.mT) * (self.a_prev @ other.a_prev.mT)

    def individual(self, delta: Any) -> DenseParameters:
        """grad_x for each sample: the samples' axis comes first, then the parameters' axes."""
        return super().individual(delta)._replace(b=None)

    def along(self, v: DenseParameters, delta: A) -> A:
        """grad_x · v for each sample, a column (n, 1)."""
        product: A = namespace(delta).sum(
            delta * (self.a_prev @ v.w.mT), axis=-1, keepdims=True
        )
        return product


class DenseMoved(NamedTuple):
    """R{a_prev} and R{z} for a direction of (w, b); R{a_prev} is None for 0."""

    a_prev: Any
    z: Any


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: z = a_prev w^T + b, a = sigma(z).

    Attributes
    ----------
    n_in, n_out : int
        The widths k_{l-1} and k_l.
    activation : Activation, or str
        sigma, or its name in `bpx.activations.ACTIVATIONS`.
    bias : bool
        Whether there are biases; if not, z = a_prev w^T, and the layer's b is None.

    Raises
    ------
    InputError
        If a width is less than 1, the activation is unknown, or an option is out of range.

    Examples
    --------
    >>> bpx.Dense(4, 3, "tanh", bias=False)
    Dense(n_in=4, n_out=3, activation=<bpx.Elementwise 'tanh'>, bias=False)
    """

    n_in: int
    n_out: int
    activation: Activation
    bias: bool = field(default=True, kw_only=True)

    kind: ClassVar[str] = "dense"
    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = False

    if TYPE_CHECKING:  # the constructor also takes a name; the field is an activation

        def __init__(
            self,
            n_in: int,
            n_out: int,
            activation: ActivationName | Activation,
            *,
            bias: bool = True,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("n_in", "n_out"):
            given = whole(name, getattr(self, name), 1, None, "a whole number of at least 1")
            object.__setattr__(self, name, given)
        object.__setattr__(self, "activation", activations.get(self.activation))
        if not isinstance(self.bias, bool):
            raise InputError(f"bias={self.bias!r} was given; expected True or False")

    def __repr__(self) -> str:
        told = (f"{name}={value!r}" for name, value in self.told().items())
        return f"{type(self).__qualname__}({', '.join(told)})"

    def told(self) -> dict[str, Any]:
        """The fields, without the options that have their defaults."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        usual = {each.name: each.default for each in fields(self)}
        return {
            name: value
            for name, value in given.items()
            if usual[name] is MISSING or value != usual[name]
        }

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of w and b."""
        w = self.n_out, self.n_in
        return {"w": w, "b": (self.n_out,)} if self.bias else {"w": w}

    def entry(self, arrays: Mapping[str, Any]) -> DenseParameters:
        """``(w, b)``; b is None without biases."""
        return DenseParameters(arrays["w"], arrays["b"] if self.bias else None)

    def draw(self, init: Any, rng: Callable[[str], Any]) -> Mapping[str, Any]:
        """Draw w and b with the given initializer, or the one that suits the activation."""
        chosen = default(self.activation) if init is None else get(init)
        weights = chosen.weights(rng("weights"), self.n_out, self.n_in)
        if not self.bias:
            return {"w": weights}
        return {"w": weights, "b": chosen.biases(rng("biases"), self.n_out)}

    # The equations of the book

    @equation("z^l", "forward")
    @equation("a^l = sigma(z)", "{self.activation.name}")
    def forward(self, parameters: DenseParameters, a_prev: Any, context: Context) -> DenseSaved:
        """z^l = w^l a^{l-1} + b^l, a^l = sigma(z^l)."""
        z = equations.forward(parameters.w, parameters.b, a_prev)
        a = self.activation.sigma(z)
        return DenseSaved(a_prev, z, a) if self.bias else UnbiasedSaved(a_prev, z, a)

    def error(self, saved: DenseSaved, g: A) -> A:
        """delta^l = g ⊙ sigma'(z^l), of shape (n, k_l)."""
        return self.activation.pullback(saved.z, saved.a, g)

    def send_back(self, parameters: DenseParameters, saved: DenseSaved, delta: A) -> A:
        """(w^l)^T delta^l, of shape (n, k_{l-1})."""
        return equations.sent(parameters.w, delta)

    # The equations differentiated once, for a direction v of (w, b)

    @property
    def bends(self) -> bool:
        """Whether delta depends on z even for a fixed g: sigma'' is not 0."""
        return bends(self.activation)

    def r_forward(
        self, parameters: DenseParameters, v: DenseParameters, saved: DenseSaved, ra_prev: Any
    ) -> DenseMoved:
        """R0; None stands for R{a^0} = 0."""
        return DenseMoved(ra_prev, equations.r0(parameters.w, v.w, v.b, saved.a_prev, ra_prev))

    def r_output(self, saved: DenseSaved, moved: DenseMoved) -> Any:
        """R{a} = sigma'(z) ⊙ R{z}."""
        return pushforward(self.activation, saved.z, saved.a, moved.z)

    def r_error(self, saved: DenseSaved, moved: DenseMoved, g: Any, rg: A) -> A:
        """R{delta} = R{g} ⊙ sigma'(z) + g ⊙ sigma''(z) ⊙ R{z}; g is read only if `bends`."""
        rdelta = self.error(saved, rg)
        if not self.bends:
            return rdelta
        bent = pullback_derivative(self.activation, saved.z, saved.a, g, moved.z)
        return rdelta + bent

    def r_send_back(
        self,
        parameters: DenseParameters,
        v: DenseParameters,
        saved: DenseSaved,
        moved: DenseMoved,
        delta: A,
        rdelta: A,
    ) -> A:
        """(w^l)^T R{delta^l} + (v_w^l)^T delta^l."""
        return equations.sent(parameters.w, rdelta) + equations.sent(v.w, delta)

    def r_gradients(
        self, r: A | float, saved: DenseSaved, moved: DenseMoved, delta: A, rdelta: A
    ) -> DenseParameters:
        """R4 and R3."""
        return DenseParameters(
            w=equations.r4(r, delta, rdelta, saved.a_prev, moved.a_prev),
            b=equations.r3(r, rdelta) if self.bias else None,
        )


def _squares(x: A) -> A:
    return namespace(x).sum(x * x, axis=-1)
