"""The two forms of a metric: a mean over the samples, and a function of sums over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, Literal, Self, TypeAlias

from bpx._typing import A, Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError

__all__ = ["AnyMetric", "Metric", "Needs", "Total"]

Needs: TypeAlias = Literal["outputs", "classes", "probabilities", "scores"]
Sums: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class _Times:
    """A function times a number; equal if both are."""

    function: Callable[..., Any]
    factor: float

    def __call__(self, *given: Any) -> Any:
        return self.factor * self.function(*given)


@dataclass(frozen=True)
class Metric:
    """A measure of the outputs a, shape (n, k_L), against the targets y.

    Parameters
    ----------
    name : str
        The name of its mean in `Evaluation`.
    value : callable
        ``value(a, y)``, shape (n,), of the dtype of a: one number for each sample. y holds
        what the data hold: labels (n,), int32, if there are several outputs; or numbers, (n,)
        or (n, k_L). One-hot rows arrive as labels. Write a pure function with operators,
        `bpx.namespace` and Python numbers: it runs on every backend, and JAX compiles it.
        Samples are axis -2 and outputs axis -1; there may be a leading axis of K networks.
    in_units : bool, optional
        Whether the value has the unit of the targets, as a distance does. If a schema scales
        the targets, a network multiplies it by the scale, so that it is in the table's units.

    Examples
    --------
    >>> def largest(a, y):
    ...     return bpx.namespace(a).max(a, axis=-1)
    >>> confidence = bpx.metrics.Metric("confidence", largest)
    >>> net = bpx.Network([2, 3], output="softmax", cost="cross_entropy", seed=0)
    >>> found = net.evaluate([[0.0, 1.0]], [2], metrics=[confidence])
    >>> found.metrics["confidence"] > 1 / 3
    True
    """

    name: str
    value: Callable[[Any, Any], Any]
    in_units: bool = False

    def __repr__(self) -> str:
        return f"<bpx.metrics.Metric {self.name!r}>"

    def times(self, factor: float) -> Self:
        """Return the same metric, multiplied by a number."""
        return replace(self, value=_Times(self.value, factor))

    def measured(self, a: A, y: Array) -> A:
        """Return `value`, one number for each sample, after checking it.

        Raises
        ------
        InputError
            If its shape is not (n,) or its dtype is not that of a, or if y lacks the axis of
            K networks that a has.
        """
        _check_targets(self.name, a, y)
        given, shape = self.value(a, y), tuple(a.shape[:-1])
        if not hasattr(given, "shape") or not hasattr(given, "dtype"):
            raise InputError(
                f"value of the metric {self.name!r} gave {given!r}; expected an array of shape "
                f"{shape}, one number for each sample"
            )
        if tuple(given.shape) != shape or given.dtype != a.dtype:
            raise InputError(
                f"value of the metric {self.name!r} gave shape {tuple(given.shape)}, "
                f"{given.dtype}; expected shape {shape}, {a.dtype}: one number "
                "for each sample, such as a mean over axis=-1; cast booleans with "
                "bpx.namespace(a).astype(..., a.dtype)"
            )
        right: A = given
        return right


@dataclass(frozen=True)
class Total:
    """A measure that is a function of sums over all samples, such as of counts.

    Parameters
    ----------
    name : str
        The name of its value in `Evaluation`.
    sums : callable
        ``sums(a, y, s)``, a tuple of arrays that do not grow with the number of samples: sums
        over them, each sample counted s times. a and y have the shape (n, k), and s is None or
        has the shape (n,). It is computed where the network is; write it as the `value` of a
        `Metric`.
    of : callable
        ``of(*sums)``, a number or an array, on the host. The sums are host arrays, float64.
    needs : {"outputs", "classes", "probabilities", "scores"}, optional
        What a and y are: the outputs and the targets as numbers; one-hot rows of the answers
        and of the targets; probabilities of the classes and one-hot rows; or outputs that rank
        the samples, of the second class if there are two, and one-hot rows. For two classes
        with a single output, one-hot rows and probabilities have two columns. With all but
        "outputs", the metric refuses targets that are not classes.
    merge : callable, optional
        ``merge(sums, more)``, the sums of two parts of the samples; by default it adds them.
    keeps : bool, optional
        Whether `sums` returns arrays with a row for each sample, which are joined on the host.
    instead : tuple of str, optional
        For a metric of two classes, the names of those for more.
    number : bool, optional
        Whether the value is a number; if not, it has no column in a run's history.
    in_units : bool, optional
        As for a `Metric`.

    Examples
    --------
    >>> def sums(a, y, s):
    ...     return (bpx.namespace(a).max(bpx.namespace(a).abs(a - y), axis=(-2, -1)),)
    >>> def merge(sums, more):
    ...     return (max(sums[0], more[0]),)
    >>> largest = bpx.metrics.Total("largest", sums, float, merge=merge)
    >>> net = bpx.Network([2, 1], output="identity", seed=0)
    >>> net.evaluate([[0.0, 1.0]], [0.5], metrics=[largest]).metrics["largest"] > 0.0
    True
    """

    name: str
    sums: Callable[[Any, Any, Any], Sums]
    of: Callable[..., Any]
    needs: Needs = "outputs"
    merge: Callable[[Sums, Sums], Sums] | None = None
    keeps: bool = False
    instead: tuple[str, ...] = ()
    number: bool = True
    in_units: bool = False

    def __repr__(self) -> str:
        return f"<bpx.metrics.Total {self.name!r}>"

    def times(self, factor: float) -> Self:
        """Return the same metric, multiplied by a number."""
        return replace(self, of=_Times(self.of, factor))

    def result(self, parts: Sequence[Sums]) -> Any:
        """Return ``of(*sums)`` for the sums of each part of the samples, on the host."""
        if self.keeps:
            joined = (
                namespace(each[0]).concat(list(each)) for each in zip(*parts, strict=True)
            )
            return self.of(*joined)
        return self.of(*reduce(self.merge or _added, parts))


AnyMetric: TypeAlias = Metric | Total


def _added(sums: Sums, more: Sums) -> Sums:
    return tuple(map(add, sums, more))


def _check_targets(name: str, a: Array, y: Array) -> None:
    """Require targets for each of several networks, so that labels do not pass for numbers."""
    if a.ndim < 3:
        return
    labels = tuple(y.shape) == tuple(a.shape[:-1])
    if labels and a.shape[-1] > 1:
        labels = namespace(y).isdtype(y.dtype, "integral")
    if not labels and tuple(y.shape) != tuple(a.shape):
        raise InputError(
            f"the metric {name!r} was given outputs of {a.shape[0]} networks, shape "
            f"{tuple(a.shape)}, and targets of shape {tuple(y.shape)}; expected labels "
            f"{tuple(a.shape[:-1])} or numbers {tuple(a.shape)}: broadcast shared targets"
        )
