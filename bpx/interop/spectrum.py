"""The spectrum and the trace of a network's curvature, by SciPy's or CuPy's solvers.

`curvature_operator` makes of a network and samples a matrix that is known by its products
alone, as `scipy.sparse.linalg` takes them: the Hessian of a million weights is never made.
Its rows and columns are the parameters in the order w^1, b^1, w^2, b^2, ..., each array row
by row, as `bpx.inspect.flatten` lays them out.

A network on NumPy gets an operator of SciPy's; one on CuPy, of CuPy's, whose vectors stay on
the device; those of other libraries SciPy's too, whose vectors pass through the host while
the products are computed where the network lives.
"""

from collections.abc import Callable
from functools import reduce
from math import prod
from operator import add
from typing import Any, NamedTuple

import numpy as np

from bpx._typing import Array
from bpx._validate import whole
from bpx.arrays.host import check_seed
from bpx.arrays.registry import compiled
from bpx.arrays.transfer import to_host
from bpx.errors import BackendError, InputError, MixedArraysError
from bpx.inspect.curvature.products import (
    empirical_fisher_vector_product,
    fisher_vector_product,
    ggn_vector_product,
    hessian_vector_product,
)
from bpx.inspect.curvature.vectors import flatten, unflatten
from bpx.inspect.requirements import check_by_transpose, check_dtype
from bpx.model.inputs import Placed, Samples, chunks, samples
from bpx.model.passes import backprop, forward
from bpx.model.spec import Gradients, Parameters, Spec

__all__ = [
    "Eigenpairs",
    "Estimate",
    "curvature_operator",
    "eigenpairs",
    "estimated_trace",
]


def curvature_operator(
    net: Placed, x: Any, y: Any, *, kind: str = "hessian", dtype: str | None = None
) -> Any:
    """The curvature of the mean cost of samples, as a symmetric linear operator.

    Parameters
    ----------
    net : Network
        With the parameters that it has now: they are not looked at again.
    x, y : arrays from anywhere
        Samples, as for `Network.evaluate`: brought to the network's home, and gone through
        in chunks by each product.
    kind : {"hessian", "ggn", "fisher", "empirical_fisher"}, optional
        As the products of `bpx.inspect`: of the mean over all samples, without a penalty.
    dtype : {"float32", "float64"}, optional
        Of its vectors: that of the network, which is what may be left out.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator, or cupyx.scipy.sparse.linalg.LinearOperator
        Of shape (p, p), p the number of parameters.

    Raises
    ------
    InputError
        If an argument cannot be used, or as the product of that kind does: at once. Of a
        network with another feedback than the transpose, take
        ``bpx.Network.from_arrays(net.spec.by_transpose(), *net.parameters, net.home)``.
    MixedArraysError
        If `dtype` is not that of the network.
    BackendError
        If SciPy is not installed.

    Examples
    --------
    >>> from bpx.interop import spectrum
    >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
    >>> x, y = np.random.default_rng(0).random((20, 3)), np.arange(20) % 2
    >>> operator = spectrum.curvature_operator(net, x, y)
    >>> operator.shape
    (26, 26)
    >>> largest = spectrum.eigenpairs(operator, 3).values
    """
    if kind not in _PRODUCTS:
        names = ", ".join(map(repr, _PRODUCTS))
        raise InputError(f"kind={kind!r} was given; expected one of {names}")
    home, linalg = net.home, _linalg(net.home.backend.name)
    check_by_transpose(net.spec, "curvature")
    _check_dtype(home.dtype, dtype or home.dtype)
    with home.active():
        product = _Product(net, samples(home, net.spec, x, y), kind)
        product.check()
    return linalg.LinearOperator(
        (product.size, product.size), matvec=product, rmatvec=product, dtype=home.dtype
    )


class Eigenpairs(NamedTuple):
    """Eigenvalues and their eigenvectors.

    Attributes
    ----------
    values : array, shape (k,)
        In the order that was asked for.
    vectors : array, shape (p, k)
        ``vectors[:, i]``, of length 1, belongs to ``values[i]``; `bpx.inspect.unflatten`
        gives it the shapes of the parameters.
    """

    values: Any
    vectors: Any


def eigenpairs(
    operator: Any, k: int = 6, *, which: str = "largest", seed: int | None = 0
) -> Eigenpairs:
    """Some eigenvalues of a symmetric operator, by Lanczos's method, and their vectors.

    Parameters
    ----------
    operator : LinearOperator
        Of `curvature_operator`, or another of SciPy's or CuPy's.
    k : int, optional
        How many, less than p.
    which : {"largest", "smallest", "magnitude"}, optional
        The largest, first; the smallest, first; those of largest modulus, first.
    seed : int, optional
        Of the vector that the method starts from.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    ``eigsh`` of ``scipy.sparse.linalg`` or ``cupyx.scipy.sparse.linalg``, whose errors are
    passed on. The smallest ones converge slowly where many lie close together.
    """
    if which not in _ORDERS:
        names = ", ".join(map(repr, _ORDERS))
        raise InputError(f"which={which!r} was given; expected one of {names}")
    library, linalg = _libraries(operator)
    size = operator.shape[0]
    k = whole("k", k, 1, size - 1, f"a whole number in 1 ... {size - 1}, below the size")
    start = library.asarray(_generator(seed).standard_normal(size).astype(operator.dtype))
    code, key = _ORDERS[which]
    values, vectors = linalg.eigsh(operator, k, which=code, v0=start)
    order = library.argsort(key(values))
    return Eigenpairs(values[order], vectors[:, order])


class Estimate(NamedTuple):
    """A number that was estimated from random draws.

    Attributes
    ----------
    value : float
        Unbiased.
    standard_error : float
        Of the value, from the spread of the draws.
    """

    value: float
    standard_error: float


def estimated_trace(operator: Any, *, products: int = 99, seed: int | None = 0) -> Estimate:
    """The sum of a symmetric operator's eigenvalues, from a few products: Hutch++.

    A third of the products finds a space Q where most of the operator lies; a third gives
    the trace there exactly; on what is left, P = 1 − Q Q^T, the mean of g^T P A P g over
    random signs g estimates it.

    Parameters
    ----------
    operator : LinearOperator
        As for `eigenpairs`.
    products : int, optional
        How many vectors it may be multiplied with, at least 6.
    seed : int, optional
        Of the signs.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    R. Meyer, C. Musco, C. Musco, D. Woodruff, "Hutch++: optimal stochastic trace
    estimation" (2021), algorithm 1.
    """
    third = whole("products", products, 6, None, "a whole number of at least 6") // 3
    library, _ = _libraries(operator)
    signs = _generator(seed).choice([-1.0, 1.0], (2, operator.shape[0], third))
    sketched, g = library.asarray(signs.astype(operator.dtype))
    q, _ = library.linalg.qr(operator @ sketched)
    inside = float((q * (operator @ q)).sum())
    g = g - q @ (q.T @ g)
    each = (g * (operator @ g)).sum(axis=0)
    error = float(each.std(ddof=1)) / third**0.5
    return Estimate(inside + float(each.mean()), error)


class _Product:
    """``product(v)``: the curvature times a flat vector, summed over chunks of the samples."""

    def __init__(self, net: Placed, data: Samples, kind: str) -> None:
        self.spec, self.parameters, self.home = net.spec, net.parameters, net.home
        self.data, self.function = data, _PRODUCTS[kind]
        self.on_device = net.home.backend.name == "cupy"
        self.size = sum(prod(part.shape) for group in net.parameters for part in group)

    def check(self) -> None:
        """Refuse what cannot be computed before a solver asks for it."""
        self._summed(self.parameters, Samples(self.data.x[:1, ...], self.data.y[:1, ...], None))

    def __call__(self, vector: Any) -> Any:
        vector = vector.reshape(-1)
        with self.home.active():
            at_home = vector if self.on_device else self.home.asarray(vector)
            product = flatten(self._summed(unflatten(at_home, self.parameters), self.data))
            return product if self.on_device else to_host(product)

    def _summed(self, v: Parameters, data: Samples) -> Gradients:
        run = compiled(self.function, 2, data.x)
        r = 1.0 / data.x.shape[0]
        parts = zip(chunks(self.spec, data.x), chunks(self.spec, data.y), strict=True)
        each = (run(self.spec, r, self.parameters, x, y, v) for x, y in parts)
        return reduce(_add, each)


def _hessian(
    spec: Spec, r: float, parameters: Parameters, x: Array, y: Array, v: Parameters
) -> Gradients:
    trace = backprop(spec, parameters, x, y)
    return hessian_vector_product(spec, parameters, trace, y, v, r=r)


def _ggn(
    spec: Spec, r: float, parameters: Parameters, x: Array, y: Array, v: Parameters
) -> Gradients:
    return ggn_vector_product(spec, parameters, forward(spec, parameters, x), y, v, r=r)


def _fisher(
    spec: Spec, r: float, parameters: Parameters, x: Array, y: Array, v: Parameters
) -> Gradients:
    return fisher_vector_product(spec, parameters, forward(spec, parameters, x), y, v, r=r)


def _empirical_fisher(
    spec: Spec, r: float, parameters: Parameters, x: Array, y: Array, v: Parameters
) -> Gradients:
    return empirical_fisher_vector_product(backprop(spec, parameters, x, y), v, r=r)


_PRODUCTS: dict[str, Callable[..., Gradients]] = {
    "hessian": _hessian,
    "ggn": _ggn,
    "fisher": _fisher,
    "empirical_fisher": _empirical_fisher,
}
_ORDERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "largest": ("LA", lambda values: -values),
    "smallest": ("SA", lambda values: values),
    "magnitude": ("LM", lambda values: -abs(values)),
}


def _check_dtype(stored: str, asked_for: str) -> None:
    check_dtype(stored, asked_for, "the dtype that was asked for")
    if asked_for != stored:
        raise MixedArraysError(
            f"dtype={asked_for!r} was asked of a network in {stored}; expected its own: leave "
            "it out, or move the network first, net.to(dtype=...)"
        )


def _add(one: Gradients, other: Gradients) -> Gradients:
    return Gradients(*(tuple(map(add, *groups)) for groups in zip(one, other, strict=True)))


def _libraries(operator: Any) -> tuple[Any, Any]:
    """The array library of an operator's vectors, and its solvers."""
    if len(getattr(operator, "shape", ())) != 2:
        raise InputError(
            f"a {type(operator).__name__} was given; expected a symmetric linear operator, "
            "such as curvature_operator(net, x, y) makes"
        )
    if not type(operator).__module__.startswith("cupy"):
        return np, _linalg("numpy")
    import cupy

    return cupy, _linalg("cupy")


def _linalg(backend: str) -> Any:
    if backend == "cupy":
        import cupyx.scipy.sparse.linalg as linalg
    else:
        try:
            import scipy.sparse.linalg as linalg
        except ImportError as error:
            raise BackendError(
                "the spectrum needs SciPy, which is not installed; install it with: "
                "pip install 'backpropx[scipy]'"
            ) from error
    return linalg


def _generator(seed: int | None) -> np.random.Generator:
    return np.random.default_rng(check_seed(seed))
