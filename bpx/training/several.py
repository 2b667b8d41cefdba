"""Several networks at once: parts that would mix them are found before training.

With a leading axis of networks, code that counts axes from the end, -1 for units and -2 for
samples, keeps the networks apart. A custom part with ``axis=1`` would silently mix them.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, islice
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.host import as_host
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.layers.layer import Context
from bpx.metrics import AnyMetric, Metric
from bpx.model.dry_run import parts
from bpx.model.initial import draw, draw_feedback
from bpx.model.measured import sums_of
from bpx.model.parameters import Gradients, Parameters
from bpx.model.run import Randomness, in_training, saved
from bpx.model.spec import Spec
from bpx.model.stacks import stacked
from bpx.optim.chain import Optimizer
from bpx.optim.chained import averaged
from bpx.optim.trees import mapped
from bpx.program.contract import leaves
from bpx.random import fold_in, key_words, uniform
from bpx.training.restraints import constrained, penalised
from bpx.training.step import added, joined

__all__ = ["check_networks_apart"]

_NEAR = 1e-9
_ADVICE = (
    "with several networks, there is a leading axis of networks, samples are axis -2, and "
    "units are axis -1: write axis=-1 instead of axis=1, and shape[-2] instead of shape[0], or "
    "train the networks one by one"
)


class _Case(NamedTuple):
    """The arguments of `parts` after the spec, for one network or for several."""

    parameters: Parameters
    x: Array
    y: Array
    feedback: tuple[Array, ...]


def check_networks_apart(
    spec: Spec, optimizer: Optimizer, metrics: Sequence[AnyMetric] = ()
) -> None:
    """Refuse a part of a network, an optimizer or a metric that mixes several networks.

    Each is tried on the host, on random numbers: for some networks at once, and for each one
    alone. Random layers draw for the stack as a whole, so with such layers only the results of
    the first network are compared.

    Raises
    ------
    InputError
        If one does; the message names the layer and function, the optimizer, or the metric.
    """
    # No layer has as many units as there are networks or samples, so no axes can be confused.
    several, samples = islice((k for k in count(2) if k not in spec.sizes), 2)
    alone = [_case(spec, seed, samples) for seed in range(several)]
    together = _at_once(spec, alone)
    _check_parts(spec, together, alone, lambda i: Context())
    told = partial(in_training, _randomness(spec))
    draws = any(layer.draws for layer in spec.layers)
    _check_parts(spec, together, alone[:1] if draws else alone, told)
    what = f"the optimizer {type(optimizer).__name__}"
    _check(what, lambda case: _moved(spec, optimizer, case), together, alone)
    what = "penalised or constrained of a layer"
    _check(what, lambda case: _restrained(spec, case), together, alone)
    for metric in metrics:
        what = f"value of the metric {metric.name!r}"
        _check(what, lambda case: _measured(spec, metric, case), together, alone)  # noqa: B023


def _case(spec: Spec, seed: int, samples: int) -> _Case:
    # A rule that draws anew has one shared key: all networks get the same magnitudes.
    feedback = draw_feedback(spec, 0 if spec.feedback.redrawn else seed)
    key = _key(seed)
    number = namespace(key).float64
    x = uniform(key, 0, (samples, spec.sizes[0]), number)
    y = 0.1 + uniform(key, 1, (samples, spec.sizes[-1]), number)
    total = namespace(y).sum(y, axis=-1, keepdims=True)  # makes y a distribution, too
    return _Case(draw(spec, None, seed), x, y / total, feedback)


def _key(seed: int) -> Any:
    return as_host(list(key_words(seed)), "seed").astype("int32")


def _randomness(spec: Spec) -> Randomness | None:
    if not any(layer.draws for layer in spec.layers):
        return None
    key = _key(0)
    keys = (fold_in(key, i) if layer.draws else None for i, layer in enumerate(spec.layers))
    return Randomness(tuple(keys), namespace(key).zeros_like(key[:1]))


def _at_once(spec: Spec, cases: Sequence[_Case]) -> _Case:
    def stack(arrays: Sequence[Array]) -> Array:
        return namespace(arrays[0]).stack(list(arrays))

    parameters, x, y, feedback = zip(*cases, strict=True)
    rows = zip(*feedback, strict=True)
    drawn = feedback[0] if spec.feedback.redrawn else tuple(map(stack, rows))
    return _Case(stacked(spec, parameters), stack(x), stack(y), drawn)


def _check_parts(
    spec: Spec, together: _Case, alone: Sequence[_Case], told: Callable[[int], Context]
) -> None:
    what = "a part of the network"
    expected = [list(_tried(what, parts(spec, *each, told), on_host=True)) for each in alone]
    found = _tried(what, parts(spec, *together, told))
    for part, *others in zip(found, *expected, strict=True):
        part.check()
        _check_same(part.what, part.given, [other.given for other in others])


def _check(
    what: str,
    results: Callable[[_Case], Iterator[Array]],
    together: _Case,
    alone: Sequence[_Case],
) -> None:
    expected = [list(_tried(what, results(each), on_host=True)) for each in alone]
    for x, *others in zip(_tried(what, results(together)), *expected, strict=True):
        _check_same(what, x, others)


def _moved(spec: Spec, optimizer: Optimizer, case: _Case) -> Iterator[Array]:
    """The parameters after two updates, with made-up numbers as their gradient."""
    entered = joined(spec, case.parameters, case.feedback)
    state = optimizer.init(entered)
    for _ in range(2):
        slope = Gradients(mapped(lambda w: w * w * w - 2.0 * w + 0.3, entered).layers)
        updates, state = optimizer.update(slope, state, entered)
        entered = added(entered, updates)
    yield from leaves((entered, averaged(optimizer.update, state, entered)))


def _restrained(spec: Spec, case: _Case) -> Iterator[Array]:
    """The gradients with the layers' penalties, and the parameters within their limits."""
    slope = Gradients(mapped(lambda w: 0.5 * w - 0.1, case.parameters).layers)
    yield from leaves(penalised(spec, slope, case.parameters))
    yield from leaves(constrained(spec, case.parameters))


def _measured(spec: Spec, metric: AnyMetric, case: _Case) -> Iterator[Array]:
    """The metric, or its sums, for labels or, with a single output, for numbers."""
    a = saved(spec, case.parameters, case.x)[-1].a
    xp = namespace(a)
    targets = xp.astype(xp.argmax(case.y, axis=-1), xp.int32) if a.shape[-1] > 1 else case.y
    if isinstance(metric, Metric):
        yield metric.measured(a, targets)
    else:
        yield from sums_of(metric, spec, "argmax", a, targets, None)


def _tried(what: str, results: Iterator[Any], *, on_host: bool = False) -> Iterator[Any]:
    """Yield the results; turn any other exception into an `InputError`."""
    try:
        yield from results
    except InputError:
        raise
    except Exception as why:  # a custom function may raise anything
        raised = f"{what} raised {type(why).__name__}"
        if on_host:
            raise InputError(
                f"{raised} for host arrays, on which bpx tries it before it trains several "
                f"networks at once ({why}); write it with operators and bpx.namespace, or "
                "train the networks one by one"
            ) from why
        raise InputError(f"{raised} for several networks at once ({why}); {_ADVICE}") from why


def _check_same(what: str, found: Any, alone: Sequence[Any]) -> None:
    xp = namespace(found)
    for i, expected in enumerate(alone):
        own, most = found[i, ...], _NEAR * float(xp.max(xp.abs(expected)))
        fits = own.size == expected.size
        own = xp.reshape(own, expected.shape) if fits else own
        alike = fits and ((own == expected) | ((own != own) & (expected != expected)))
        if not fits or not bool(xp.all(alike | (xp.abs(own - expected) <= most))):
            raise InputError(
                f"{what} mixes several networks: the result for network {i + 1} differs when "
                f"other networks are present; {_ADVICE}"
            )
