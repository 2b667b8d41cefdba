"""The step of a network, before its first mini-batch: tried out, and hashable."""

import pytest

import bpx
from bpx.model.mini_batch import mini_batch
from bpx.program.contract import leaves
from bpx.training.trial import step_of
from tests.training.small import network, samples


def step(net, optimizer=bpx.SGD(0.5), penalty=0.0):  # noqa: B008
    return step_of(
        net, mini_batch(net.home, net.spec, *samples()), optimizer, penalty, True, "float32"
    )


def test_equal_steps_are_equal_whatever_their_numbers():
    assert step(network())[0] == step(network(), bpx.SGD(0.1))[0]
    assert step(network())[0] != step(network(), bpx.Adam(0.1))[0]


def test_a_penalty_stands_before_the_optimizer():
    net = network()
    _, rule = step(net, penalty=0.25)
    assert rule.init(net.parameters).decay.tolist() == [0.25]
    assert step(net)[1] == bpx.SGD(0.5)


def test_a_part_that_cannot_be_run_is_refused():
    def wrong(z):
        return z[:1, ...]

    crooked = bpx.Elementwise("crooked", wrong, lambda z, a: a)
    net = network(hidden=crooked)
    before = list(leaves(net.parameters))
    with pytest.raises(bpx.InputError, match="crooked"):
        step(net)
    assert all(a is b for a, b in zip(leaves(net.parameters), before, strict=True))
