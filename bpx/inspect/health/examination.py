"""`Health`: the results of `bpx.inspect.health` for one trace, by layer, on the host."""

from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import compiled, namespace
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.inspect.health.fields import HealthFields
from bpx.inspect.health.limits import Limits, checked
from bpx.inspect.health.measures import (
    Response,
    error_norms,
    learning_speeds,
    output_response,
    update_ratios,
)
from bpx.inspect.health.table import report
from bpx.inspect.health.units import dead_units, input_sizes, saturation, two_sided
from bpx.model.expected import as_inputs, as_targets
from bpx.model.inputs import Placed, samples
from bpx.model.parameters import Parameters
from bpx.model.passes import backward
from bpx.model.run import Run, saved
from bpx.model.spec import Spec
from bpx.model.trace import Backward

__all__ = ["Health", "Signs", "as_health", "examine", "signs"]


class Health(HealthFields):
    """How well each layer of a network can learn, on some samples; plain Python numbers.

    ``print(health)`` shows it as a table, with the findings of `diagnose`.

    Attributes
    ----------
    sizes : tuple of int
        k_0, ..., k_L.
    activations : tuple of str
        The activations of layers 1 to L; the fields below have the same order.
    samples : int
        The number of samples.
    errors : tuple of float
        The mean of ‖delta^l_x‖ over the samples: see `error_norms`.
    speeds : tuple of float
        ‖dC/db^l‖: see `learning_speeds`.
    saturated : tuple of float or None
        The fraction of units × samples where sigma' is near 0: see `saturation`.
    two_sided : tuple of bool
        Whether saturation is a problem for this activation: see `two_sided`.
    dead : tuple of tuples of int
        The units that learn from none of the samples: see `dead_units`.
    quiet : tuple of tuples of int
        The units of the layer before (for layer 1, the inputs) that are so small that the
        weights from them hardly learn: see `input_sizes`.
    recall, passed : tuple of float or None, or None
        For each output: see `Response`. An element is None for a class without samples; the
        whole is None if there are no classes.
    updates : tuple of float, or None
        ‖Δw^l‖ / ‖w^l‖ of one training step: see `update_ratios`. None outside training and in
        private training.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return report(self)

    @property
    def numbers(self) -> dict[str, float]:
        """Of each layer l, ``delta_l``, ``saturated_l``, ``dead_l`` (a count) and ``update_l``.

        `bpx.CSVLog` and its like write them. Those that do not apply are left out.
        """
        counts = tuple(map(len, self.dead))
        by_layer = {
            "delta": self.errors,
            "saturated": self.saturated,
            "dead": counts,
            "update": self.updates or (),
        }
        return {
            f"{name}_{number}": value
            for name, values in by_layer.items()
            for number, value in enumerate(values, 1)
            if value is not None
        }


class Signs(NamedTuple):
    """The fields of a `Health` as arrays at the network's home, not yet read on the host."""

    errors: Array
    speeds: Array
    saturated: tuple[Array | None, ...]
    two_sided: Array
    dead: tuple[Array, ...]
    quiet: tuple[Array, ...]
    response: Response | None
    updates: Array | None


def examine(network: Placed, x: Any, y: Any, *, limits: Limits | None = None) -> Health:
    """Measure how well each layer of a network can learn, with one pass over some samples.

    Parameters
    ----------
    network : Network
    x, y : arrays from anywhere
        The samples, as for `Network.evaluate`. A few hundred suffice; they all run in one
        pass.
    limits : Limits, optional
        The thresholds for saturated and quiet units.

    Returns
    -------
    Health

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> net = bpx.Network([2, 3, 2], seed=0)
    >>> health = bpx.inspect.examine(net, [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> len(health.errors), health.dead
    (2, ((), ()))
    """
    if not hasattr(network, "home"):
        raise InputError(
            f"a {type(network).__name__} was given as the network; expected a bpx.Network"
        )
    limits = checked(limits)
    with network.home.active():
        arrived = samples(network.home, network.spec, x, y)
        classes = arrived.accuracy == "argmax"
        look = compiled(signs, 3, arrived.x)
        given = network.spec, limits, classes
        found = look(*given, network.parameters, arrived.x, arrived.y, network.feedback)
        return as_health(network.spec, arrived.x.shape[0], found)


def signs(
    spec: Spec,
    limits: Limits,
    classes: bool,
    parameters: Parameters,
    x: Array,
    y: Array,
    feedback: tuple[Array, ...],
    after: Parameters | None = None,
) -> Signs:
    """Compute the fields of a `Health` at home; y are labels if there are `classes`."""
    x = as_inputs(x, parameters.like)
    layers = saved(spec, parameters, x)
    deltas = backward(Run(spec, parameters, layers, as_targets(spec, y, x), feedback))
    trace = Backward(layers, deltas)
    return Signs(
        errors=error_norms(trace),
        speeds=learning_speeds(trace),
        saturated=tuple(
            None if part is None else namespace(part).mean(part)
            for part in saturation(spec, trace, share=limits.share)
        ),
        two_sided=two_sided(spec, x, share=limits.share),
        dead=dead_units(spec, trace),
        quiet=tuple(_quiet(sizes, limits.quiet) for sizes in input_sizes(trace)),
        response=output_response(spec, trace, y) if classes else None,
        updates=None if after is None else update_ratios(parameters, after),
    )


def as_health(spec: Spec, n: int, found: Signs) -> Health:
    """Copy the fields to the host."""
    recall, passed = found.response or (None, None)
    return Health(
        sizes=spec.sizes,
        activations=tuple(layer.activation.name for layer in spec.dense),
        samples=n,
        errors=_numbers(found.errors),
        speeds=_numbers(found.speeds),
        saturated=tuple(s if s is None else float(to_host(s)) for s in found.saturated),
        two_sided=_numbers(found.two_sided),
        dead=tuple(map(_indices, found.dead)),
        quiet=tuple(map(_indices, found.quiet)),
        recall=None if recall is None else _known(recall),
        passed=None if passed is None else _known(passed),
        updates=None if found.updates is None else _numbers(found.updates),
    )


def _quiet(sizes: Array, share: float) -> Array:
    """Mark sizes that are not 0, but below a fraction of the largest."""
    xp = namespace(sizes)
    return xp.logical_and(sizes > 0.0, sizes < share * xp.max(sizes))


def _numbers(x: Array) -> tuple[Any, ...]:
    return tuple(to_host(x).tolist())


def _known(x: Array) -> tuple[float | None, ...]:
    """Replace NaN, which stands for a class without samples, by None."""
    return tuple(None if number != number else number for number in _numbers(x))


def _indices(mask: Array) -> tuple[int, ...]:
    return tuple(i for i, true in enumerate(_numbers(mask)) if true)
