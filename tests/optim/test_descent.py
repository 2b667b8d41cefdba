"""Chains that climb, or never move, are refused where training begins, if their links tell."""

import numpy as np
import pytest

import bpx
from bpx.optim import chain
from bpx.optim.descent import check_descends
from tests.optim.links import CHAINS, DOUBLED, LINKS

X, Y = np.eye(3), np.eye(3)[:, :2]
STEP = bpx.optim.scale(-0.1)
DESCENDING = ("rate", "schedule", "scale", "schedule_free")


def fit(optimizer):
    net = bpx.Network([3, 2], seed=0)
    return net.fit(X, Y, epochs=1, batch_size=3, optimizer=optimizer)


def step(optimizer):
    bpx.Trainer(bpx.Network([3, 2], seed=0), optimizer=optimizer).step(X, Y)


@pytest.mark.parametrize("name", CHAINS)
def test_the_optimizers_descend(name):
    check_descends(CHAINS[name])


@pytest.mark.parametrize("name", LINKS)
def test_each_link_alone_tells(name):
    """A link of bpx that the check does not know would pass, and its chains with it."""
    if name in DESCENDING:
        check_descends(LINKS[name])
        return
    with pytest.raises(bpx.InputError, match="has no learning rate"):
        check_descends(LINKS[name])


@pytest.mark.parametrize("act", [fit, step])
@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (chain(bpx.optim.clip_by_global_norm(1.0)), "has no learning rate"),
        (chain(bpx.optim.scale_by_adam(), bpx.optim.scale(1e-2)), r"bpx.optim.scale\(-0.01\)"),
        (bpx.optim.scale_by_adam(), "has no learning rate"),
        (chain(), "has no learning rate"),
        (chain(bpx.Adam(1e-2), bpx.SGD(0.1)), "has 2 learning rates"),
        (chain(bpx.SGD(0.1), bpx.optim.schedule_free(0.1)), "has 2 learning rates"),
        (chain(bpx.SGD(0.1), bpx.SGD(0.1), bpx.SGD(0.1)), "has 3 learning rates"),
        (chain(bpx.optim.scale(-1.0), bpx.Adam(1e-2)), "turns the updates round 2 times"),
        (chain(bpx.optim.scale(-1.0), bpx.optim.scale(-0.1)), "round 2 times"),
        (chain(bpx.optim.scale(-1.0), bpx.optim.scale(-1.0), bpx.SGD(1.0), STEP), "4 times"),
        (chain(bpx.Adam(), bpx.optim.scale(0.0)), "multiplies the updates by 0"),
        (chain(bpx.optim.scale(-0.0)), "multiplies the updates by 0"),
    ],
    ids=str,
)
def test_a_chain_that_climbs_or_never_moves_is_refused(optimizer, said, act):
    with pytest.raises(bpx.InputError, match=said):
        act(optimizer)


@pytest.mark.parametrize(
    "optimizer",
    [
        chain(bpx.optim.scale_by_adam(), bpx.optim.scale(-1e-2)),
        chain(bpx.optim.scale(2.0), bpx.SGD(0.1)),
        chain(bpx.optim.scale(-1.0), bpx.optim.scale(-1.0), bpx.SGD(0.1)),
        chain(DOUBLED, bpx.optim.scale(-1.0), bpx.SGD(0.1)),
        chain(DOUBLED),
        chain(DOUBLED, bpx.SGD(0.1), bpx.SGD(0.1)),
    ],
    ids=str,
)
def test_what_is_meant_or_unknown_passes(optimizer):
    fit(optimizer)
    step(optimizer)
