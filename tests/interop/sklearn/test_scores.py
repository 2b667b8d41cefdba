"""The score of held-out samples, from the parameters of a state."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the scores are scikit-learn's")

import bpx
from bpx.interop.sklearn.problem import Problem
from bpx.interop.sklearn.scores import ValidationScore, host_outputs
from tests.backends import host


def problem(target):
    net = target.network([2, 3, 1], seed=0, dtype="float64")
    x = np.random.default_rng(0).standard_normal((5, 2))
    return net, Problem(net.spec, net.home, x, np.arange(5.0), np.ones(5), 0.0, 1.0)


def test_the_outputs_are_the_networks(target):
    net, held = problem(target)
    np.testing.assert_allclose(host_outputs(held, net.parameters), net.predict(held.x))


def test_it_gets_targets_outputs_and_weights(target):
    net, held = problem(target)
    state = SimpleNamespace(parameters=net.parameters)
    score = ValidationScore(held, lambda y, found, s: (y + found[:, 0] + s).sum())
    assert score(state, None, 1) == pytest.approx(15.0 + host(net.predict(held.x)).sum())


def test_it_is_nan_if_an_output_is_not_finite():
    net, held = problem(SimpleNamespace(network=bpx.Network))
    w, b = net.parameters.w, (net.biases[0], np.array([np.nan]))
    state = SimpleNamespace(parameters=bpx.Parameters.dense(w, b))
    assert np.isnan(ValidationScore(held, lambda *_: 1.0)(state, None, 1))
