"""Optimizers: chains of transformations of the gradient; the final updates are added to w.

>>> optimizer = bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.Adam(1e-3))
"""

from bpx.optim.chain import Chain, Optimizer, Transformation, chain
from bpx.optim.limits import add_decayed_weights, clip_by_global_norm
from bpx.optim.moments import momentum, scale_by_adam
from bpx.optim.optimizers import SGD, Adam, AdamW
from bpx.optim.scaling import scale, scale_by_learning_rate
from bpx.optim.schedules import Schedule, warmup_cosine
from bpx.optim.trees import mapped

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "Chain",
    "Optimizer",
    "Schedule",
    "Transformation",
    "add_decayed_weights",
    "chain",
    "clip_by_global_norm",
    "mapped",
    "momentum",
    "scale",
    "scale_by_adam",
    "scale_by_learning_rate",
    "warmup_cosine",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
"""The optimizers by name, for the command line, its settings and its messages.

An entry is a frozen dataclass: `eta` is its first field, `default_eta` its usual learning rate.
"""
