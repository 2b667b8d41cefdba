"""A network's health while it trains: looked at after an epoch, on samples that stay the same.

One pass forward and back over a few hundred training samples, and one step more whose result
is discarded: the step is pure. Nothing of training is changed by it.
"""

from dataclasses import dataclass
from typing import Any

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import batches
from bpx.arrays.registry import compiled
from bpx.errors import InputError
from bpx.inspect.health.examination import Health, Signs, as_health, signs
from bpx.inspect.health.limits import Limits
from bpx.inspect.health.probe import HealthProbe
from bpx.training.step import Data, State, TrainingStep, zero_metrics

__all__ = ["Look", "prepare"]


@dataclass(frozen=True)
class Look:
    """The observer of one training: which rows are looked at, and which the step takes."""

    limits: Limits
    step: TrainingStep
    rows: Array
    batch: Array | None
    name: str = "health"

    def __call__(self, state: State, data: Data, epoch: int) -> Health:
        """The health of a state at the end of any epoch; the state stays as it is."""
        if self.batch is not None:
            how = self.batch.shape[0], self.step.accuracy, data.s is not None
            state = state._replace(metrics=zero_metrics(state.parameters.b[0], *how))
        look = compiled(_look, 2, data.x)
        found = look(self.step, self.limits, state, data, self.rows, self.batch)
        return as_health(self.step.spec, self.rows.shape[0], found)


def prepare(
    health: Any, home: Home, step: TrainingStep, n: int, batch_size: int | None, seed: int
) -> Look:
    """The observer that `train` was given as `health`, for n samples at a home.

    Without a batch size there is no step more, and the updates are not known.

    Raises
    ------
    InputError
        If it is neither True nor a `HealthProbe`.
    """
    probe = HealthProbe() if health is True else health
    if not isinstance(probe, HealthProbe):
        raise InputError(
            f"health={health!r} was given; expected True, False or bpx.HealthProbe(...)"
        )
    # Epochs are counted from 1: 0 is an order of the probe's own.
    order = batches(seed, 0, n, n, shuffle=True)[0][0]
    batch = None if batch_size is None else home.asarray(order[:batch_size], "int32")
    return Look(probe.limits, step, home.asarray(order[: probe.samples], "int32"), batch)


def _look(
    step: TrainingStep,
    limits: Limits,
    state: State,
    data: Data,
    rows: Array,
    batch: Array | None,
) -> Signs:
    after = None if batch is None else step(state, data, batch).parameters
    x, y = step.picked(data, rows)
    classes = step.accuracy == "argmax"
    return signs(step.spec, limits, classes, state.parameters, x, y, state.feedback, after)
