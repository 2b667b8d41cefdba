"""Training samples that are held out for validation: `validation_split` of `bpx.train`."""

from typing import Any, NamedTuple

from bpx._validate import number
from bpx.arrays.home import Home
from bpx.arrays.host import HostArray, generator
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.model.inputs import Samples
from bpx.model.spec import Spec
from bpx.model.weights import weighted

__all__ = ["HeldOut", "apart", "check_validation_split", "held_rows"]


class HeldOut(NamedTuple):
    """What to hold out: a fraction of the samples, and the seed that draws them."""

    fraction: float
    seed: int


def check_validation_split(
    fraction: Any, seed: int, validation: Any, private: bool
) -> HeldOut | None:
    """Return what `validation_split` holds out; None for 0.

    Raises
    ------
    InputError
        If it is not in [0, 1), or was given together with `validation` or `privacy`.
    """
    what = "a number in [0, 1), the fraction of the samples to hold out"
    fraction = number("validation_split", fraction, what, lambda v: 0.0 <= v < 1.0)
    if not fraction:
        return None
    if validation is not None:
        raise InputError(
            f"validation_split={fraction:g} and validation were given; expected one of them"
        )
    if private:
        raise InputError(
            f"validation_split={fraction:g} was given with privacy, but the split by classes "
            "depends on the samples; hold some out yourself, and give validation=(x, y)"
        )
    return HeldOut(fraction, seed)


def apart(
    home: Home,
    spec: Spec,
    arrived: Samples,
    held: HeldOut | None,
    sample_weight: Any = None,
    class_weight: Any = None,
) -> tuple[Samples, Samples | None]:
    """Return the training samples with their weights, and the validation samples, if any.

    Sample weights follow their samples. Weights of classes are for the training samples alone,
    which ``"balanced"`` counts alone.

    Raises
    ------
    InputError
        If the weights cannot be used, or there is only one sample to split.
    """
    if held is None:
        return weighted(home, spec, arrived, sample_weight, class_weight), None
    arrived = weighted(home, spec, arrived, sample_weight)
    own, validation = _split(home, arrived, held)
    weights = [None if each.s is None else to_host(each.s) for each in (own, validation)]
    own, validation = (each._replace(s=None) for each in (own, validation))
    name = "sample_weight of the validation samples"
    return (
        weighted(home, spec, own, weights[0], class_weight),
        weighted(home, spec, validation, weights[1], name=name),
    )


def held_rows(
    n: int, fraction: float, seed: int, classes: HostArray | None = None
) -> tuple[HostArray, HostArray]:
    """Draw the rows to hold out of n samples, at least one, and not all.

    Parameters
    ----------
    n : int
        At least 2.
    fraction : float
        In (0, 1).
    seed : int
    classes : array, shape (n,), optional
        The class of each sample. Of each class, its share of the rows is then held out, to
        within one row.

    Returns
    -------
    pair of int arrays
        The other rows, and those held out, in order.
    """
    draw = generator(seed, "validation", 0)
    order, count = draw.permutation(n), min(max(1, round(fraction * n)), n - 1)
    xp = namespace(order)
    if classes is not None:
        order = order[xp.argsort(classes[order], stable=True)]
    # Even steps, from a place that is drawn: where the whole number of steps goes up.
    steps = (xp.arange(n + 1) * count + int(draw.integers(n))) // n
    held = steps[1:] > steps[:-1]
    return xp.sort(order[~held]), xp.sort(order[held])


def _split(home: Home, arrived: Samples, held: HeldOut) -> tuple[Samples, Samples]:
    n = arrived.x.shape[0]
    if n < 2:
        raise InputError(
            f"validation_split={held.fraction:g} was given for {n} sample; expected at least 2"
        )
    classes = None if arrived.accuracy is None else to_host(arrived.y).reshape(-1)
    own, validation = held_rows(n, held.fraction, held.seed, classes)
    return _rows(home, arrived, own), _rows(home, arrived, validation)


def _rows(home: Home, arrived: Samples, rows: Any) -> Samples:
    picked, s = home.asarray(rows, "int32"), arrived.s
    x, y = (namespace(each).take(each, picked, axis=0) for each in (arrived.x, arrived.y))
    s = None if s is None else namespace(s).take(s, picked, axis=0)
    return Samples(x, y, arrived.accuracy, s)
