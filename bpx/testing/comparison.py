"""Train a network on two backends side by side, and find where they diverge.

Two backends that start from the same weights and see the same samples differ in the last digits
at once, because they sum in different orders. That is rounding, and it grows during training.
This module finds differences that are more than rounding. At each step it computes every
equation on the second backend from the *first backend's* numbers, so that an equation is not
blamed for a difference in its inputs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from bpx._validate import whole
from bpx.arrays.home import Home, select
from bpx.arrays.host import batches, check_seed
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.inspect.checks.draws import Draws
from bpx.inspect.checks.report import table
from bpx.model.inputs import Placed, samples
from bpx.model.placing import placed
from bpx.model.spec import Spec
from bpx.optim.chain import Optimizer, chain, check_optimizer
from bpx.optim.optimizers import SGD
from bpx.optim.scheduled import lasting
from bpx.optim.schedules.lengths import Length
from bpx.program.contract import leaves, rebuilt
from bpx.testing.lockstep import EPSILON, EagerPair, EnginePair, Parting, Side, Start
from bpx.training.step import Data
from bpx_backends import BackendName

__all__ = ["Comparison", "Parting", "Twins", "compare"]

_SAMPLES = 256


@dataclass(frozen=True)
class Twins:
    """Two ways of training one network, side by side.

    Attributes
    ----------
    first, other : str
        The labels: ``backend[:device]``, with the dtype if the two differ; or "its engine".
    parting : Parting or None
        The first divergence; None if all differences are rounding.
    growth : tuple of float
        After each step, the largest difference in the parameters over their largest magnitude.
    """

    first: str
    other: str
    parting: Parting | None
    growth: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """How well backends and engines agree; ``str(comparison)`` is a table.

    Attributes
    ----------
    title : str
        A description of the training.
    twins : tuple of Twins
        The first backend with each of the others, step by step; then each backend with its
        own engine.
    """

    title: str
    twins: tuple[Twins, ...]

    @property
    def parted(self) -> tuple[Twins, ...]:
        """The twins that differ by more than rounding."""
        return tuple(each for each in self.twins if each.parting)

    def __str__(self) -> str:
        lines = [f"{each.first} and {each.other}: {_verdict(each)}" for each in self.twins]
        head = ("step", *(f"{each.first}, {each.other}" for each in self.twins))
        rows = [
            (str(step), *(f"{each.growth[step - 1]:.1e}" for each in self.twins))
            for step in _marks(len(self.twins[0].growth))
        ]
        growth = "The largest difference of the weights, over the largest weight:"
        return "\n".join((self.title, "", *lines, "", growth, "", *table([head, *rows])))


def compare(
    network: Placed,
    backends: Sequence[BackendName | str | Home],
    data: tuple[Any, Any] | None = None,
    *,
    steps: int = 100,
    batch_size: int = 10,
    optimizer: Optimizer = SGD(0.1),  # noqa: B008 - it is frozen
    seed: int | None = 0,
    engines: bool = True,
) -> Comparison:
    """Train copies of a network on several backends, in lockstep, and find where they diverge.

    Parameters
    ----------
    network : Network
        The network whose weights all copies start from. It is not changed.
    backends : sequence of str or Home
        ``backend[:device]``, in the network's dtype, or homes, whose dtypes may differ. Each
        is compared with the first.
    data : pair of arrays from anywhere, optional
        x and y, as for `bpx.train`; by default, 256 random samples.
    steps, batch_size : int, optional
        The number of mini-batches, and their size. A smaller last one is dropped.
    optimizer : Optimizer, optional
    seed : int, optional
        The seed of the random samples and of their order, which is that of `bpx.train`.
    engines : bool, optional
        Whether to compare each backend's engine with its own eager steps, too.

    Returns
    -------
    Comparison

    Raises
    ------
    BackendError
        If a backend cannot be used.
    InputError
        If an argument cannot be used.

    Notes
    -----
    An equation diverges if, from the same numbers, it differs by more than 16 units in the
    last place of the coarser dtype, times the square root of the number of terms that it sums,
    relative to the sum of their magnitudes. A step of an engine diverges if it differs from
    the eager step by more than 16 times the effect of changing all weights in the last place.

    Examples
    --------
    >>> net = bpx.Network([3, 4, 2], seed=0)
    >>> comparison = bpx.testing.compare(net, ["numpy", "numpy"], steps=5, engines=False)
    >>> comparison.twins[0].growth
    (0.0, 0.0, 0.0, 0.0, 0.0)
    """
    check_optimizer(optimizer)
    homes, spec = _homes(network, backends), network.spec
    steps = whole("steps", steps, 1, None, "a whole number of at least 1")
    seed = check_seed(seed)
    common = _common(network, homes, _random(spec, seed) if data is None else data, batch_size)
    n, batch = common.data.x.shape[0], common.batch
    rule = lasting(chain(optimizer), Length(max(1, n // batch), steps))
    runs = [Side(spec, rule, home, label, common) for home, label in _labelled(homes)]
    pairs: list[EagerPair | EnginePair] = [EagerPair(runs[0], run) for run in runs[1:]]
    if engines:
        pairs += [EnginePair(run) for run in {run.label: run for run in runs}.values()]
    for step, rows in enumerate(_rows(seed, n, batch, steps), 1):
        for run in runs:
            run.take(rows)
        for pair in pairs:
            pair.look(step, rows)
    for run in runs:
        run.home.release()
    twins = (Twins(*pair.labels, pair.parting, tuple(pair.growth)) for pair in pairs)
    how = f"{_rule(optimizer)}, {steps} steps of {batch} samples, seed {seed}"
    return Comparison(f"{_described(spec, homes)}; {how}", tuple(twins))


def _homes(network: Placed, backends: Sequence[str | Home]) -> list[Home]:
    if isinstance(backends, str | Home) or not backends:
        raise InputError(
            f"backends={backends!r} was given; expected a list of one or more, such as "
            "['numpy', 'torch']"
        )
    dtype = network.home.dtype
    return [each if isinstance(each, Home) else select(each, dtype) for each in backends]


def _rule(optimizer: Optimizer) -> str:
    eta = getattr(optimizer, "eta", None)
    shown = f"{eta:g}" if isinstance(eta, int | float) else str(eta)
    return type(optimizer).__name__ + ("" if eta is None else f", eta {shown}")


def _described(spec: Spec, homes: list[Home]) -> str:
    sizes, dtypes = "-".join(map(str, spec.sizes)), dict.fromkeys(h.dtype for h in homes)
    names = ", ".join(layer.activation.name for layer in spec.dense)
    return f"{sizes}, {names}, {spec.cost.name}, {' and '.join(dtypes)}"


def _labelled(homes: list[Home]) -> list[tuple[Home, str]]:
    alike = len({home.dtype for home in homes}) == 1
    return [(home, str(home) if alike else f"{home} {home.dtype}") for home in homes]


def _random(spec: Spec, seed: int) -> tuple[Any, Any]:
    draws = Draws(select("numpy", "float64"), seed)
    x = draws.normal(_SAMPLES, spec.sizes[0])
    return x, draws.targets(spec.cost, _SAMPLES, spec.sizes[-1])


def _common(network: Placed, homes: list[Home], data: Any, batch_size: int) -> Start:
    """Return weights and samples on the host, rounded to the coarsest home's dtype."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise InputError(f"data is {type(data).__name__}; expected a pair (x, y)")
    coarsest = max(homes, key=lambda home: EPSILON[home.dtype])
    with coarsest.active():
        arrived = samples(coarsest, network.spec, *data)
        x, y = to_host(arrived.x), to_host(arrived.y)
        arrays = placed(network.spec, network.parameters, network.feedback, coarsest)
        parameters, feedback = (rebuilt(tree, map(to_host, leaves(tree))) for tree in arrays)
    n = x.shape[0]
    batch = whole("batch_size", batch_size, 1, n, f"a whole number in 1 ... {n}, the samples")
    return Start(parameters, feedback, Data(x, y), batch)


def _rows(seed: int, n: int, batch: int, steps: int) -> Iterator[Any]:
    """Yield the index matrix of each step, shape (1, batch), on the host."""
    whole_batches = (
        part[i : i + 1]
        for epoch in count(1)
        for part in batches(seed, epoch, n, batch, shuffle=True)[:1]
        for i in range(len(part))
    )
    return islice(whole_batches, steps)


def _verdict(twins: Twins) -> str:
    parting = twins.parting
    if parting is None:
        return "they differ only by rounding" if any(twins.growth) else "they are identical"
    return (
        f"they diverge in step {parting.step}, layer {parting.layer}, {parting.equation}: "
        f"off by {parting.difference:.1e}, but rounding explains only {parting.allowed:.1e}"
    )


def _marks(steps: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... and the last step."""
    marks = [m * 10**e for e in range(len(str(steps))) for m in (1, 2, 5)]
    return [mark for mark in marks if mark < steps] + [steps]
