"""A part of yours is recorded as it is, or named in the error."""

import numpy as np
import pytest

import bpx
from bpx.activations import Elementwise
from bpx.errors import RecordingError
from bpx.export.c.own_parts import named, own_parts


def bent(name, sigma):
    return Elementwise(name, sigma, lambda z, a: 1.0 + 0.0 * z)


def test_a_built_in_network_has_none():
    net = bpx.Network([3, 4, 2], norm="layer", dropout=0.1, cost="cross_entropy")
    assert list(own_parts(net.spec)) == []


def test_one_that_calls_numpy_is_named():
    net = bpx.Network([3, 4, 2], hidden=bent("jagged", np.tanh), seed=0)
    assert list(own_parts(net.spec)) == ["the activation 'jagged'"]
    with pytest.raises(RecordingError, match=r"NumPy's tanh .* the activation 'jagged'"):
        net.to_c()
    with pytest.raises(RecordingError, match="the activation 'jagged'"):
        net.to_c(training=True, optimizer=bpx.Adam())


def test_a_cost_that_calls_numpy_is_named():
    cost = bpx.costs.Cost(
        "odd", lambda a, y: np.sum(a - y, axis=-1), lambda a, y: 1.0 + 0.0 * a
    )
    net = bpx.Network([3, 4, 2], cost=cost, seed=0)
    assert "model_predict" in net.to_c()  # which the answers do not need
    with pytest.raises(RecordingError, match="the cost 'odd'"):
        net.to_c(training=True, optimizer=bpx.Adam())


def test_without_own_parts_it_is_the_optimizer():
    spec = bpx.Network([2, 2]).spec
    with pytest.raises(RecordingError, match="recorded: the optimizer"), named(spec):
        raise RecordingError("something")
