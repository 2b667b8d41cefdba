"""Angles and ratios against NumPy, on every backend, and as a network trains."""

import numpy as np
import pytest

import bpx
from bpx.inspect import gradient_alignment, matrix_alignment
from tests.backends import assert_at_home, host
from tests.peers import close, random_network, random_samples
from tests.test_feedback import DIRECT, halved, network

RULES = [name for name in bpx.feedback.FEEDBACKS if name != "transpose"]


def aligned(given, true):
    """The angle in degrees, by the arc cosine, and the ratio of the norms."""
    norms = np.linalg.norm(given), np.linalg.norm(true)
    return np.degrees(np.arccos(given @ true / norms[0] / norms[1])), norms[0] / norms[1]


def by_layer(gradients):
    return [np.concatenate([host(w).reshape(-1), host(b)]) for w, b in gradients.layers]


def plain(net):
    """The same network by backpropagation."""
    return bpx.Network.from_arrays(net.spec.by_transpose(), net.parameters, net.home)


@pytest.mark.parametrize("rule", [*RULES, DIRECT])
def test_gradients_against_numpy(rule):
    net = network(rule)
    x, y = random_samples(net)
    trace = net.backprop(x, y)
    found = gradient_alignment(net.spec, net.parameters, trace)
    layers = zip(
        *(by_layer(n.backprop(x, y).gradients) for n in (net, plain(net))), strict=True
    )
    angles, ratios = zip(*(aligned(*layer) for layer in layers), strict=True)
    close(found.angle[:-1], angles[:-1])
    close(found.ratio, ratios)
    assert (found.angle[-1], found.ratio[-1]) == (0.0, 1.0)
    assert min(angles[:-1]) > 1.0


def test_a_rule_that_halves_turns_nothing():
    net = network(halved)
    trace = net.backprop(*random_samples(net))
    found = gradient_alignment(net.spec, net.parameters, trace)
    np.testing.assert_allclose(found.angle, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.ratio, [0.25, 0.5, 1.0], rtol=1e-12)


def test_row_weights_have_no_part():
    net = network("fa")
    x, y = random_samples(net)
    weights = np.linspace(0.0, 1.0, len(x))[:, None]
    given = net.spec, net.parameters
    one, other = (gradient_alignment(*given, net.backprop(x, y, r=r)) for r in (None, weights))
    np.testing.assert_array_equal(one.angle, other.angle)


@pytest.mark.parametrize("rule", ["fa", "usf", "brsf", "frsf", "kp"])
def test_matrices_against_numpy(rule):
    net = network(rule)
    found = matrix_alignment(net.spec, net.parameters, net.feedback)
    drawn = net.feedback or (None, None)
    for i, w in enumerate(net.weights[1:]):
        matrix = net.spec.feedback.matrix(net.weights[i + 1 :], drawn[i])
        angle, ratio = aligned(matrix.reshape(-1), w.reshape(-1))
        close(found.angle[i], angle)
        close(found.ratio[i], ratio)


def test_a_direct_matrix_is_held_against_the_product_of_the_weights():
    net = network("dfa", [5, 6, 4, 7, 3])
    found = matrix_alignment(net.spec, net.parameters, net.feedback)
    w = net.weights
    products = [w[3] @ w[2] @ w[1], w[3] @ w[2], w[3]]
    for i, (B, product) in enumerate(zip(net.feedback, products, strict=True)):
        angle, ratio = aligned(B.reshape(-1), product.reshape(-1))
        close(found.angle[i], angle)
        close(found.ratio[i], ratio)


def test_backpropagation_is_aligned_with_itself():
    net = network("transpose")
    trace = net.backprop(*random_samples(net))
    for found in (
        gradient_alignment(net.spec, net.parameters, trace),
        matrix_alignment(net.spec, net.parameters),
    ):
        assert host(found.angle).tolist() == [0.0] * len(found.angle)
        assert host(found.ratio).tolist() == [1.0] * len(found.ratio)


@pytest.mark.parametrize("rule", ["dfa", "brsf"])
def test_on_every_backend(target, rule):
    net, there = network(rule, target=target), network(rule)
    x, y = random_samples(net)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    found = (
        *gradient_alignment(net.spec, net.parameters, trace),
        *matrix_alignment(net.spec, net.parameters, net.feedback),
    )
    expected = (
        *gradient_alignment(there.spec, there.parameters, there.backprop(x, y)),
        *matrix_alignment(there.spec, there.parameters, there.feedback),
    )
    for one, other in zip(found, expected, strict=True):
        assert_at_home(one, net)
        np.testing.assert_allclose(host(one), host(other), rtol=1e-9, atol=1e-12)


def test_small_angles_are_exact():
    """Where an arc cosine would show 0, or 0.02 degrees in float32."""
    net = network("fa")
    turn = np.array([[1.0, -1e-5], [1e-5, 1.0]])
    w = net.weights
    net.feedback = [w[1], w[2] @ np.block([[turn, np.zeros((2, 2))], [np.zeros((2, 2)), turn]])]
    found = matrix_alignment(net.spec, net.parameters, net.feedback)
    assert found.angle[1] == pytest.approx(np.degrees(1e-5), rel=1e-8)
    net.to(dtype="float32")
    found = matrix_alignment(net.spec, net.parameters, net.feedback)
    assert found.angle[1] == pytest.approx(np.degrees(1e-5), rel=0.02)


def test_vanishing_gradients_have_an_angle():
    """Their squares are 0 in float32."""
    net = network("fa", cost="quadratic", output="identity", hidden="identity")
    net.feedback = [1e-25 * B for B in net.feedback]
    x, y = random_samples(net, labels=False)
    wide = gradient_alignment(net.spec, net.parameters, net.backprop(x, y))
    net.to(dtype="float32")
    trace = net.backprop(x.astype("float32"), y.astype("float32"))
    narrow = gradient_alignment(net.spec, net.parameters, trace)
    np.testing.assert_allclose(narrow.angle[1], wide.angle[1], rtol=1e-5)
    np.testing.assert_allclose(narrow.ratio[1], wide.ratio[1], rtol=1e-5)


def test_what_is_zero_has_no_angle():
    net = network("fa")
    x, y = random_samples(net)
    net.feedback = [0.0 * B for B in net.feedback]
    found = gradient_alignment(net.spec, net.parameters, net.backprop(x, y))
    assert np.isnan(found.angle).tolist() == [True, True, False]
    assert host(found.ratio).tolist() == [0.0, 0.0, 1.0]
    net = network("fa")
    net.parameters = [w if i < 2 else 0.0 * w for i, w in enumerate(net.weights)], net.biases
    found = gradient_alignment(net.spec, net.parameters, net.backprop(x, y))
    assert np.isnan(found.angle).tolist() == [True, True, False]
    assert np.isnan(found.ratio).tolist() == [True, True, False]


def test_the_angle_falls_below_90_degrees_as_a_network_trains():
    digits = bpx.data.load("digits")
    for rule in ("fa", "dfa"):
        net = bpx.Network(
            [64, 50, 50, 10],
            hidden="tanh",
            output="softmax",
            cost="cross_entropy",
            feedback=rule,
            seed=0,
        )
        x, y = bpx.move_to(*digits.test, like=net.weights[0])
        angles = [gradient_alignment(net.spec, net.parameters, net.backprop(x, y)).angle]
        for _ in bpx.train(
            net, digits.train, epochs=3, batch_size=16, optimizer=bpx.SGD(0.1), seed=0
        ):
            trace = net.backprop(x, y)
            angles.append(gradient_alignment(net.spec, net.parameters, trace).angle)
        assert np.all(angles[0][:-1] > 75.0)
        assert np.all(angles[-1][:-1] < 70.0)


def test_what_has_no_matrix_is_refused():
    net = network(halved)
    said = r"layer 1 gets its error by 'halved', a function without a matrix .* with w\^2"
    with pytest.raises(bpx.InputError, match=said):
        matrix_alignment(net.spec, net.parameters)
    net = network("fa", [5, 3])
    with pytest.raises(bpx.InputError, match="one layer, to which nothing is sent back"):
        matrix_alignment(net.spec, net.parameters)


def test_what_does_not_fit_is_refused():
    net = network("fa")
    with pytest.raises(bpx.InputError, match=r"feedback arrays of shapes \[\]"):
        matrix_alignment(net.spec, net.parameters)
    x, _ = random_samples(net)
    with pytest.raises(bpx.InputError, match="has no deltas"):
        gradient_alignment(net.spec, net.parameters, net.forward(x))


def test_a_random_network_of_other_weights():
    """Weights of about 1, as of no initializer."""
    base = random_network([4, 5, 3])
    spec = network("fa", [4, 5, 3]).spec
    B = np.random.default_rng(3).standard_normal((3, 5))
    net = bpx.Network.from_arrays(spec, base.parameters, base.home, feedback=[B])
    x, y = random_samples(net)
    found = gradient_alignment(spec, net.parameters, net.backprop(x, y))
    one, true = (by_layer(each.backprop(x, y).gradients)[0] for each in (net, base))
    angle, ratio = aligned(one, true)
    close(found.angle[0], angle)
    close(found.ratio[0], ratio)
