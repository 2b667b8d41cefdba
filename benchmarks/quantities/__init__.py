"""What is told of a mini-batch beside its gradient, and who can tell it.

A teller is a row of the table below: a function in a module of its library.
``function(key, subject) -> Work`` brings the subject, the same for all, to the library, and
gives two things to be timed: the plain forward and backward pass as that library's users
write it, and the pass with the quantity. So each cost is relative to what the same library
takes without it. Where a peer's quantity comes of a pass of its own that leaves no gradient,
as curvlinops' operators, the plain pass comes on top; where it comes with all gradients of
the samples, as of ``vmap(grad)``, nothing does.

What was found is read afterwards, as NumPy arrays, and has to be what bpx finds.
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
    """One thing that is told.

    Attributes
    ----------
    title : str
    most : float or None
        How many times as long as the plain pass the two together may take; None if nothing
        is asked.
    drawn : bool
        Whether it is random: tellers then agree in the mean alone.
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
"""By key. The last has no peer here: Opacus' secure generator is a package of its own."""


class Subject(NamedTuple):
    """A network and one mini-batch.

    Attributes
    ----------
    problem : Problem
        Of one mini-batch.
    v : tuple of two tuples of ndarray
        A direction (v_w, v_b), of the shapes of the parameters.
    bound : float
        Of clipping: the median of the norms, so that half of the samples are clipped.
    """

    problem: Problem
    v: tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]
    bound: float


class Work(NamedTuple):
    """What one teller does for one quantity.

    Attributes
    ----------
    plain : callable
        The forward and the backward pass; finished when it returns.
    telling : callable
        The same with the quantity; gives back what `read` wants.
    read : callable
        That as NumPy arrays. Of the shapes of the parameters in the order w^1, b^1, w^2, ...;
        of Kronecker factors those of the weights, in the order A^0, G^1, A^1, ...
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
        That must be installed.
    module, function : str
        Of this folder.
    keys : tuple of str
        Of `QUANTITIES`.
    """

    name: str
    package: str
    module: str
    function: str
    keys: tuple[str, ...]

    def work(self, key: str, subject: Subject) -> Work:
        """Bring the subject to the library; nothing is imported before."""
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
    """Why a teller cannot be asked here; None if it can."""
    if find_spec(teller.package):
        return None
    return f"{teller.package} is not installed"


def interleaved(groups: Iterable[Iterable[Any]]) -> list[np.ndarray]:
    """A pair (w, b), or (A, G), in the order w^1, b^1, w^2, ..."""
    return [np.asarray(each) for pair in zip(*groups, strict=True) for each in pair]


def split_gauge(inputs: Iterable[Any], errors: Iterable[Any]) -> list[np.ndarray]:
    """Kronecker factors, each A of norm 1: of c A and G / c the product is the same."""
    pairs = [(np.asarray(a), np.asarray(g)) for a, g in zip(inputs, errors, strict=True)]
    sizes = [np.linalg.norm(a) for a, _ in pairs]
    return [
        each for (a, g), size in zip(pairs, sizes, strict=True) for each in (a / size, g * size)
    ]
