"""Optimizers: chains of transformations of the gradient; the final updates are added to w.

>>> optimizer = bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.Adam(1e-3))
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from bpx.optim.adagrad import Adagrad, scale_by_rss
from bpx.optim.averaging import average_parameters
from bpx.optim.chain import Chain, Optimizer, Transformation, chain
from bpx.optim.limits import add_decayed_weights, add_l1_decay, clip, clip_by_global_norm
from bpx.optim.lion import Lion, scale_by_lion
from bpx.optim.moments import momentum, scale_by_adam
from bpx.optim.muon import Muon, scale_by_muon
from bpx.optim.optimizers import SGD, Adam, AdamW
from bpx.optim.rmsprop import RMSprop, scale_by_rms, scale_by_stddev
from bpx.optim.scaling import scale, scale_by_learning_rate
from bpx.optim.schedule_free import ScheduleFreeAdamW, schedule_free
from bpx.optim.schedules import (
    Epochs,
    Schedule,
    constant_schedule,
    cosine_decay_schedule,
    cosine_onecycle_momentum,
    cosine_onecycle_schedule,
    exponential_decay,
    join_schedules,
    linear_onecycle_momentum,
    linear_onecycle_schedule,
    linear_schedule,
    linear_warmup,
    piecewise_constant_schedule,
    polynomial_schedule,
    reduce_on_plateau,
    sgdr_schedule,
    step_decay,
    warmup_cosine,
)
from bpx.optim.trees import mapped

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Chain",
    "Epochs",
    "Lion",
    "Muon",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "ScheduleFreeAdamW",
    "ScheduleName",
    "Transformation",
    "add_decayed_weights",
    "add_l1_decay",
    "average_parameters",
    "chain",
    "clip",
    "clip_by_global_norm",
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
    "mapped",
    "momentum",
    "piecewise_constant_schedule",
    "polynomial_schedule",
    "reduce_on_plateau",
    "scale",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_lion",
    "scale_by_muon",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_stddev",
    "schedule_free",
    "sgdr_schedule",
    "step_decay",
    "warmup_cosine",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "lion": Lion,
    "muon": Muon,
    "schedule_free_adamw": ScheduleFreeAdamW,
}
"""The optimizers by name, for the command line, its settings and its messages.

An entry is a frozen dataclass: `eta` is its first field, `default_eta` its usual learning rate.
"""

SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant_schedule,
    "linear": linear_schedule,
    "polynomial": polynomial_schedule,
    "exponential": exponential_decay,
    "step": step_decay,
    "cosine": cosine_decay_schedule,
    "sgdr": sgdr_schedule,
    "onecycle": cosine_onecycle_schedule,
    "linear_onecycle": linear_onecycle_schedule,
    "plateau": reduce_on_plateau,
}
"""The schedules by name, for the command line.

An entry is a function of the learning rate, its first argument, and of numbers by keyword.
"""

ScheduleName: TypeAlias = Literal[
    "constant", "linear", "polynomial", "exponential", "step", "cosine", "sgdr", "onecycle",
    "linear_onecycle", "plateau",
]  # fmt: skip
"""The keys of `SCHEDULES`, for type checkers and editors."""
