"""Links, and chains of them, that the suites of optimizers share."""

from typing import Any, NamedTuple

import pytest

import bpx
from bpx.optim import OPTIMIZERS, Adam, Transformation, chain

MORE = {
    "polynomial": {"power": 2.0},
    "exponential": {"rate": 0.5},
    "step": {"every": 3, "factor": 0.5},
    "sgdr": {"period": 2, "factor": 2},
    "plateau": {"patience": 0},
}
"""What some of the schedules in the table need."""

SCHEDULED = {
    **{
        name: make(0.01, **MORE.get(name, {}))
        for name, make in bpx.optim.SCHEDULES.items()
        if name not in ("constant", "cosine", "linear")  # parts of the ones below
    },
    "pieces": bpx.optim.piecewise_constant_schedule(0.01, {2: 0.5, bpx.optim.Epochs(1): 0.5}),
    "warmed": bpx.optim.linear_warmup(bpx.optim.cosine_decay_schedule(0.01), steps=2),
    "joined": bpx.optim.join_schedules(
        [bpx.optim.linear_schedule(0.0, end=0.01), bpx.optim.reduce_on_plateau(0.01)],
        [bpx.optim.Epochs(1)],
    ),
}
"""Schedules, of which some last as long as the training."""

LINKS = {
    "clip": bpx.optim.clip_by_global_norm(1.0),
    "decay": bpx.optim.add_decayed_weights(0.1),
    "momentum": bpx.optim.momentum(0.9),
    "nesterov": bpx.optim.momentum(0.9, nesterov=True),
    "scheduled_momentum": bpx.optim.momentum(
        bpx.optim.linear_onecycle_momentum(steps=9), nesterov=True
    ),
    "adam": bpx.optim.scale_by_adam(),
    "scale": bpx.optim.scale(-0.1),
    "rate": bpx.optim.scale_by_learning_rate(0.1),
    "schedule": bpx.optim.scale_by_learning_rate(
        bpx.optim.warmup_cosine(0.1, warmup=2, steps=9)
    ),
    "clip_by_value": bpx.optim.clip(0.1),
    "l1": bpx.optim.add_l1_decay(0.1),
    "rss": bpx.optim.scale_by_rss(0.1),
    "rms": bpx.optim.scale_by_rms(),
    "corrected_rms": bpx.optim.scale_by_rms(bias_correction=True),
    "stddev": bpx.optim.scale_by_stddev(),
    "lion": bpx.optim.scale_by_lion(),
    "muon": bpx.optim.scale_by_muon(),
    "schedule_free": bpx.optim.schedule_free(0.1, warmup=2),
    "average": bpx.optim.average_parameters(0.9),
}
AVERAGING = {
    "averaged": chain(Adam(0.01), bpx.optim.average_parameters(0.9)),
    "mean": chain(bpx.SGD(0.1, momentum=0.9), bpx.optim.average_parameters(1.0)),
    "schedule_free": bpx.optim.ScheduleFreeAdamW(0.01, decay=0.1, warmup=4),
    "schedule_free_sgd": chain(bpx.optim.schedule_free(0.2)),
}
"""Chains after which the network gets other parameters than training continues from."""

NEWER = {
    "adagrad": bpx.optim.Adagrad(0.05),
    "rmsprop": bpx.optim.RMSprop(0.01),
    "centred": bpx.optim.RMSprop(0.01, momentum=0.5, centred=True),
    "lion": bpx.optim.Lion(0.01),
    "muon": bpx.optim.Muon(0.01),
    "muon_alone": bpx.optim.Muon(0.01, by_adam=()),
    "cycled": bpx.SGD(
        bpx.optim.cosine_onecycle_schedule(0.1, steps=20),
        bpx.optim.cosine_onecycle_momentum(steps=20),
    ),
    "sparse": chain(bpx.optim.clip(0.01), bpx.optim.add_l1_decay(0.01), bpx.SGD(0.3)),
    **AVERAGING,
}
CHAINS = {
    **{name: kind(kind.default_eta) for name, kind in OPTIMIZERS.items()},
    "clipped": chain(LINKS["clip"], Adam(0.01)),
    "decayed": chain(LINKS["decay"], LINKS["momentum"], LINKS["rate"]),
    "looking_ahead": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "scheduled": bpx.AdamW(bpx.optim.warmup_cosine(0.01, warmup=3, steps=12)),
    **{f"{name} schedule": bpx.Adam(each) for name, each in SCHEDULED.items()},
    "one_link": LINKS["scale"],
    **NEWER,
}
each_link = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)


def doubled(updates, state, parameters):
    return bpx.optim.mapped(lambda u: 2.0 * u, updates), state


DOUBLED = Transformation(lambda parameters: (), doubled)


def plus_one(updates, state, parameters):
    return bpx.optim.mapped(lambda u: u + 1.0, updates), state


class Counted(NamedTuple):
    """A link's state."""

    eta: Any
    count: Any
