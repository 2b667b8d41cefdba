"""Costs: the cost of each sample, its gradient with respect to a^L, and the stable pairs.

C = (1/n) sum_x C_x. A cost is a value with a `name`, ``value(a, y)`` -> (n,) and
``grad_a(a, y)`` -> (n, k). Where the output's activation undoes the cost's logarithms,
the cost and delta^L have closed forms in the logits z^L that neither overflow nor cancel.
Such a `Pair`, selected by the activation, replaces ``value`` and BP1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from bpx._typing import A, Array
from bpx.activations import ACTIVATIONS, Activation, identity, sigmoid, softmax
from bpx.arrays.registry import namespace
from bpx.equations import bp1, r1
from bpx.errors import InputError, advice, nearest, option
from bpx.jacobians import pushforward
from bpx.pairs import Pair, binary_pair, categorical_pair, minus, row_sums
from bpx.program.marks import equation

__all__ = [
    "COSTS",
    "BuiltInCost",
    "Cost",
    "CostName",
    "Pair",
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "get",
    "quadratic",
]

Targets: TypeAlias = Literal["real", "unit", "distribution"]
_TARGETS = get_args(Targets)


@dataclass(frozen=True)
class Cost:
    """A cost function of the outputs a and the targets y, both of shape (n, k).

    Parameters
    ----------
    name : str
        The name under which it is shown and saved.
    value : callable
        ``value(a, y) -> C_x``, one number for each sample, shape (n,).
    grad_a : callable
        ``grad_a(a, y) -> dC_x/da``, shape (n, k).
    pairs : tuple of (Activation, Pair), optional
        Closed forms in the logits, by the output's activation.
    targets : {"real", "unit", "distribution"}, optional
        The values that y may have: any numbers, numbers in [0, 1], or rows of numbers in
        [0, 1] that sum to 1.
    outputs : tuple of Activation or None, optional
        The built-in output activations that the cost accepts; None for all.
    hess_a : callable, optional
        ``hess_a(a, y, v)``, shape (n, k): the Hessian of C_x with respect to a^L, applied to
        v row by row. Curvature needs it if there is no pair.
    """

    name: str
    value: Callable[[Any, Any], Any]
    grad_a: Callable[[Any, Any], Any]
    pairs: tuple[tuple[Activation, Pair], ...] = ()
    targets: Targets = "real"
    outputs: tuple[Activation, ...] | None = None
    hess_a: Callable[[Any, Any, Any], Any] | None = None

    def __repr__(self) -> str:
        return f"<bpx.Cost {self.name!r}>"

    def __post_init__(self) -> None:
        if self.targets not in _TARGETS:
            raise InputError(
                f"targets={self.targets!r} was given; expected one of {', '.join(_TARGETS)}"
            )

    def pair(self, output: Activation) -> Pair | None:
        """Return the pair with `output`, or None if there is none."""
        for activation, pair in self.pairs:
            if activation is output or activation == output:
                return pair
        return None

    @equation(label="{self.name}")
    def evaluate(self, output: Activation, z: A, a: A, y: A) -> A:
        """C_x of each sample, shape (n,), in the stable closed form if there is one."""
        pair = self.pair(output)
        cost: A = pair.value(z, y) if pair else self.value(a, y)
        return cost

    @equation("grad_a", "{self.name}")
    @equation("delta^l", "BP1", of="z")
    def delta(self, output: Activation, z: A, a: A, y: A) -> A:
        """delta^L, shape (n, k): the pair's closed form, or BP1."""
        delta: A
        if pair := self.pair(output):
            delta = pair.delta(z, a, y)
        else:
            grad_a = self.grad_a(a, y)
            delta = bp1(output, z, a, grad_a)
        return delta

    def delta_derivative(self, output: Activation, z: A, a: A, y: A, v: A) -> A:
        """The derivative of delta^L as z^L moves along v, shape (n, k): the Hessian times v.

        Raises
        ------
        InputError
            If the cost, its pair or the output activation lacks a derivative that this needs.
        """
        second = self.second(output)
        if self.pair(output):
            return second(z, a, y, v)
        rgrad_a = second(a, y, pushforward(output, z, a, v))
        return r1(output, z, a, self.grad_a(a, y), rgrad_a, v)

    def gauss_newton(self, output: Activation, z: A, a: A, y: A, v: A) -> A:
        """H v, shape (n, k), for the positive semi-definite H of the Gauss-Newton matrix.

        With a pair, H is the Hessian of C_x with respect to z^L. Without one, H is
        J^T (the Hessian with respect to a^L) J, which omits the term in the output's sigma''.

        Raises
        ------
        InputError
            As for `delta_derivative`.
        """
        second = self.second(output)
        if self.pair(output):
            return second(z, a, y, v)
        return output.pullback(z, a, second(a, y, pushforward(output, z, a, v)))

    def second(self, output: Activation) -> Callable[..., Any]:
        """Return the `hess_z` of the pair with `output`, or the cost's `hess_a` without a pair.

        Raises
        ------
        InputError
            If that function is missing.
        """
        if pair := self.pair(output):
            return _given(pair.hess_z, f"the pair of {self.name!r}", "hess_z")
        return _given(self.hess_a, f"the cost {self.name!r}", "hess_a")


def _given(part: Callable[..., Any] | None, whose: str, what: str) -> Callable[..., Any]:
    if part is None:
        raise InputError(f"{whose} was made without {what}, its second derivative; give it one")
    return part


def _above_zero(a: A) -> A:
    """Raise `a` to at least the smallest normal number, for a logarithm or a division."""
    xp = namespace(a)
    return xp.maximum(a, float(xp.finfo(a.dtype).smallest_normal))


def _quadratic(a: Array, y: Array) -> Array:
    return 0.5 * row_sums((a - y) ** 2)


def _quadratic_grad(a: Array, y: Array) -> Array:
    return a - y


def _quadratic_hess(a: Array, y: Array, v: Array) -> Array:
    return v


def _quadratic_hess_z(z: Array, a: Array, y: Array, v: Array) -> Array:
    return v


def _binary(a: Array, y: Array) -> Array:
    log = namespace(a).log
    return -row_sums(y * log(_above_zero(a)) + (1.0 - y) * log(_above_zero(1.0 - a)))


def _binary_grad(a: Array, y: Array) -> Array:
    return (1.0 - y) / _above_zero(1.0 - a) - y / _above_zero(a)


def _binary_hess(a: Array, y: Array, v: Array) -> Array:
    return v * ((1.0 - y) / _above_zero(1.0 - a) ** 2 + y / _above_zero(a) ** 2)


def _categorical(a: Array, y: Array) -> Array:
    return -row_sums(y * namespace(a).log(_above_zero(a)))


def _categorical_grad(a: Array, y: Array) -> Array:
    return -y / _above_zero(a)


def _categorical_hess(a: Array, y: Array, v: Array) -> Array:
    return v * y / _above_zero(a) ** 2


quadratic = Cost(
    "quadratic",
    _quadratic,
    _quadratic_grad,
    pairs=((identity, Pair(_quadratic, minus, _quadratic_hess_z)),),
    hess_a=_quadratic_hess,
)
"""C_x = 1/2 sum_j (a_j - y_j)^2."""
binary_cross_entropy = Cost(
    "binary_cross_entropy",
    _binary,
    _binary_grad,
    pairs=((sigmoid, binary_pair),),
    targets="unit",
    outputs=(sigmoid,),
    hess_a=_binary_hess,
)
"""C_x = -sum_j (y_j log a_j + (1 - y_j) log(1 - a_j)), the book's cross-entropy."""
categorical_cross_entropy = Cost(
    "categorical_cross_entropy",
    _categorical,
    _categorical_grad,
    pairs=((softmax, categorical_pair),),
    targets="distribution",
    outputs=(softmax,),
    hess_a=_categorical_hess,
)
"""C_x = -sum_j y_j log a_j, the book's log-likelihood cost."""

COSTS = {c.name: c for c in (quadratic, binary_cross_entropy, categorical_cross_entropy)}
"""The built-in costs by name; ``"cross_entropy"`` selects one of two by the activation."""

BuiltInCost: TypeAlias = Literal[
    "quadratic", "binary_cross_entropy", "categorical_cross_entropy"
]
"""The keys of `COSTS`, for type checkers and editors."""
CostName: TypeAlias = Literal[BuiltInCost, "cross_entropy"]
"""The name of a network's cost: a key of `COSTS`, or ``"cross_entropy"``."""


def get(cost: CostName | Cost, output: Activation) -> Cost:
    """Return the cost with that name, or the value itself, if it accepts `output`.

    Raises
    ------
    InputError
        If the name is unknown, the value is not a cost, or the cost does not accept
        `output`.
    """
    if cost == "cross_entropy":
        return _cross_entropy(output)
    if isinstance(cost, str):
        if cost not in COSTS:
            names = (*COSTS, "cross_entropy")
            raise InputError(
                f"there is no cost {cost!r}{nearest(cost, names)}; known: {', '.join(names)}"
                + advice("; or pass a bpx.Cost of your own", "")
            )
        cost = COSTS[cost]
    if not isinstance(cost, Cost):
        raise InputError(
            f"{cost!r} was given as a cost; expected one of {', '.join(COSTS)}, cross_entropy, "
            "or a bpx.Cost(name, value, grad_a)"
        )
    return _refuse_senseless(cost, output)


def _cross_entropy(output: Activation) -> Cost:
    if output == softmax:
        return categorical_cross_entropy
    if output == sigmoid:
        return binary_cross_entropy
    raise InputError(
        f"{option('cost', 'cross_entropy')} was given with {option('output', output.name)}; it "
        "is categorical after softmax and binary after sigmoid: use "
        f"{_outputs('softmax', 'sigmoid')}, or another cost, such as "
        f"{option('cost', 'quadratic')}"
    )


def _refuse_senseless(cost: Cost, output: Activation) -> Cost:
    built_in = ACTIVATIONS.get(output.name) == output
    if cost.outputs is not None and built_in and output not in cost.outputs:
        raise InputError(
            f"{option('cost', cost.name)} was given with {option('output', output.name)}; it "
            f"needs {_outputs(*(each.name for each in cost.outputs))}, where it is stable"
        )
    return cost


def _outputs(*names: str) -> str:
    return " or ".join(option("output", name) for name in names)
