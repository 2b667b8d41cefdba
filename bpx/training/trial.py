"""The training step of a network, which is tried out before the first mini-batch."""

from itertools import count

from bpx.arrays.home import Home
from bpx.arrays.registry import compiled, having_halves, namespace
from bpx.errors import InputError, option
from bpx.model.dry_run import dry_run
from bpx.model.expected import as_inputs
from bpx.model.inputs import Placed, Samples
from bpx.optim.chain import Optimizer
from bpx.program.operation import HALVES
from bpx.training.frozen import tell_frozen
from bpx.training.mixed import MixedStep, check_mixed, halves_of, is_mixed
from bpx.training.step import TrainingStep

__all__ = ["step_of"]


def step_of(
    network: Placed,
    arrived: Samples,
    rule: Optimizer,
    compile: bool,  # noqa: A002 - as in `bpx.train`
    precision: str,
) -> TrainingStep:
    """Make the training step of a network, and try out the network.

    Parameters
    ----------
    network : Placed
        A network with an active home.
    arrived : Samples
        Samples at home; some of them are run through the network.
    rule : Optimizer
        With its penalty in front, if there is one: see `penalised`.
    compile, precision
        As for `bpx.train`.

    Raises
    ------
    InputError
        If an argument, or a part of the network, cannot be used.
    """
    precise, kind = _precision(network.home, precision, compile), TrainingStep
    if is_mixed(network.home, precise):
        check_mixed(network.home, network.spec, precise)
        kind = MixedStep
    step = kind(network.spec, rule.update, arrived.accuracy, precise)
    _check_hashable(step)
    if compile:
        tell_frozen(step)
    _try_out(network, arrived, compile)
    return step


def _try_out(network: Placed, data: Samples, compile: bool) -> None:  # noqa: A002
    """Run some samples through; no layer has their number of units, so axes stay distinct."""
    xp, last = namespace(data.x), data.x.shape[0] - 1
    widths = {each for layer in network.spec.layers for each in (layer.n_in, layer.n_out)}
    number = next(each for each in count(2) if each not in widths)
    some = [i * last // (number - 1) for i in range(number)]  # repeats samples if there are few
    picked = network.home.asarray(some, "int32")
    x, y = (xp.take(each, picked, axis=0) for each in (data.x, data.y))
    x = as_inputs(x, network.parameters.like)
    run = compiled(dry_run, 1, x) if compile else dry_run
    run(network.spec, network.parameters, x, y, network.feedback)


def _check_hashable(step: TrainingStep) -> None:
    try:
        hash(step)
    except TypeError as why:
        raise InputError(
            "an activation, the cost, the feedback or the optimizer's update cannot be hashed "
            f"({why}); make it a function, or a value such as a frozen dataclass, so that "
            "steps compile once"
        ) from None


def _precision(home: Home, precision: str, compiled: bool) -> str:
    choice = (*getattr(home.backend, "precisions", ("float32",)), *halves_of(home))
    if precision not in choice:
        raise InputError(
            f"precision={precision!r} was given; expected {' or '.join(choice)}, in which "
            f"{home} can compute products" + _elsewhere(precision)
        )
    if precision not in ("float32", *halves_of(home)) and (
        home.dtype != "float32" or not compiled
    ):
        raise InputError(
            f"precision={precision!r} was given with dtype {home.dtype} and "
            f"compile={compiled}; it is for float32 networks on the backend's engine"
        )
    return precision


def _elsewhere(precision: str) -> str:
    """Where a 16-bit precision is to be had."""
    if precision not in HALVES:
        return ""
    backends = " or ".join(option("backend", name) for name in having_halves())
    return f"; {precision} needs {backends}"
