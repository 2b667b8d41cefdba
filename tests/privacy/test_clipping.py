"""Clipped sums against torch.func's gradients, clipped one by one, and against Opacus."""

import numpy as np
import pytest

import bpx
from bpx import privacy
from tests.backends import assert_at_home, host
from tests.peers import Twin, close, flat, random_network, random_samples

NETWORKS = {
    "softmax": ([5, 6, 4, 3], "tanh", "softmax", "cross_entropy"),
    "sigmoid": ([4, 7, 3], "gelu_tanh", "sigmoid", "cross_entropy"),
    "regression": ([3, 5, 2], "silu", "identity", "quadratic"),
    "one_layer": ([4, 3], "tanh", "softmax", "cross_entropy"),
    "coupled": ([4, 5, 3], "softmax", "softmax", "cross_entropy"),
}
each_network = pytest.mark.parametrize("name", NETWORKS)


def traced(name="softmax", n=9):
    net = random_network(*NETWORKS[name])
    x, y = random_samples(net, n)
    return net, x, y, net.backprop(x, y)


def middle(trace):
    """A clip that some gradients are above and some below."""
    return float(np.median(bpx.inspect.gradient_norms(trace)))


@each_network
def test_the_clipped_sum_is_that_of_gradients_clipped_one_by_one(name):
    net, x, y, trace = traced(name)
    each, clip = Twin(net).flat_gradients(x, y), middle(trace)
    norms = np.linalg.norm(each, axis=1, keepdims=True)
    factors = np.minimum(1.0, clip / norms)
    assert 0 < (factors < 1.0).sum() < len(x)
    close(privacy.clip_factors(trace, clip), factors)
    close(flat(privacy.clipped_sum(trace, clip)), (factors * each).sum(axis=0))


@each_network
def test_each_layer_has_a_clip_of_its_own(name):
    net, x, y, trace = traced(name)
    clips = tuple(np.median(host(bpx.inspect.layer_norms(trace)), axis=0).tolist())
    parts = Twin(net).each_gradient(x, y)
    expected = []
    for clip, w, b in zip(clips, parts[::2], parts[1::2], strict=True):
        both = np.concatenate([w.reshape(len(x), -1), b], axis=1)
        norms = np.linalg.norm(both, axis=1, keepdims=True)
        expected.append((np.minimum(1.0, clip / norms) * both).sum(axis=0))
    assert privacy.clip_factors(trace, clips).shape == (len(x), len(clips))
    close(flat(privacy.clipped_sum(trace, clips)), np.concatenate(expected))


def test_the_clipped_sum_is_that_of_opacus():
    torch = pytest.importorskip("torch", reason="the peer is Opacus, on PyTorch")
    pytest.importorskip("opacus", reason="the peer is Opacus")
    from opacus import GradSampleModule
    from opacus.optimizers import DPOptimizer

    net, x, y, _ = traced()
    x = 10.0 * x  # Opacus divides by the norm + 1e-6
    trace = net.backprop(x, y)
    layers = []
    for w, b in zip(net.weights, net.biases, strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
        linear.weight.data, linear.bias.data = (torch.from_numpy(np.array(p)) for p in (w, b))
        layers += [linear, torch.nn.Tanh()]
    network = torch.nn.Sequential(*layers[:-1])
    module = GradSampleModule(network, loss_reduction="sum")
    optimizer = DPOptimizer(
        torch.optim.SGD(module.parameters(), lr=1.0),
        noise_multiplier=0.0,
        max_grad_norm=middle(trace),
        expected_batch_size=len(x),
        loss_reduction="sum",
    )
    loss = torch.nn.CrossEntropyLoss(reduction="sum")
    loss(module(torch.from_numpy(x).requires_grad_()), torch.from_numpy(y).long()).backward()
    optimizer.clip_and_accumulate()
    theirs = [p.summed_grad.numpy().reshape(-1) for p in module.parameters()]
    close(flat(privacy.clipped_sum(trace, middle(trace))), np.concatenate(theirs), 1e-6)


def test_one_pass_gives_the_clipped_gradients_and_all_else(target):
    net = random_network(*NETWORKS["softmax"], target=target)
    x, y = random_samples(net)
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    plain = net.backprop(x, y)
    clip = float(np.median(host(bpx.inspect.gradient_norms(plain))))
    trace = privacy.clipped_backprop(net.spec, net.parameters, x, y, clip)
    close(7 * flat(trace.gradients), flat(privacy.clipped_sum(plain, clip)))
    factors = privacy.clip_factors(plain, clip)
    assert_at_home(factors, net)
    close(flat(trace.gradients), flat(net.backprop(x, y, r=factors / 7).gradients))
    for ours, theirs in zip(trace.delta, plain.delta, strict=True):
        np.testing.assert_array_equal(host(ours), host(theirs))
    np.testing.assert_array_equal(host(trace.cost), host(plain.cost))


def test_row_weights_multiply_the_clipped_gradients():
    net, x, y, trace = traced()
    r = np.arange(9.0)[:, None]
    weighted = privacy.clipped_backprop(net.spec, net.parameters, x, y, (0.5, 0.1, 2.0), r=r)
    factors = r * privacy.clip_factors(trace, (0.5, 0.1, 2.0))
    for i, d in enumerate(trace.delta):
        close(weighted.gradients.w[i], (factors[:, i : i + 1] * d).T @ trace.a[i])


def test_what_is_below_the_clip_is_left_as_it_is():
    _, _, _, trace = traced()
    assert (privacy.clip_factors(trace, 1e9) == 1.0).all()
    close(flat(privacy.clipped_sum(trace, 1e9)), 9 * flat(trace.gradients))


def test_a_gradient_of_zero_is_no_division_by_it():
    net = random_network([3, 2], output="identity", cost="quadratic")
    x = np.ones((1, 3))
    trace = net.backprop(x, net.forward(x).a[-1])
    assert privacy.clip_factors(trace, 0.5).tolist() == [[1.0]]


@pytest.mark.parametrize("clip", [0.0, -1.0, float("nan"), float("inf"), "1", (1.0, 0.0, 1.0)])
def test_a_clip_is_positive(clip):
    with pytest.raises(bpx.InputError, match=r"clip=.* was given; expected a positive number"):
        privacy.clip_factors(traced()[-1], clip)


def test_a_clip_for_each_layer_has_as_many_numbers():
    with pytest.raises(bpx.InputError, match=r"clip=\(1.0, 2.0\) has 2 numbers for 3 layers"):
        privacy.clipped_sum(traced()[-1], (1.0, 2.0))


def test_a_forward_pass_has_nothing_to_clip():
    net, x, _, _ = traced()
    with pytest.raises(bpx.InputError, match="has no deltas"):
        privacy.clip_factors(net.forward(x), 1.0)


def test_the_boundary_is_that_of_backprop():
    net, x, y, _ = traced()
    with pytest.raises(bpx.InputError, match="one sample per row"):
        privacy.clipped_backprop(net.spec, net.parameters, x[:, :2], y, 1.0)
    with pytest.raises(bpx.MixedArraysError):
        privacy.clipped_backprop(net.spec, net.parameters, x.astype("float32"), y, 1.0)
