"""Sample weights and class weights, checked and moved to a network's home.

The weights s accompany the samples. In sums over samples they form the row weights
r_x = s_x / n, and nothing else changes: C = (1/n) sum_x s_x C_x.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from bpx._typing import Array
from bpx._validate import number
from bpx.arrays.home import Home
from bpx.arrays.host import as_host, quietly
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import to_host
from bpx.errors import InputError, advice, nearest, option
from bpx.model.inputs import Samples
from bpx.model.spec import Spec

__all__ = ["ClassWeight", "weighed", "weighted"]

ClassWeight: TypeAlias = (
    Literal["balanced"]
    | Mapping[int, float]
    | Mapping[bool, float]
    | Mapping[float, float]
    | Mapping[str, float]
)
"""``"balanced"``, or the weight of each class, by its label or its name in the schema.

Each mapping has one type of keys, because `Mapping` is invariant in the type of its keys.
"""

Weighed = TypeVar("Weighed", bound=Array | None)

_BALANCED = "balanced"
_LISTED = 20
"""The largest number of classes that a message lists one by one."""


def weighed(s: Array | None, each: Weighed) -> Weighed:
    """Multiply one number for each sample by its weight, if there are weights."""
    return each if s is None or each is None else s * each


def weighted(
    home: Home,
    spec: Spec,
    arrived: Samples,
    sample_weight: Any = None,
    class_weight: Any = None,
    name: str = "sample_weight",
    *,
    some: bool = False,
) -> Samples:
    """Return the samples with their weights s at `home`, or unchanged without weights.

    Parameters
    ----------
    home, spec
        The network's home and spec.
    arrived : Samples
        Samples at home.
    sample_weight : array of any library or array-like, shape (n,), optional
        Finite and at least 0, not all 0.
    class_weight : mapping of int to float, or "balanced", optional
        The weight of each class, which multiplies those of its samples; a class that is not
        in the mapping has the weight 1. ``"balanced"`` gives a class
        n / (k * its number of samples), where k classes occur.
    name : str, optional
        The caller's name for the sample weights.
    some : bool, optional
        Whether there are more samples than these, so that all of these may weigh 0.

    Raises
    ------
    InputError
        If the weights cannot be used, or the targets are not classes.
    """
    if sample_weight is None and class_weight is None:
        return arrived
    s: Any = 1.0
    if sample_weight is not None:
        s = _one_each(sample_weight, arrived.x.shape[0], name)
    if class_weight is not None:
        s = s * _of_classes(class_weight, spec, arrived)
    with quietly():
        stored = s.astype(home.dtype)
    if not namespace(stored).isfinite(stored).all() or not (some or stored.any()):
        what = " times ".join(_given(name, sample_weight, class_weight))
        wrong = "too large" if stored.any() else "0 for every sample"
        raise InputError(
            f"{what} is {wrong} in {home.dtype}; expected finite weights, one of them above 0"
        )
    return arrived._replace(s=home.asarray(stored, home.dtype))


def _given(name: str, sample_weight: Any, class_weight: Any) -> Iterator[str]:
    if sample_weight is not None:
        yield name
    if class_weight is not None:
        yield "class_weight"


def _one_each(sample_weight: Any, n: int, name: str) -> Any:
    host = as_host(sample_weight, name)
    if host.shape != (n,):
        column = f": {name}[:, 0]" if host.shape == (n, 1) else ""
        raise InputError(
            f"{name} has shape {host.shape} for {n} samples; expected ({n},), one weight for "
            f"each sample{column}"
        )
    s = host.astype("float64")
    wrong = ~(namespace(s).isfinite(s) & (s >= 0.0))  # NaN is wrong too
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{name}[{row}] is {host[row]}; expected finite weights of at least 0 "
            f"({int(wrong.sum())} of {n} are not)"
        )
    return s


def _of_classes(class_weight: Any, spec: Spec, arrived: Samples) -> Any:
    """The weight of each sample's class, on the host."""
    if arrived.accuracy is None:
        raise InputError(
            f"{option('class_weight', class_weight)} was given for targets that are numbers; "
            "it needs classes: labels, one-hot rows, or 0 and 1 for a single sigmoid output. "
            + advice("Weight the samples one by one, with sample_weight", "Omit it")
        )
    labels = to_host(arrived.y).reshape(-1).astype("int32")
    each = _by_class(class_weight, labels, max(spec.sizes[-1], 2))
    return as_host(each, "class_weight")[labels]


def _by_class(class_weight: Any, labels: Any, classes: int) -> list[float]:
    if isinstance(class_weight, str) and class_weight == _BALANCED:
        return _balanced(labels, classes)
    if not isinstance(class_weight, Mapping):
        near = nearest(class_weight, [_BALANCED]) if isinstance(class_weight, str) else ""
        raise InputError(
            f"{option('class_weight', class_weight)} was given{near}; expected "
            f"{_BALANCED!r}, or a mapping from class to weight, such as {{0: 1.0, 1: 5.0}}"
        )
    unknown = [key for key in class_weight if key not in range(classes)]
    if unknown:
        names = range(classes) if classes <= _LISTED else (0, 1, "...", classes - 1)
        raise InputError(
            f"class_weight has {unknown[0]!r}, which is not a class; the classes are "
            f"{', '.join(map(str, names))}"
        )
    each = (class_weight.get(label, 1.0) for label in range(classes))
    return [
        number(f"class_weight[{label}]", weight, "a number of at least 0", lambda v: v >= 0)
        for label, weight in enumerate(each)
    ]


def _balanced(labels: Any, classes: int) -> list[float]:
    """n / (k * count), as in scikit-learn, after King and Zeng (2001)."""
    there, counts = (each.tolist() for each in namespace(labels).unique_counts(labels))
    count = dict(zip(there, counts, strict=True))
    n, k = len(labels), len(there)
    return [n / (k * count[label]) if label in count else 1.0 for label in range(classes)]
