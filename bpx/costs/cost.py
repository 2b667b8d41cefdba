"""The form of a cost: its value for each sample, its gradient, and its stable pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from bpx._typing import A
from bpx.activations import Activation
from bpx.arrays.registry import namespace
from bpx.equations import bp1, r1
from bpx.errors import InputError
from bpx.jacobians import pushforward
from bpx.pairs import Pair
from bpx.program.marks import equation

__all__ = ["Cost", "Formula", "Targets", "above_zero", "flat"]

Targets: TypeAlias = Literal["real", "unit", "distribution", "nonnegative", "binary", "one_hot"]
_TARGETS = get_args(Targets)


@dataclass(frozen=True)
class Formula:
    """A function of arrays with the rest of its arguments; equal if all of these are equal.

    Two functions made by ``functools.partial``, and two methods of equal values, are never
    equal, and a step would compile once for each.
    """

    function: Callable[..., Any]
    parameters: tuple[Any, ...]

    def __call__(self, *arrays: Any) -> Any:
        """Return ``function(*arrays, *parameters)``."""
        return self.function(*arrays, *self.parameters)


def above_zero(a: A) -> A:
    """Raise `a` to at least the smallest normal number, for a logarithm or a division."""
    xp = namespace(a)
    return xp.maximum(a, float(xp.finfo(a.dtype).smallest_normal))


def flat(a: A, y: A, v: A) -> A:
    """The `hess_a` of a cost that is linear in a, but for corners: 0."""
    return namespace(v).zeros_like(v)


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
    targets : {"real", "unit", "distribution", "nonnegative", "binary", "one_hot"}, optional
        The values that y may have: any numbers; numbers in [0, 1]; rows of numbers in [0, 1]
        that sum to 1; numbers of at least 0; 0 or 1, where the sign of a single output is the
        answer; or rows with a single 1, which labels are.
    outputs : tuple of Activation or None, optional
        The built-in output activations that the cost accepts; None for all.
    hess_a : callable, optional
        ``hess_a(a, y, v)``, shape (n, k): the Hessian of C_x with respect to a^L, applied to
        v row by row. Curvature needs it if there is no pair.
    per_target : int, optional
        The number of outputs for each column of the targets. bpx repeats each column so often,
        so that y has the shape of a.
    """

    name: str
    value: Callable[[Any, Any], Any]
    grad_a: Callable[[Any, Any], Any]
    pairs: tuple[tuple[Activation, Pair], ...] = ()
    targets: Targets = "real"
    outputs: tuple[Activation, ...] | None = None
    hess_a: Callable[[Any, Any, Any], Any] | None = None
    per_target: int = 1

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

        With a pair, H is the Hessian of C_x with respect to z^L, or the pair's `convex` part
        of it. Without one, H is J^T (the Hessian with respect to a^L) J, which omits the term
        in the output's sigma''.

        Raises
        ------
        InputError
            As for `delta_derivative`.
        """
        second = self.second(output)
        if pair := self.pair(output):
            return (pair.convex or second)(z, a, y, v)
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
