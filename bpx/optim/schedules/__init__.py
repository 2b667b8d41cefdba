"""Learning rates that change from step to step, in one file per subject.

>>> optimizer = bpx.SGD(bpx.optim.linear_warmup(0.1, steps=100), momentum=0.9)
"""

from bpx.optim.schedules.cosines import cosine_decay_schedule, sgdr_schedule, warmup_cosine
from bpx.optim.schedules.decays import (
    exponential_decay,
    linear_schedule,
    polynomial_schedule,
    step_decay,
)
from bpx.optim.schedules.joined import join_schedules, linear_warmup
from bpx.optim.schedules.lengths import Epochs
from bpx.optim.schedules.one_cycle import (
    cosine_onecycle_momentum,
    cosine_onecycle_schedule,
    linear_onecycle_momentum,
    linear_onecycle_schedule,
)
from bpx.optim.schedules.pieces import constant_schedule, piecewise_constant_schedule
from bpx.optim.schedules.plateau import reduce_on_plateau
from bpx.optim.schedules.schedule import Schedule

__all__ = [
    "Epochs",
    "Schedule",
    "constant_schedule",
    "cosine_decay_schedule",
    "cosine_onecycle_momentum",
    "cosine_onecycle_schedule",
    "exponential_decay",
    "join_schedules",
    "linear_onecycle_momentum",
    "linear_onecycle_schedule",
    "linear_schedule",
    "linear_warmup",
    "piecewise_constant_schedule",
    "polynomial_schedule",
    "reduce_on_plateau",
    "sgdr_schedule",
    "step_decay",
    "warmup_cosine",
]
