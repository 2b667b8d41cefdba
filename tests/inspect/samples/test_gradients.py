"""Per-sample gradients against torch.func's vmap of grad, and each against the others."""

import re
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx import inspect
from tests.backends import host
from tests.extending.rms_norm import Gain
from tests.peers import Twin, close, flat, random_network, random_samples

NETWORKS = {
    "softmax": ([5, 6, 4, 3], "tanh", "softmax", "cross_entropy"),
    "sigmoid": ([4, 7, 3], "gelu_tanh", "sigmoid", "cross_entropy"),
    "book": ([4, 5, 3], "sigmoid", "sigmoid", "quadratic"),
    "regression": ([3, 5, 2], "silu", "identity", "quadratic"),
    "one_layer": ([4, 3], "tanh", "softmax", "cross_entropy"),
    "coupled": ([4, 5, 3], "softmax", "softmax", "cross_entropy"),
}
each_network = pytest.mark.parametrize("name", NETWORKS)


def traced(name, n=7, seed=1):
    net = random_network(*NETWORKS[name])
    x, y = random_samples(net, n, seed)
    return net, x, y, net.backprop(x, y)


@each_network
def test_norms(name):
    net, x, y, trace = traced(name)
    each = Twin(net).each_gradient(x, y)
    squares = [(g.reshape(len(x), -1) ** 2).sum(axis=1) for g in each]
    close(inspect.gradient_norms(trace), np.sqrt(sum(squares)))
    layers = [np.sqrt(w + b) for w, b in zip(squares[::2], squares[1::2], strict=True)]
    close(inspect.layer_norms(trace), np.stack(layers, axis=1))


@each_network
def test_inner_products(name):
    net, x, y, trace = traced(name)
    gradients = Twin(net).flat_gradients(x, y)
    close(inspect.inner_products(trace), gradients @ gradients.T)
    x_other, y_other = random_samples(net, 4, seed=5)
    others = Twin(net).flat_gradients(x_other, y_other)
    close(inspect.inner_products(trace, net.backprop(x_other, y_other)), gradients @ others.T)


@each_network
def test_individual_gradients(name):
    net, x, y, trace = traced(name)
    expected = Twin(net).flat_gradients(x, y)
    seen = []
    for samples, gradients in inspect.individual_gradients(trace, chunk=3):
        for i in range(samples.stop - samples.start):
            close(flat(bpx.optim.mapped(lambda g: g[i], gradients)), expected[samples][i])  # noqa: B023
        seen.append((samples.start, samples.stop))
    assert seen == [(0, 3), (3, 6), (6, 7)]


def test_row_weights_have_no_part_in_it():
    net, x, y, trace = traced("softmax")
    weighted = net.backprop(x, y, r=np.arange(7.0)[:, None])
    assert (inspect.gradient_norms(weighted) == inspect.gradient_norms(trace)).all()


def test_chunks_are_of_64_mib_unless_said_otherwise():
    net = bpx.Network([1000, 1000, 10], seed=0)
    trace = net.backprop(np.ones((20, 1000), np.float32), np.zeros(20, np.int32))
    parts = [part for part, _ in inspect.individual_gradients(trace)]
    assert [part.start for part in parts] == [0, 8, 16]
    assert all(a.stop == b.start for a, b in pairwise(parts))


def test_on_every_backend(target):
    net, expected = random_network(*NETWORKS["softmax"], target=target), traced("softmax")[3]
    x, y = random_samples(net)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    for function in (
        inspect.gradient_norms,
        inspect.layer_norms,
        inspect.inner_products,
    ):
        found = function(trace)
        assert net.home.owns(found)
        np.testing.assert_allclose(host(found), function(expected), rtol=1e-10)
    (_, gradients), *_ = inspect.individual_gradients(trace, chunk=2)
    assert net.home.owns(gradients.w[0])


def test_a_trace_of_a_forward_pass_is_refused():
    net, x, _, _ = traced("softmax")
    for function in (inspect.gradient_norms, inspect.individual_gradients):
        with pytest.raises(bpx.InputError, match=r"has no deltas.*net\.backprop"):
            function(net.forward(x))


class Own(NamedTuple):
    """What a layer of one's own saves: numbers of each sample, and others."""

    a: Any
    other: Any

    def gradients(self, r, delta):
        return Gain((r * delta * self.a).sum(axis=-2))

    def individual(self, delta):
        each = delta * self.a * self.other
        return Gain(each.sum(axis=0) if each.ndim > 2 else each)


def of_own(other, n=7):
    """A trace with such a layer between two Dense ones."""
    _, _, _, trace = traced("softmax", n)
    a, delta = trace.layers[0].a, trace.deltas[0]
    layers = trace.layers[0], Own(a, other), *trace.layers[1:]
    return trace._replace(layers=layers, deltas=(trace.deltas[0], delta, *trace.deltas[1:]))


def test_a_layer_of_ones_own_in_parts_is_the_whole():
    trace = of_own(np.arange(2 * 7 * 6.0).reshape(2, 7, 6))
    (_, whole), *_ = inspect.individual_gradients(trace)
    parts = [g.layers[1].gain for _, g in inspect.individual_gradients(trace, chunk=2)]
    assert [part.shape for part in parts] == [(2, 6)] * 3 + [(1, 6)]
    np.testing.assert_array_equal(np.concatenate(parts), whole.layers[1].gain)


@pytest.mark.parametrize("other", [np.ones(6), np.ones((6, 6)), np.ones(7), np.ones((7, 1, 6))])
def test_what_is_not_of_the_samples_is_refused_at_once(other):
    """Cut into parts as if it were, it would be multiplied with other samples' rows."""
    shape = re.escape(str(other.shape))
    said = rf"layer 2, which saves Own, .*'other' .* has shape {shape}; expected \(7, ·\)"
    with pytest.raises(bpx.InputError, match=said):
        inspect.individual_gradients(of_own(other), chunk=3)


def test_refusals():
    _, _, _, trace = traced("softmax")
    with pytest.raises(bpx.InputError, match="chunk=0 was given"):
        inspect.individual_gradients(trace, chunk=0)
    with pytest.raises(bpx.InputError, match=r"widths \[5, 6, 4, 3\] and \[4, 7, 3\]"):
        inspect.inner_products(trace, traced("sigmoid")[3])
