"""The spectrum and the trace of a network's curvature, with SciPy's or CuPy's solvers.

`curvature_operator` makes the matrix that the solvers take. Its rows and columns are the
parameters, in the order of `bpx.inspect.flatten`.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from bpx._validate import whole
from bpx.arrays.host import check_seed
from bpx.errors import InputError
from bpx.interop.operators import curvature_operator, linalg_of

__all__ = [
    "Eigenpairs",
    "Estimate",
    "curvature_operator",
    "eigenpairs",
    "estimated_trace",
]


Order: TypeAlias = Literal["largest", "smallest", "magnitude"]
"""The keys of `_ORDERS`."""


class Eigenpairs(NamedTuple):
    """Eigenvalues and their eigenvectors.

    Attributes
    ----------
    values : array, shape (k,)
        The eigenvalues, in the requested order.
    vectors : array, shape (p, k)
        ``vectors[:, i]``, of length 1, belongs to ``values[i]``; `bpx.inspect.unflatten`
        gives it the parameters' shapes.
    """

    values: Any
    vectors: Any


def eigenpairs(
    operator: Any, k: int = 6, *, which: Order = "largest", seed: int | None = 0
) -> Eigenpairs:
    """Compute some eigenvalues and eigenvectors of a symmetric operator, by Lanczos's method.

    Parameters
    ----------
    operator : LinearOperator
        An operator from `curvature_operator`, or any other SciPy or CuPy operator.
    k : int, optional
        The number of eigenvalues, less than p.
    which : {"largest", "smallest", "magnitude"}, optional
        The largest first, the smallest first, or those of largest modulus first.
    seed : int, optional
        The seed of the starting vector.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    This uses ``eigsh`` of ``scipy.sparse.linalg`` or ``cupyx.scipy.sparse.linalg`` and passes
    on its errors. The smallest eigenvalues converge slowly if many lie close together.
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
    """A random estimate of a number.

    Attributes
    ----------
    value : float
        An unbiased estimate.
    standard_error : float
        The standard error of `value`, from the spread of the draws.
    """

    value: float
    standard_error: float


def estimated_trace(operator: Any, *, products: int = 99, seed: int | None = 0) -> Estimate:
    """Estimate the sum of a symmetric operator's eigenvalues from a few products: Hutch++.

    A third of the products finds a subspace Q that captures most of the operator, and a third
    gives the trace on Q exactly. On the rest, with P = 1 − Q Q^T, the mean of g^T P A P g over
    random signs g estimates the trace.

    Parameters
    ----------
    operator : LinearOperator
        The operator, as for `eigenpairs`.
    products : int, optional
        The largest number of products with vectors, at least 6.
    seed : int, optional
        The seed of the random signs.

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


_ORDERS: dict[Order, tuple[str, Callable[[Any], Any]]] = {
    "largest": ("LA", lambda values: -values),
    "smallest": ("SA", lambda values: values),
    "magnitude": ("LM", lambda values: -abs(values)),
}


def _libraries(operator: Any) -> tuple[Any, Any]:
    """Return the array library of an operator's vectors, and its solvers."""
    if len(getattr(operator, "shape", ())) != 2:
        raise InputError(
            f"a {type(operator).__name__} was given; expected a symmetric linear operator, "
            "such as curvature_operator(net, x, y)"
        )
    if not type(operator).__module__.startswith("cupy"):
        return np, linalg_of("numpy")
    import cupy

    return cupy, linalg_of("cupy")


def _generator(seed: int | None) -> np.random.Generator:
    return np.random.default_rng(check_seed(seed))
