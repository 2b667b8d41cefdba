"""Several networks at once: parameters with an axis in front, and parts that would mix them.

Of K networks every w is (K, k_l, k_{l-1}), every b (K, 1, k_l), and every number of the
optimizer (K, 1, 1). What counts axes from the end, -1 the units and -2 the samples, then keeps
them apart; a part of the user's own that says ``axis=1`` mixes them, without a word.
"""

from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.host import as_host
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.model.dry_run import parts
from bpx.model.initial import draw, draw_feedback
from bpx.model.parameters import Gradients, Parameters
from bpx.model.spec import Spec
from bpx.optim.chain import Optimizer
from bpx.optim.trees import mapped
from bpx.program.contract import leaves
from bpx.random import key_words, uniform
from bpx.training.step import added, joined

__all__ = ["are_several", "check_apart", "one_of", "stacked"]

_NEAR = 1e-9
_ADVICE = (
    "with several networks, samples are axis -2, units axis -1, and an axis of the networks "
    "is in front: say axis=-1 where it says axis=1, and shape[-2] where it says shape[0], or "
    "train the networks one by one"
)


class _Case(NamedTuple):
    """What `parts` takes besides the spec: of one network, or of several."""

    parameters: Parameters
    x: Array
    y: Array
    feedback: tuple[Array, ...]


def are_several(parameters: Parameters) -> bool:
    """Whether these are the parameters of several networks."""
    return parameters.w[0].ndim > 2


def stacked(spec: Spec, networks: Sequence[Parameters]) -> Parameters:
    """The parameters of some networks of one spec as those of several at once."""

    def together(shape: tuple[int, ...], arrays: list[Array]) -> Array:
        xp, row = namespace(arrays[0]), (1, *shape) if len(shape) == 1 else shape
        return xp.stack([xp.reshape(each, row) for each in arrays])

    return Parameters(
        layer.entry(
            {
                field: together(shape, [getattr(entry, field) for entry in entries])
                for field, shape in layer.shapes.items()
            }
        )
        for layer, *entries in zip(
            spec.layers, *(each.layers for each in networks), strict=True
        )
    )


def one_of(spec: Spec, parameters: Parameters, i: int) -> Parameters:
    """The parameters of network i by itself."""
    return Parameters(
        layer.entry(
            {
                field: namespace(x).reshape(x[i, ...], shape)
                for field, shape in layer.shapes.items()
                for x in (getattr(entry, field),)
            }
        )
        for layer, entry in zip(spec.layers, parameters.layers, strict=True)
    )


def check_apart(spec: Spec, optimizer: Optimizer) -> None:
    """Refuse a part of a network, or an optimizer, that mixes several networks.

    A few are tried on the host, on random numbers: at once, and each by itself.

    Raises
    ------
    InputError
        Naming the layer and the function, or the optimizer.
    """
    # As many networks, and samples, as no layer is wide: no axis is then taken for another.
    several, samples = islice((k for k in count(2) if k not in spec.sizes), 2)
    alone = [_case(spec, seed, samples) for seed in range(several)]
    together = _at_once(spec, alone)
    expected = [list(parts(spec, *each)) for each in alone]
    found = _tried("a part of the network", parts(spec, *together))
    for part, *others in zip(found, *expected, strict=True):
        part.check()
        _check_same(part.what, part.given, [other.given for other in others])
    what = f"the optimizer {type(optimizer).__name__}"
    steps = [list(_moved(spec, optimizer, each)) for each in alone]
    moved = _tried(what, _moved(spec, optimizer, together))
    for x, *others in zip(moved, *steps, strict=True):
        _check_same(what, x, others)


def _case(spec: Spec, seed: int, samples: int) -> _Case:
    # Of a rule that draws anew the key is shared: all get the same magnitudes.
    feedback = draw_feedback(spec, 0 if spec.feedback.redrawn else seed)
    key = as_host(list(key_words(seed)), "seed").astype("int32")
    number = namespace(key).float64
    x = uniform(key, 0, (samples, spec.sizes[0]), number)
    y = 0.1 + uniform(key, 1, (samples, spec.sizes[-1]), number)
    total = namespace(y).sum(y, axis=-1, keepdims=True)  # so that it is a distribution, too
    return _Case(draw(spec, None, seed), x, y / total, feedback)


def _at_once(spec: Spec, cases: Sequence[_Case]) -> _Case:
    def stack(arrays: Sequence[Array]) -> Array:
        return namespace(arrays[0]).stack(list(arrays))

    parameters, x, y, feedback = zip(*cases, strict=True)
    rows = zip(*feedback, strict=True)
    drawn = feedback[0] if spec.feedback.redrawn else tuple(map(stack, rows))
    return _Case(stacked(spec, parameters), stack(x), stack(y), drawn)


def _moved(spec: Spec, optimizer: Optimizer, case: _Case) -> Iterator[Array]:
    """The parameters after two updates, by what is not their gradient but as good."""
    entered = joined(spec, case.parameters, case.feedback)
    state = optimizer.init(entered)
    for _ in range(2):
        slope = Gradients(mapped(lambda w: w * w * w - 2.0 * w + 0.3, entered).layers)
        updates, state = optimizer.update(slope, state, entered)
        entered = added(entered, updates)
    yield from leaves(entered)


def _tried(what: str, results: Iterator[Any]) -> Iterator[Any]:
    """The results; what is raised on the way, as an error of ours."""
    try:
        yield from results
    except InputError:
        raise
    except Exception as why:  # a function of the user's own may raise anything
        raise InputError(
            f"{what} raised {type(why).__name__} for several networks at once ({why}); "
            f"{_ADVICE}"
        ) from why


def _check_same(what: str, found: Any, alone: Sequence[Any]) -> None:
    xp = namespace(found)
    for i, expected in enumerate(alone):
        own, most = found[i, ...], _NEAR * float(xp.max(xp.abs(expected)))
        fits = own.size == expected.size
        own = xp.reshape(own, expected.shape) if fits else own
        alike = fits and ((own == expected) | ((own != own) & (expected != expected)))
        if not fits or not bool(xp.all(alike | (xp.abs(own - expected) <= most))):
            raise InputError(
                f"{what} mixes several networks: of {len(alone)} at once it gave network "
                f"{i + 1} something else than by itself; {_ADVICE}"
            )
