"""`Dense`: z = w a + b and a = sigma(z), with all equations for a layer of this form.

Only this module and `dense_saved` know that a layer is (w, b, sigma). They have the equations
of the book, their derivatives, the per-sample terms that BP3 and BP4 sum, and what a layer adds
to its update: a penalty, and a limit of the norms.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from bpx import activations, equations
from bpx._typing import A
from bpx._validate import NORMAL, flag, number, whole
from bpx.activations import ActivationName
from bpx.arrays.registry import namespace
from bpx.initializers import default, get
from bpx.jacobians import Activation, bends, pullback_derivative, pushforward
from bpx.layers.dense_saved import DenseMoved, DenseParameters, DenseSaved, UnbiasedSaved
from bpx.layers.layer import Context
from bpx.program.marks import equation

__all__ = ["Dense", "DenseMoved", "DenseParameters", "DenseSaved", "UnbiasedSaved"]


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
    l1, l2 : float
        The coefficients of a penalty l1 ‖w‖_1 + ½ l2 ‖w‖², whose gradient l1 sign(w) + l2 w
        is added to that of w before the optimizer, and is in no trace. sign(0) is 0. Biases
        have no penalty.
    max_norm : float, optional
        The largest norm of a row of w, the weights into one unit, at least 2^-126: after each
        update a longer row is scaled to this norm. The weights before the first update stay as
        they are.

    Raises
    ------
    InputError
        If a width is less than 1, the activation is unknown, or an option is out of range.

    Notes
    -----
    A matrix B that a feedback learns in place of w^T has the same penalty and constraint. N.
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting"
    (2014), section 5.1, for `max_norm`.

    Examples
    --------
    >>> bpx.Dense(4, 3, "tanh", bias=False)
    Dense(n_in=4, n_out=3, activation=<bpx.Elementwise 'tanh'>, bias=False)
    """

    n_in: int
    n_out: int
    activation: Activation
    bias: bool = field(default=True, kw_only=True)
    l1: float = field(default=0.0, kw_only=True)
    l2: float = field(default=0.0, kw_only=True)
    max_norm: float | None = field(default=None, kw_only=True)

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
            l1: float = 0.0,
            l2: float = 0.0,
            max_norm: float | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("n_in", "n_out"):
            given = whole(name, getattr(self, name), 1, None, "a whole number of at least 1")
            object.__setattr__(self, name, given)
        object.__setattr__(self, "activation", activations.get(self.activation))
        object.__setattr__(self, "bias", flag("bias", self.bias))
        for name in ("l1", "l2"):
            value = number(name, getattr(self, name), "a number of at least 0", _at_least_0)
            object.__setattr__(self, name, value)
        if self.max_norm is not None:
            positive, is_normal = NORMAL
            expected = f"{positive}, or None for no limit"
            largest = number("max_norm", self.max_norm, expected, is_normal)
            object.__setattr__(self, "max_norm", largest)

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in self.described().items())
        return f"{type(self).__qualname__}({', '.join(given)})"

    def described(self) -> dict[str, Any]:
        """Return the fields, by name, without the options that have their defaults."""
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

    # What it adds to an update

    @property
    def penalises(self) -> bool:
        """Whether it has a penalty."""
        return self.l1 > 0.0 or self.l2 > 0.0

    @property
    def constrains(self) -> bool:
        """Whether it limits the norms of the rows of w."""
        return self.max_norm is not None

    @equation(label="penalty")
    def penalised(
        self, gradient: DenseParameters, parameters: DenseParameters
    ) -> DenseParameters:
        """dC/dw + l1 sign(w) + l2 w, the gradient with that of the penalty."""
        w, dw = parameters.w, gradient.w
        if self.l1:
            dw = dw + self.l1 * namespace(w).sign(w)
        if self.l2:
            dw = dw + self.l2 * w
        return gradient._replace(w=dw)

    @equation(label="max_norm")
    def constrained(self, parameters: DenseParameters) -> DenseParameters:
        """w_j min(1, max_norm / ‖w_j‖) for each row w_j."""
        w, largest = parameters.w, self.max_norm
        xp = namespace(w)
        norms = xp.sqrt(xp.sum(w * w, axis=-1, keepdims=True))
        # max_norm / max(norm, max_norm) is exactly 1 for a row that is short enough
        return parameters._replace(w=w * (largest / xp.maximum(norms, largest)))

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


def _at_least_0(x: float) -> bool:
    return x >= 0.0
