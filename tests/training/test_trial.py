"""The step of a network, before its first mini-batch: tried out, and hashable."""

import pytest

import bpx
from bpx.model.mini_batch import mini_batch
from bpx.optim import limits
from bpx.program.contract import leaves
from bpx.training.trial import step_of
from tests.training.small import network, samples


def step(net, rule=bpx.SGD(0.5)):  # noqa: B008
    return step_of(net, mini_batch(net.home, net.spec, *samples()), rule, True, "float32")


def test_equal_steps_are_equal_whatever_their_numbers():
    assert step(network()) == step(network(), bpx.SGD(0.1))
    assert step(network()) != step(network(), bpx.Adam(0.1))


def test_a_penalty_is_part_of_the_step():
    rules = [limits.penalised(bpx.SGD(0.5), decay) for decay in (0.25, 0.5)]
    one, other = (step(network(), rule) for rule in rules)
    assert one == other != step(network())


def test_a_part_that_cannot_be_run_is_refused():
    def wrong(z):
        return z[:1, ...]

    crooked = bpx.Elementwise("crooked", wrong, lambda z, a: a)
    net = network(hidden=crooked)
    before = list(leaves(net.parameters))
    with pytest.raises(bpx.InputError, match="crooked"):
        step(net)
    assert all(a is b for a, b in zip(leaves(net.parameters), before, strict=True))
