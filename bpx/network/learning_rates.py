"""The learning rate range test: which learning rates a network learns with."""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from bpx._validate import flag, number, whole
from bpx.arrays.host import check_seed
from bpx.errors import InputError
from bpx.model.weights import ClassWeight
from bpx.network.tables import by_label, training_arrays
from bpx.network.train import Trainee
from bpx.optim.chain import Optimizer, check_optimizer
from bpx.optim.scaling import with_rate
from bpx.optim.scheduled import lasting
from bpx.optim.schedules.decays import exponential_decay
from bpx.optim.schedules.lengths import Length
from bpx.program.contract import Precision
from bpx.training.arguments import Options, check_batch_size, check_last_batch, checked
from bpx.training.rising import rising_costs
from bpx.training.suggestions import RULES, RuleName, smoothed, suggested

__all__ = ["LearningRateRange", "learning_rate_range"]


@dataclass(frozen=True, repr=False)
class LearningRateRange:
    """The costs of a training whose learning rate rises: see `learning_rate_range`.

    Attributes
    ----------
    etas : tuple of float
        The learning rate of each step that was taken.
    costs : tuple of float
        The mean cost of each step's mini-batch, before the step.
    smoothed : tuple of float
        The mean around each cost, to both sides.
    suggestion : float or None
        The learning rate that the rule chose; None if the cost never falls.
    rule : {"steepest", "valley", "minimum"}
        The rule.
    diverged : bool
        Whether the steps ended because the cost diverged.
    steps : int
        The number of steps that were asked for.
    seed : int
        The seed of the order of the samples, and of random layers.
    """

    etas: tuple[float, ...]
    costs: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    rule: str
    diverged: bool
    steps: int
    seed: int

    def __repr__(self) -> str:
        found = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        ended = f"diverged after {len(self.etas)} of" if self.diverged else "all of"
        return (
            f"<bpx.LearningRateRange {self.etas[0]:.2g} to {self.etas[-1]:.2g}, "
            f"suggestion {found} ({self.rule}), {ended} {self.steps} steps>"
        )

    def suggest(self, rule: RuleName) -> float | None:
        """Return the suggestion of another rule: see `learning_rate_range`.

        Raises
        ------
        InputError
            If there is no such rule.
        """
        return suggested(_checked_rule(rule), self.etas, self.smoothed)

    def plot(self, ax: Any = None) -> Any:
        """Plot the costs over the learning rates: see `bpx.inspect.plots.learning_rates`."""
        from bpx.inspect.plots import learning_rates

        return learning_rates(self, ax)


def learning_rate_range(
    network: Trainee,
    data: Any,
    *,
    batch_size: int,
    optimizer: Optimizer,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    rule: RuleName = "steepest",
    lmbda: float = 0.0,
    seed: int | None = None,
    compile: bool = True,  # noqa: A002 - as in `train`
    precision: Precision | str = "float32",
    sample_weight: Any = None,
    class_weight: ClassWeight | None = None,
) -> LearningRateRange:
    """Try learning rates from `low` to `high` in one short training, and suggest one.

    The learning rate rises by an equal factor at each step. If it is too low, the cost stays as
    it is; then the cost falls; and if it is too high, the cost rises, and the steps end early.
    The network is not changed.

    Parameters
    ----------
    network : Network
    data : pair of arrays, or table or DataFrame
        As for `bpx.train`.
    batch_size : int
        Use that of your training: it changes which learning rates work.
    optimizer : Optimizer
        Use that of your training. Its own learning rate or schedule is replaced; a schedule of
        its momentum lasts for these steps.
    low, high : float, optional
        The first and the last learning rate, positive.
    steps : int, optional
        At least 2. With fewer than 100 the costs say little.
    rule : {"steepest", "valley", "minimum"}, optional
        How to choose the suggestion from the smoothed costs: where the cost falls fastest (over
        the logarithm of the learning rate); fastai's middle of the longest valley; or a tenth
        of the learning rate at which the cost is lowest.
    lmbda, seed, compile, precision, sample_weight, class_weight
        As for `bpx.train`. The same seed gives the same bits, on the same backend, device and
        number of threads.

    Returns
    -------
    LearningRateRange

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    L. N. Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3. The
    steps end when the cost is not finite, or when its running mean has risen above its lowest
    value by three times that value, and by three times what it fell before. The costs are those
    of the raw samples: with `bpx.privacy`, the suggestion is not private.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 4))
    >>> net = bpx.Network([4, 8, 2], seed=0, hidden="tanh", output="softmax",
    ...                   cost="cross_entropy")
    >>> found = bpx.learning_rate_range(net, (x, (x[:, 0] > 0).astype(int)), batch_size=20,
    ...                                 optimizer=bpx.SGD(0.1), high=100.0, seed=0)
    >>> 0.01 < found.suggestion < 10.0
    True
    """
    check_optimizer(optimizer)
    first = number("low", low, "a positive number", lambda v: v > 0.0)
    beyond = f"a number above low={low}, and less than 1e308 times it"
    last = number("high", high, beyond, lambda v: v > first and isfinite(v / first))
    whole("steps", steps, 2, None, "a whole number of at least 2")
    _checked_rule(rule)
    samples, schema = training_arrays(network.schema, network.spec, data)
    rate = exponential_decay(first, rate=last / first, steps=steps - 1, end=last)
    compiles = flag("compile", compile)
    options = Options(with_rate(optimizer, rate), compile=compiles, precision=precision)
    drawn = check_seed(seed)
    weights = {
        "sample_weight": sample_weight,
        "class_weight": by_label(schema, class_weight),
    }
    with network.home.active():
        job = checked(network, samples, options, epochs=1, lmbda=lmbda, **weights)
        size = check_batch_size(batch_size, job.n)
        check_last_batch(network.spec, job.n, size, drop_last=True)
        length = Length(max(1, job.n // size), steps)
        job = replace(job, optimizer=lasting(job.optimizer, length))
        try:
            costs, diverged = rising_costs(network, job, size, drawn, steps)
        finally:
            network.home.release()
    etas = rate.preview(steps)[: len(costs)]
    means = smoothed(costs)
    return LearningRateRange(
        tuple(etas),
        tuple(costs),
        tuple(means),
        suggested(rule, etas, means),
        rule,
        diverged,
        steps,
        drawn,
    )


def _checked_rule(rule: Any) -> str:
    if not isinstance(rule, str) or rule not in RULES:
        raise InputError(f"rule={rule!r} was given; expected {', '.join(RULES)}")
    found: str = rule
    return found
