"""What an activation is: sigma, and its Jacobian carried back, forward, and differentiated.

For the Jacobian J of sigma at z, row by row: the pullback maps g to J^T g, which is what
BP1 and BP2 ask for; the pushforward maps v to J v, and the pullback's derivative is that of
J^T g as z moves along v: with these two the equations are differentiated once more. An
`Elementwise` activation has a diagonal Jacobian; a `Rowwise` one couples the units of a row.
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
    """What a layer asks of its activation.

    One that has also ``pushforward(z, a, v)`` and ``pullback_derivative(z, a, g, v)``, as
    `Elementwise` and `Rowwise` do, can be asked for curvature.
    """

    @property
    def name(self) -> str:
        """The name it is shown and saved by."""

    @property
    def sigma(self) -> Callable[[Any], Any]:
        """A = sigma(z), shapes (n, k) to (n, k)."""

    def pullback(self, z: A, a: A, g: A) -> A:
        """J^T g for each row, J the Jacobian of sigma at z, where a = sigma(z)."""


def flat(z: Array, a: Array) -> Array:
    """sigma'' of an activation that is made of straight lines: 0."""
    return namespace(z).zeros_like(z)


@dataclass(frozen=True)
class Elementwise:
    """An activation that acts on each unit alone.

    Parameters
    ----------
    name : str
        What it is shown and saved by.
    sigma : callable
        ``sigma(z) -> a``, shapes (n, k) to (n, k).
    sigma_prime : callable
        ``sigma_prime(z, a) -> da/dz``, shape (n, k), where ``a = sigma(z)`` is at hand
        for what is cheaper from it.
    sigma_second : callable, optional
        ``sigma_second(z, a) -> d²a/dz²``, shape (n, k): what the Hessian asks for.
        ``bpx.activations.flat`` for one that is made of straight lines.
    reach : pair of float, optional
        The smallest and the largest a, such as ``(0.0, 1.0)`` for sigmoid: targets of the
        quadratic cost outside them are refused in training. Left out, none are.

    Notes
    -----
    Write them with operators and `bpx.namespace`, which finds the functions of the
    array's own library, and with Python numbers as constants: then it runs everywhere.
    Only ``where(c, 1.0, 0.2)``, of two numbers, has no dtype to follow, and is float64 on
    NumPy: write ``0.2 + 0.8 * xp.astype(c, z.dtype)``.

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
        What it is shown and saved by.
    sigma : callable
        ``sigma(z) -> a``, shapes (n, k) to (n, k).
    pull : callable
        ``pull(z, a, g) -> J^T g``, shape (n, k): for each row the transposed Jacobian of
        sigma at z, applied to g.
    push : callable, optional
        ``push(z, a, v) -> J v``, shape (n, k): what curvature asks for.
    bend : callable, optional
        ``bend(z, a, g, v)``, shape (n, k): the derivative of J^T g as z moves along v, g
        held fast: what the Hessian asks for.
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
        If the activation was made without what that takes.
    """
    pushed: A = asked(sigma, "pushforward")(z, a, v)
    return pushed


def pullback_derivative(sigma: Activation, z: A, a: A, g: A, v: A) -> A | float:
    """The derivative of J^T g as z moves along v, shape (n, k); 0 if sigma'' is 0 anywhere.

    Raises
    ------
    InputError
        If the activation was made without what that takes.
    """
    if not bends(sigma):
        return 0.0
    bent: A = asked(sigma, "pullback_derivative")(z, a, g, v)
    return bent


def bends(sigma: Activation) -> bool:
    """Whether sigma'' is anywhere but 0."""
    return getattr(sigma, "sigma_second", None) is not flat


_PARTS = {
    "push": "which maps v to J v",
    "sigma_second": "which is d²a/dz²",
    "bend": "which is the derivative of J^T g along v",
}
_TAKES = {"pushforward": ("push",), "pullback_derivative": ("sigma_second", "bend")}


def asked(sigma: Activation, method: str) -> Callable[..., Any]:
    """The activation's `pushforward` or `pullback_derivative`, which it need not have.

    Raises
    ------
    InputError
        If it has not, or was made without what that takes.
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
