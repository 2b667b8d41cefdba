"""Other rules than BP2: against the book's columns, PyTorch's autograd, and their promises."""

from math import sqrt

import numpy as np
import pytest

import bpx
from bpx.feedback import FEEDBACKS, Feedback, kp
from bpx.model.initial import draw_feedback
from tests.backends import host
from tests.feedbacks import DIRECT, every_rule, halved, network, normal, train
from tests.peers import close, random_network, random_samples, torch_functions
from tests.test_random import reference

# The book's column vectors, one sample at a time, each rule written out.


def scale(matrix):
    return sqrt(2.0 / sum(matrix.shape))


def redrawn(B, shape):
    """What `brsf` draws, by the generator in Python's whole numbers."""
    count, (*key, step) = shape[0] * shape[1], (int(each) & (2**32 - 1) for each in B)
    words = [word for i in range((count + 1) // 2) for word in reference(key, (i, step))]
    numbers = np.array([word >> 8 for word in words[:count]]) / 2.0**24
    return numbers.reshape(shape)


COLUMNS = {
    "transpose": lambda w, B, delta: w[0].T @ delta[0],
    "fa": lambda w, B, delta: B.T @ delta[0],
    "dfa": lambda w, B, delta: B.T @ delta[-1],
    "usf": lambda w, B, delta: scale(w[0]) * np.sign(w[0]).T @ delta[0],
    "brsf": lambda w, B, delta: (
        sqrt(3) * scale(w[0]) * (redrawn(B, w[0].shape) * np.sign(w[0])).T @ delta[0]
    ),
    "frsf": lambda w, B, delta: (B * np.sign(w[0])).T @ delta[0],
    "kp": lambda w, B, delta: B.T @ delta[0],
}


def columns(net, x, label):
    """Each layer's delta of one sample: tanh, then softmax with cross-entropy."""
    (w, b), feedback = (
        [[host(each) for each in g] for g in (net.weights, net.biases)],
        net.feedback,
    )
    a = [x]
    for w_l, b_l in zip(w, b, strict=True):
        z = w_l @ a[-1] + b_l
        a.append(np.tanh(z))
    exponentials = np.exp(z - z.max())
    delta = [exponentials / exponentials.sum() - np.eye(len(z))[label]]
    for i in reversed(range(len(w) - 1)):
        B = host(feedback[i]) if feedback else None
        sent = COLUMNS[net.spec.feedback.name](w[i + 1 :], B, delta)
        delta.insert(0, sent * (1.0 - a[i + 1] ** 2))
    return delta


@every_rule
def test_deltas_against_the_books_columns(rule):
    net = network(rule)
    x, y = random_samples(net)
    found = [columns(net, *sample) for sample in zip(x, y, strict=True)]
    trace = net.backprop(x, y)
    for delta, expected in zip(trace.delta, zip(*found, strict=True), strict=True):
        close(delta, np.array(expected), 1e-13)
    expected = sum(np.outer(d[0], each) for d, each in zip(found, x, strict=True)) / len(x)
    close(trace.gradients.w[0], expected, 1e-13)


def test_a_rule_differs_from_backpropagation():
    x, y = random_samples(network("fa"))
    first = {rule: host(network(rule).backprop(x, y).delta[0]) for rule in FEEDBACKS}
    names = list(first)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if {one, other} != {"fa", "kp"}:  # alike until the first step
                assert np.abs(first[one] - first[other]).max() > 1e-3, (one, other)


# PyTorch's autograd, taught to send the errors back otherwise.


class TorchTwin:
    def __init__(self, net):
        self.torch = torch_functions()
        tensors = [
            [self.torch.from_numpy(host(each)) for each in g] for g in (net.weights, net.biases)
        ]
        self.w, self.b = [[each.requires_grad_() for each in group] for group in tensors]
        self.B = [self.torch.from_numpy(host(each)) for each in net.feedback]

    def cost(self, z, y):
        y = self.torch.from_numpy(y).long()
        return self.torch.nn.functional.cross_entropy(z, y)

    def gradients(self):
        return [each.grad.numpy() for each in self.w]


def test_fa_against_an_autograd_function():
    net = network("fa")
    (x, y), twin = random_samples(net), TorchTwin(net)

    class Affine(twin.torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, w, b, B):
            ctx.save_for_backward(a, B)
            return a @ w.T + b

        @staticmethod
        def backward(ctx, g):
            a, B = ctx.saved_tensors
            return g @ B, g.T @ a, g.sum(0), None

    z = twin.torch.from_numpy(x) @ twin.w[0].T + twin.b[0]
    for w, b, B in zip(twin.w[1:], twin.b[1:], twin.B, strict=True):
        z = Affine.apply(twin.torch.tanh(z), w, b, B)
    twin.cost(z, y).backward()
    for found, expected in zip(net.backprop(x, y).gradients.w, twin.gradients(), strict=True):
        close(found, expected, 1e-12)


def test_dfa_against_autograd_in_pieces():
    """Each layer is cut off from the next, and given the output's error by hand."""
    net = network("dfa")
    (x, y), twin = random_samples(net), TorchTwin(net)
    a, hidden = twin.torch.from_numpy(x), []
    for w, b in zip(twin.w[:-1], twin.b[:-1], strict=True):
        hidden.append(twin.torch.tanh(a @ w.T + b))
        a = hidden[-1].detach()
    z = a @ twin.w[-1].T + twin.b[-1]
    z.retain_grad()
    twin.cost(z, y).backward()
    for each, B in zip(hidden, twin.B, strict=True):
        each.backward(z.grad @ B)
    for found, expected in zip(net.backprop(x, y).gradients.w, twin.gradients(), strict=True):
        close(found, expected, 1e-12)


# What the rules promise.


def test_with_one_hidden_layer_fa_is_dfa():
    x, y = random_samples(network("fa", [5, 6, 3]))
    fa, dfa = (network(rule, [5, 6, 3]) for rule in ("fa", "dfa"))
    for one, other in zip(*(net.backprop(x, y).delta for net in (fa, dfa)), strict=True):
        np.testing.assert_array_equal(one, other)


@every_rule
def test_the_first_weights_are_those_of_backpropagation(rule):
    for one, other in zip(network(rule).weights, network("transpose").weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rule", ["fa", "dfa", "usf", "brsf", "frsf", "kp"])
def test_every_matrix_has_the_scale_of_a_glorot_matrix(rule):
    net = network(rule, [2, 300, 200, 100])
    drawn = net.feedback or (None, None)
    for i, B in enumerate(drawn):
        w = net.weights[i + 1 :]
        matrix = host(net.spec.feedback.matrix(w, B))
        assert matrix.shape == ((100, w[0].shape[1]) if rule == "dfa" else w[0].shape)
        assert np.mean(matrix**2) == pytest.approx(2.0 / sum(matrix.shape), rel=0.05)


@pytest.mark.parametrize("rule", ["usf", "brsf", "frsf"])
def test_signs_are_those_of_the_weights(rule):
    net = network(rule)
    for i, w in enumerate(net.weights[1:]):
        B = net.feedback[i] if net.feedback else None
        matrix = net.spec.feedback.matrix(net.weights[i + 1 :], B)
        np.testing.assert_array_equal(np.sign(matrix), np.sign(w))


def test_brsf_draws_anew_at_each_step():
    net = network("brsf")
    before = [host(each) for each in net.feedback]
    train(net, epochs=3, batch_size=7)
    for old, new in zip(before, net.feedback, strict=True):
        np.testing.assert_array_equal(new[:2], old[:2])
        assert (old[2], new[2]) == (0, 3 * 6)
    sent = net.spec.feedback.matrix
    w = net.weights[1:]
    assert np.mean(sent(w, before[0]) != sent(w, net.feedback[0])) > 0.9


def test_fixed_matrices_stay():
    for rule in ("fa", "dfa", "frsf"):
        net = network(rule)
        before = [host(each) for each in net.feedback]
        train(net)
        for old, new in zip(before, net.feedback, strict=True):
            np.testing.assert_array_equal(old, new)


def test_kolen_pollack_shrinks_the_difference_by_the_decay_alone():
    net, eta, lmbda, n, steps = network("kp"), 0.1, 20.0, 40, 12
    start = [w - B for w, B in zip(net.weights[1:], net.feedback, strict=True)]
    train(net, bpx.SGD(eta), n, lmbda=lmbda)
    for w, B, before in zip(net.weights[1:], net.feedback, start, strict=True):
        close(w - B, (1.0 - eta * lmbda / n) ** steps * before, 1e-12)


@pytest.mark.parametrize("optimizer", [bpx.SGD(0.5), bpx.SGD(0.1, 0.9), bpx.Adam(0.05)])
def test_kolen_pollack_comes_to_the_transpose(optimizer):
    net = network("kp")
    train(net, optimizer, lmbda=1.0, epochs=200)
    for w, B in zip(net.weights[1:], net.feedback, strict=True):
        assert np.linalg.norm(w) > 0.1
        assert np.linalg.norm(w - B) < 1e-3 * np.linalg.norm(w)


def test_kolen_pollack_without_decay_keeps_the_difference():
    net = network("kp")
    before = [w - B for w, B in zip(net.weights[1:], net.feedback, strict=True)]
    train(net, bpx.Adam(0.01))
    assert not np.allclose(net.feedback[0], network("kp").feedback[0])
    for w, B, old in zip(net.weights[1:], net.feedback, before, strict=True):
        close(w - B, old, 1e-12)


# Rules of one's own.


def test_a_function_is_a_rule(target):
    net = network(halved, target=target)
    assert (net.spec.feedback.name, net.feedback) == ("halved", ())
    x, y = random_samples(net)
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    delta, true = net.backprop(x, y).delta, network("transpose", target=target).backprop(x, y)
    close(delta[1], 0.5 * host(true.delta[1]), 1e-13)
    close(delta[0], 0.25 * host(true.delta[0]), 1e-13)
    train(net, compile=target.value.compile)


def test_a_rule_of_ones_own_can_be_direct_and_draw():
    x, y = random_samples(network("dfa"))
    own, dfa = (network(rule).backprop(x, y).delta for rule in (DIRECT, "dfa"))
    for one, other in zip(own, dfa, strict=True):
        close(one, other, 1e-14)


# What is refused.


@pytest.mark.parametrize("given", ["dfA2", None, 3])
def test_an_unknown_rule_is_refused(given):
    with pytest.raises(bpx.InputError, match=r"no feedback .*known: transpose, fa, dfa"):
        network(given)
    with pytest.raises(bpx.InputError, match="did you mean 'brsf'"):
        network("brfs")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "'odd' was given no function; expected one of matrix, send and local, or grad"),
        (
            {"matrix": kp.matrix, "send": halved},
            "'odd' was given matrix and send; expected one",
        ),
        ({"send": halved, "local": halved, "gradients": halved}, "was given send and local"),
        ({"send": halved, "direct": True}, "direct=True; it needs matrix, or draw and"),
        ({"gradients": halved, "draw": normal, "direct": True}, "direct=True; it needs matrix"),
        ({"send": halved, "draw": normal, "redrawn": True}, "draw and redrawn; expected one"),
        ({"matrix": kp.matrix, "learns": True}, "learns=True; it needs matrix and draw"),
        ({"send": halved, "draw": normal, "learns": True}, "learns=True; it needs matrix"),
        ({"matrix": kp.matrix, "draw": normal, "direct": True, "learns": True}, "direct=False"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(parts, said):
    with pytest.raises(bpx.InputError, match=said):
        Feedback("odd", **parts)


def test_arrays_that_do_not_fit_are_refused():
    net = network("fa")
    x, y = random_samples(net)
    given = net.spec, net.parameters, x, y
    expected = r"\[\] were given.*with the feedback 'fa' has \[\(4, 6\), \(3, 4\)\]: pass"
    with pytest.raises(bpx.InputError, match=expected):
        bpx.backprop(*given)
    with pytest.raises(bpx.InputError, match=r"has \[\(4, 6\), \(3, 4\)\]"):
        bpx.backprop(*given, feedback=(net.feedback[0], net.feedback[0]))
    with pytest.raises(bpx.InputError, match=r"'transpose' has \[\]"):
        bpx.backprop(net.spec.by_transpose(), *given[1:], feedback=net.feedback)
    with pytest.raises(bpx.InputError, match="feedback arrays of shapes"):
        net.feedback = net.feedback[:1]
    with pytest.raises(bpx.MixedArraysError, match="feedback is numpy float32"):
        bpx.backprop(*given, feedback=tuple(B.astype("float32") for B in net.feedback))


def test_what_is_drawn_depends_on_the_seed_and_the_layer_alone():
    small, large = draw_feedback(network("fa").spec, 7), draw_feedback(network("fa").spec, 8)
    assert not np.array_equal(small[0], large[0])
    keys = draw_feedback(network("brsf").spec, 7)
    assert not np.array_equal(keys[0], keys[1])
    assert [k.dtype.name for k in keys] == ["int32", "int32"]


def test_softmax_in_a_hidden_layer_pulls_back_what_is_sent():
    net = random_network([5, 4, 3], hidden="softmax")
    x, y = random_samples(net)
    other = bpx.Network.from_arrays(
        network("fa", [5, 4, 3], hidden="softmax").spec,
        net.parameters,
        net.home,
        feedback=[net.weights[1]],
    )
    close(other.backprop(x, y).delta[0], net.backprop(x, y).delta[0], 1e-13)
