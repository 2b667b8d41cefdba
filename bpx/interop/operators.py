"""A network's curvature as a linear operator for solvers, known only by its products.

The Hessian of a million weights is never formed. Its rows and columns are the parameters in
the order w^1, b^1, w^2, b^2, ..., each array row by row, as `bpx.inspect.flatten` orders them.

A network on NumPy gets a SciPy operator. One on CuPy gets a CuPy operator, which keeps its
vectors on the device. Networks on other libraries get a SciPy operator too: its vectors pass
through the host, and the products are computed at the network's home.
"""

from collections.abc import Callable
from functools import reduce
from math import prod
from operator import add
from typing import Any, Literal, TypeAlias

from bpx._typing import Array
from bpx.arrays.choice import Dtype
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
from bpx.model.expected import as_inputs
from bpx.model.inputs import Placed, Samples, chunks, samples
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import backprop, forward
from bpx.model.spec import Spec
from bpx.optim.trees import mapped
from bpx.program.contract import leaves

__all__ = ["curvature_operator", "linalg_of"]

Curvature: TypeAlias = Literal["hessian", "ggn", "fisher", "empirical_fisher"]
"""The keys of `_PRODUCTS`."""


def curvature_operator(
    net: Placed, x: Any, y: Any, *, kind: Curvature = "hessian", dtype: Dtype | None = None
) -> Any:
    """Make the curvature of the mean cost of samples into a symmetric linear operator.

    Parameters
    ----------
    net : Network
        The network; the operator keeps its current parameters.
    x, y : arrays from anywhere
        The samples, as for `Network.evaluate`. They are copied to the network's home, and
        each product goes through them in chunks.
    kind : {"hessian", "ggn", "fisher", "empirical_fisher"}, optional
        The product of `bpx.inspect` to use, for the mean over all samples, without a penalty.
    dtype : {"float32", "float64"}, optional
        The dtype of its vectors, which must be the network's; that is the default.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator, or cupyx.scipy.sparse.linalg.LinearOperator
        An operator of shape (p, p), where p is the number of parameters.

    Raises
    ------
    InputError
        If an argument cannot be used, or the product of this kind raises it; the first
        product is tried at once. For a network with a feedback other than the transpose, pass
        ``bpx.Network.from_arrays(net.spec.by_transpose(), net.parameters, net.home)``.
    MixedArraysError
        If `dtype` is not the network's.
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
    home, linalg = net.home, linalg_of(net.home.backend.name)
    check_by_transpose(net.spec, "curvature")
    _check_dtype(home.dtype, dtype or home.dtype)
    with home.active():
        product = _Product(net, samples(home, net.spec, x, y, snapshot=True), kind)
        product.check()
    return linalg.LinearOperator(
        (product.size, product.size), matvec=product, rmatvec=product, dtype=home.dtype
    )


class _Product:
    """``product(v)``: the curvature times a flat vector, summed over chunks of the samples."""

    def __init__(self, net: Placed, data: Samples, kind: Curvature) -> None:
        self.spec, self.parameters, self.home = net.spec, net.parameters, net.home
        self.data, self.function = data, _PRODUCTS[kind]
        self.on_device = net.home.backend.name == "cupy"
        self.size = sum(prod(part.shape) for part in leaves(net.parameters))

    def check(self) -> None:
        """Try a product on one sample, so that errors appear before a solver starts."""
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
        cast = ((as_inputs(x, self.parameters.like), y) for x, y in parts)
        each = (run(self.spec, r, self.parameters, x, y, v) for x, y in cast)
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


_PRODUCTS: dict[Curvature, Callable[..., Gradients]] = {
    "hessian": _hessian,
    "ggn": _ggn,
    "fisher": _fisher,
    "empirical_fisher": _empirical_fisher,
}


def _check_dtype(stored: str, asked_for: str) -> None:
    check_dtype(stored, asked_for, "the dtype that was asked for")
    if asked_for != stored:
        raise MixedArraysError(
            f"dtype={asked_for!r} was given for a network in {stored}; omit it, or convert the "
            "network first with net.to(dtype=...)"
        )


def _add(one: Gradients, other: Gradients) -> Gradients:
    summed: Gradients = mapped(add, one, other)
    return summed


def linalg_of(backend: str) -> Any:
    """Return the solvers of a backend: CuPy's, or SciPy's for all others.

    Raises
    ------
    BackendError
        If SciPy is not installed.
    """
    if backend == "cupy":
        import cupyx.scipy.sparse.linalg as linalg
    else:
        try:
            import scipy.sparse.linalg as linalg
        except ImportError as error:
            raise BackendError(
                "the spectrum needs SciPy, which is not installed; install it with: "
                "pip install scipy"
            ) from error
    return linalg
