"""Examine a network's health during training: after each epoch, on the same samples.

This takes one pass forward and back over a few hundred training samples, and one extra step
whose result is discarded. The step is pure, so training does not change.
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
from bpx.model.parameters import Parameters
from bpx.training.published import adopting
from bpx.training.step import Data, State, TrainingStep, zero_metrics

__all__ = ["Look", "prepare"]


@dataclass(frozen=True)
class Look:
    """The observer of a training: the rows to examine, and those of the extra step."""

    limits: Limits
    step: TrainingStep
    rows: Array
    batch: Array | None
    name: str = "health"

    def __call__(self, state: State, data: Data, epoch: int) -> Health:
        """Return the health of a state after an epoch, without changing the state."""
        if self.batch is not None:
            how = self.batch.shape[0], self.step.accuracy, data.s is not None
            state = state._replace(metrics=zero_metrics(state.parameters.like, *how))
        look = compiled(_look, 2, data.x)
        found = look(self.step, self.limits, state, data, self.rows, self.batch)
        return as_health(self.step.spec, self.rows.shape[0], found)


def prepare(
    health: Any, home: Home, step: TrainingStep, n: int, batch_size: int | None, seed: int
) -> Look:
    """Make the observer for the argument `health` of `train`, for n samples at a home.

    Without a batch size there is no extra step, and `updates` is None.

    Raises
    ------
    InputError
        If `health` is neither True nor a `HealthProbe`.
    """
    probe = HealthProbe() if health is True else health
    if not isinstance(probe, HealthProbe):
        raise InputError(
            f"health={health!r} was given; expected True, False or bpx.HealthProbe(...)"
        )
    # Epochs count from 1, so 0 gives the probe its own order.
    order = batches(seed, 0, n, n, shuffle=True)[0][0]
    batch = None if batch_size is None else home.asarray(order[:batch_size], "int32")
    return Look(probe.limits, step, home.asarray(order[: probe.samples], "int32"), batch)


def _stepped(step: TrainingStep, state: State, data: Data, batch: Array) -> Parameters:
    """The parameters after one more step from the network's, whose average begins there."""
    begun = adopting(step.spec, step.update, state, (state.parameters, state.feedback))
    return step(begun, data, batch).parameters


def _look(
    step: TrainingStep,
    limits: Limits,
    state: State,
    data: Data,
    rows: Array,
    batch: Array | None,
) -> Signs:
    after = None if batch is None else _stepped(step, state, data, batch)
    x, y = step.picked(data, rows)
    classes = step.accuracy == "argmax"
    return signs(step.spec, limits, classes, state.parameters, x, y, state.feedback, after)
