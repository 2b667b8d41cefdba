"""Activations: sigma, the products with its Jacobian, and the pullback's derivative.

J is the Jacobian of sigma at z, for each row. The pullback maps g to J^T g, which BP1 and BP2
need. The pushforward maps v to J v, and the pullback's derivative is that of J^T g as z moves
along v; these two are for differentiating the equations again. An `Elementwise` activation
has a diagonal Jacobian; a `Rowwise` one couples the units of a row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bpx._typing import A, Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.program.marks import equation

__all__ = [
    "Activation",
    "Elementwise",
    "Rowwise",
    "asked",
    "bends",
    "flat",
    "pullback_derivative",
    "pushforward",
]


class Activation(Protocol):
    """The interface that a layer expects of its activation.

    Curvature also needs ``pushforward(z, a, v)`` and ``pullback_derivative(z, a, g, v)``,
    which `Elementwise` and `Rowwise` have.
    """

    @property
    def name(self) -> str:
        """The name under which it is shown and saved."""

    @property
    def sigma(self) -> Callable[[Any], Any]:
        """The function a = sigma(z), shapes (n, k) to (n, k)."""

    def pullback(self, z: A, a: A, g: A) -> A:
        """J^T g for each row, where J is the Jacobian of sigma at z and a = sigma(z)."""


def flat(z: Array, a: Array) -> Array:
    """sigma'' of a piecewise linear activation: 0."""
    return namespace(z).zeros_like(z)


@dataclass(frozen=True)
class Elementwise:
    """An activation that acts on each unit independently.

    Parameters
    ----------
    name : str
        The name under which it is shown and saved.
    sigma : callable
        ``sigma(z) -> a``, shapes (n, k) to (n, k).
    sigma_prime : callable
        ``sigma_prime(z, a) -> da/dz``, shape (n, k), computed from z or ``a = sigma(z)``,
        whichever is cheaper.
    sigma_second : callable, optional
        ``sigma_second(z, a) -> d²a/dz²``, shape (n, k), which the Hessian needs. Pass
        ``bpx.activations.flat`` for a piecewise linear activation.
    reach : pair of float, optional
        The smallest and the largest a, such as ``(0.0, 1.0)`` for sigmoid. Training with the
        quadratic cost refuses targets outside this range; without `reach`, it refuses none.

    Notes
    -----
    Write the functions with operators, Python numbers as constants, and `bpx.namespace`,
    which finds the functions of the array's own library: they then run on every backend.
    One call needs care: ``where(c, 1.0, 0.2)`` gets two numbers and no dtype, and returns
    float64 on NumPy. Write ``0.2 + 0.8 * xp.astype(c, z.dtype)`` instead.

    Examples
    --------
    >>> square = bpx.Elementwise("square", lambda z: z * z, lambda z, a: 2.0 * z)
    >>> net = bpx.Network([2, 3, 1], hidden=square, seed=0)
    """

    name: str
    sigma: Callable[[Any], Any]
    sigma_prime: Callable[[Any, Any], Any]
    sigma_second: Callable[[Any, Any], Any] | None = None
    reach: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"<bpx.Elementwise {self.name!r}>"

    @equation("sigma_prime(z, a)", "{self.name}")
    def pullback(self, z: A, a: A, g: A) -> A:
        """g ⊙ sigma'(z)."""
        sigma_prime = self.sigma_prime(z, a)
        return g * sigma_prime

    def pushforward(self, z: A, a: A, v: A) -> A:
        """v ⊙ sigma'(z)."""
        return v * self.sigma_prime(z, a)

    def pullback_derivative(self, z: A, a: A, g: A, v: A) -> A:
        """g ⊙ v ⊙ sigma''(z)."""
        return g * v * _given(self.sigma_second, self.name, "sigma_second")(z, a)


@dataclass(frozen=True)
class Rowwise:
    """An activation that couples the units of a row, such as softmax.

    Parameters
    ----------
    name : str
        The name under which it is shown and saved.
    sigma : callable
        ``sigma(z) -> a``, shapes (n, k) to (n, k).
    pull : callable
        ``pull(z, a, g) -> J^T g``, shape (n, k): the transposed Jacobian of sigma at z,
        applied to g, for each row.
    push : callable, optional
        ``push(z, a, v) -> J v``, shape (n, k), which curvature needs.
    bend : callable, optional
        ``bend(z, a, g, v)``, shape (n, k): the derivative of J^T g as z moves along v, with
        g held constant, which the Hessian needs.
    reach : pair of float, optional
        The smallest and the largest a, as for `Elementwise`.
    """

    name: str
    sigma: Callable[[Any], Any]
    pull: Callable[[Any, Any, Any], Any]
    push: Callable[[Any, Any, Any], Any] | None = None
    bend: Callable[[Any, Any, Any, Any], Any] | None = None
    reach: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"<bpx.Rowwise {self.name!r}>"

    def pullback(self, z: A, a: A, g: A) -> A:
        """J^T g."""
        pulled: A = self.pull(z, a, g)
        return pulled

    def pushforward(self, z: A, a: A, v: A) -> A:
        """J v."""
        pushed: A = _given(self.push, self.name, "push")(z, a, v)
        return pushed

    def pullback_derivative(self, z: A, a: A, g: A, v: A) -> A:
        """The derivative of J^T g as z moves along v."""
        bent: A = _given(self.bend, self.name, "bend")(z, a, g, v)
        return bent


def pushforward(sigma: Activation, z: A, a: A, v: A) -> A:
    """J v, shape (n, k).

    Raises
    ------
    InputError
        If the activation lacks a function that this needs.
    """
    pushed: A = asked(sigma, "pushforward")(z, a, v)
    return pushed


def pullback_derivative(sigma: Activation, z: A, a: A, g: A, v: A) -> A | float:
    """The derivative of J^T g as z moves along v, shape (n, k); 0.0 if sigma'' is `flat`.

    Raises
    ------
    InputError
        If the activation lacks a function that this needs.
    """
    if not bends(sigma):
        return 0.0
    bent: A = asked(sigma, "pullback_derivative")(z, a, g, v)
    return bent


def bends(sigma: Activation) -> bool:
    """Whether sigma'' may be nonzero: False only if it is `flat`."""
    return getattr(sigma, "sigma_second", None) is not flat


_PARTS = {
    "push": "which maps v to J v",
    "sigma_second": "which is d²a/dz²",
    "bend": "which is the derivative of J^T g along v",
}
_TAKES = {"pushforward": ("push",), "pullback_derivative": ("sigma_second", "bend")}


def asked(sigma: Activation, method: str) -> Callable[..., Any]:
    """Return the activation's optional method, `pushforward` or `pullback_derivative`.

    Raises
    ------
    InputError
        If the activation lacks the method, or a function that the method needs.
    """
    if not hasattr(sigma, method):
        raise InputError(f"the activation {sigma.name!r} has no {method}; give it one")
    for part in _TAKES[method]:
        if hasattr(sigma, part):
            _given(getattr(sigma, part), sigma.name, part)
    return getattr(sigma, method)


def _given(part: Callable[..., Any] | None, name: str, what: str) -> Callable[..., Any]:
    if part is None:
        raise InputError(
            f"the activation {name!r} was made without {what}, {_PARTS[what]}; give it one"
        )
    return part
