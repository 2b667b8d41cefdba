"""Optimizers: chains of transformations of the gradient; the final updates are added to w.

>>> optimizer = bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.Adam(1e-3))
"""

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
from bpx.optim.schedules import Schedule, warmup_cosine
from bpx.optim.trees import mapped

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Chain",
    "Lion",
    "Muon",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "ScheduleFreeAdamW",
    "Transformation",
    "add_decayed_weights",
    "add_l1_decay",
    "average_parameters",
    "chain",
    "clip",
    "clip_by_global_norm",
    "mapped",
    "momentum",
    "scale",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_lion",
    "scale_by_muon",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_stddev",
    "schedule_free",
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
