"""Quantities of a mini-batch besides its gradient, and the libraries that compute them.

A teller is a row of the table below: a function in a module of its library.
``function(key, subject) -> Work`` brings the subject, the same for all, to the library, and
returns two functions to time: the plain forward and backward pass as that library's users
write it, and the pass with the quantity. So each cost is relative to the same library without
the quantity. If a peer computes the quantity in a separate pass that leaves no gradient, as
curvlinops' operators do, the plain pass is added; if it computes the gradients of all samples,
as ``vmap(grad)`` does, nothing is added.

The results are read afterwards, as NumPy arrays, and must agree with those of bpx.
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

import bpx
from benchmarks.cases import Case, Problem, network, problem

__all__ = [
    "ENGINES",
    "QUANTITIES",
    "TELLERS",
    "Quantity",
    "Subject",
    "Teller",
    "Work",
    "interleaved",
    "split_gauge",
    "subject",
    "why_not",
]


class Quantity(NamedTuple):
    """One quantity.

    Attributes
    ----------
    title : str
    most : float or None
        How many times as long as the plain pass the two together may take; None if there is
        no target.
    drawn : bool
        Whether it is random: tellers then agree only in the mean.
    """

    title: str
    most: float | None = None
    drawn: bool = False


QUANTITIES = {
    "norms": Quantity("norm of each sample's gradient", 1.10),
    "clipping": Quantity("sum of the clipped gradients", 1.12),
    "products": Quantity("inner products of all pairs", 1.5),
    "kfac-labels": Quantity("KFAC, from the labels", 2.0),
    "kfac-drawn": Quantity("KFAC, one draw of labels", 2.4, drawn=True),
    "diagonal-drawn": Quantity("GGN diagonal, one draw of labels", 1.8, drawn=True),
    "hessian": Quantity("Hessian-vector product", 2.8),
    "ggn": Quantity("GGN-vector product"),
    "moments": Quantity("second moments of the gradients"),
    "kfac-exact": Quantity("KFAC, exact (KFLR)"),
    "diagonal-exact": Quantity("GGN diagonal, exact"),
    "ntk": Quantity("neural tangent kernel, mean of the outputs"),
    "private": Quantity("clipped sum with secure noise"),
}
"""By key. The last has no peer here: Opacus' secure generator is a separate package."""


class Subject(NamedTuple):
    """A network and one mini-batch.

    Attributes
    ----------
    problem : Problem
        A problem of one mini-batch.
    v : tuple of two tuples of ndarray
        A direction (v_w, v_b), of the shapes of the parameters.
    bound : float
        The clipping norm: the median of the norms, so that half of the samples are clipped.
    """

    problem: Problem
    v: tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]
    bound: float


class Work(NamedTuple):
    """The work of one teller for one quantity.

    Attributes
    ----------
    plain : callable
        The forward and the backward pass; finished when it returns.
    telling : callable
        The same with the quantity; returns the argument of `read`.
    read : callable
        Returns that result as NumPy arrays: shapes of parameters in the order w^1, b^1, w^2,
        ...; Kronecker factors of the weights in the order A^0, G^1, A^1, ...
    """

    plain: Callable[[], Any]
    telling: Callable[[], Any]
    read: Callable[[Any], list[np.ndarray]]


class Teller(NamedTuple):
    """One row.

    Attributes
    ----------
    name : str
    package : str
        The package that must be installed.
    module, function : str
        The module in this folder, and its function.
    keys : tuple of str
        Keys of `QUANTITIES`.
    """

    name: str
    package: str
    module: str
    function: str
    keys: tuple[str, ...]

    def work(self, key: str, subject: Subject) -> Work:
        """Bring the subject to the library; nothing is imported before this."""
        module = import_module(f"{__name__}.{self.module}")
        found: Work = getattr(module, self.function)(key, subject)
        return found


_ALL = tuple(QUANTITIES)
_EACH = "norms", "clipping", "products"

TELLERS = (
    Teller("bpx numpy", "numpy", "_bpx", "on_numpy", _ALL),
    Teller("bpx torch", "torch", "_bpx", "on_torch", _ALL),
    Teller("bpx jax", "jax", "_bpx", "on_jax", _ALL),
    Teller("torch.func", "torch", "_torch", "functional", (*_EACH, "hessian", "ggn", "ntk")),
    Teller("PyTorch, two backward", "torch", "_torch", "twice", ("hessian",)),
    Teller("JAX by hand", "jax", "_jax", "by_hand", (*_EACH, "hessian", "ggn")),
    Teller("Opacus, hooks", "opacus", "_opacus", "hooks", ("norms", "clipping")),
    Teller("Opacus, ghost", "opacus", "_opacus", "ghost", ("norms", "clipping")),
    Teller("BackPACK, BatchGrad", "backpack", "_backpack", "batch_grad", ("norms", "products")),
    Teller(
        *("BackPACK", "backpack", "_backpack", "extension"),
        ("norms", "kfac-drawn", "diagonal-drawn", "moments", "kfac-exact", "diagonal-exact"),
    ),
    Teller(
        *("curvlinops", "curvlinops", "_curvlinops", "operator"),
        ("kfac-labels", "kfac-drawn", "hessian", "ggn", "kfac-exact"),
    ),
)

ENGINES = tuple(each.name for each in TELLERS if each.module == "_bpx")


def subject(case: Case, seed: int = 0) -> Subject:
    """The numbers of a case."""
    numbers = problem(case.lasting(case.batch), seed)
    net, rng = network(case, seed, "numpy"), np.random.default_rng(seed)
    w, b = (
        tuple(rng.standard_normal(each.shape, dtype=np.float32) for each in group)
        for group in (net.weights, net.biases)
    )
    norms = bpx.inspect.gradient_norms(net.backprop(numbers.x, numbers.y))
    return Subject(numbers, (w, b), float(np.median(norms)))


def why_not(teller: Teller) -> str | None:
    """Why a teller cannot run here; None if it can."""
    if find_spec(teller.package):
        return None
    return f"{teller.package} is not installed"


def interleaved(groups: Iterable[Iterable[Any]]) -> list[np.ndarray]:
    """A pair (w, b), or (A, G), in the order w^1, b^1, w^2, ..."""
    return [np.asarray(each) for pair in zip(*groups, strict=True) for each in pair]


def split_gauge(inputs: Iterable[Any], errors: Iterable[Any]) -> list[np.ndarray]:
    """Kronecker factors with each A of norm 1: c A and G / c have the same product."""
    pairs = [(np.asarray(a), np.asarray(g)) for a, g in zip(inputs, errors, strict=True)]
    sizes = [np.linalg.norm(a) for a, _ in pairs]
    return [
        each for (a, g), size in zip(pairs, sizes, strict=True) for each in (a / size, g * size)
    ]
