"""The cost's gradient by the inputs, in chunks."""

import numpy as np

import bpx
from bpx.model import inputs, sensitivity
from tests.peers import random_network, random_samples


def test_in_chunks_it_is_the_same(target, monkeypatch):
    net = random_network([5, 6, 3], target=target)
    x, y = random_samples(net, 40)
    with net.home.active():
        arrived = inputs.samples(net.home, net.spec, x, y)
        whole = bpx.to_host(sensitivity.input_gradients(net.spec, net.parameters, arrived))
        monkeypatch.setattr(sensitivity, "chunks", lambda spec, x: inputs._parts(x, 7))
        parts = bpx.to_host(sensitivity.input_gradients(net.spec, net.parameters, arrived))
    assert whole.shape == (40, 5)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    with net.home.active():
        trace = net.backprop(*(net.home.asarray(x), arrived.y))
    delta, w = bpx.to_host(trace.delta[0]), bpx.to_host(net.weights[0])
    np.testing.assert_allclose(whole, delta @ w, rtol=1e-10)
