"""Links, and chains of them, that the suites of optimizers share."""

from typing import Any, NamedTuple

import pytest

import bpx
from bpx.optim import OPTIMIZERS, Adam, Transformation, chain

LINKS = {
    "clip": bpx.optim.clip_by_global_norm(1.0),
    "decay": bpx.optim.add_decayed_weights(0.1),
    "momentum": bpx.optim.momentum(0.9),
    "nesterov": bpx.optim.momentum(0.9, nesterov=True),
    "adam": bpx.optim.scale_by_adam(),
    "scale": bpx.optim.scale(-0.1),
    "rate": bpx.optim.scale_by_learning_rate(0.1),
    "schedule": bpx.optim.scale_by_learning_rate(
        bpx.optim.warmup_cosine(0.1, warmup=2, steps=9)
    ),
}
CHAINS = {
    **{name: kind(kind.default_eta) for name, kind in OPTIMIZERS.items()},
    "clipped": chain(LINKS["clip"], Adam(0.01)),
    "decayed": chain(LINKS["decay"], LINKS["momentum"], LINKS["rate"]),
    "looking_ahead": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "scheduled": bpx.AdamW(bpx.optim.warmup_cosine(0.01, warmup=3, steps=12)),
    "one_link": LINKS["scale"],
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
