"""Gradients and Jacobians by the inputs: against differences, the weights, and each other."""

from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx.inspect import input_gradient_product, input_gradients, input_jacobian
from tests.doubling import Double, between
from tests.feedbacks import OJA
from tests.peers import close, random_network, random_samples

H = 1e-5


class Coupled(Double):
    """Says that its samples act on one another."""

    couples_samples = True


NETWORKS = {
    "softmax": ([5, 6, 4, 3], "tanh", "softmax", "cross_entropy"),
    "binary": ([4, 6, 1], "softplus", "sigmoid", "cross_entropy"),
    "regression": ([3, 5, 4, 2], "silu", "identity", "quadratic"),
    "coupled": ([4, 5, 3], "softmax", "softmax", "quadratic"),
    "one_layer": ([4, 3], "tanh", "softmax", "cross_entropy"),
}
each_network = pytest.mark.parametrize("name", NETWORKS)


def given(name="softmax", **settings):
    net = random_network(*NETWORKS[name], **settings)
    return net, *random_samples(net)


def by_differences(function, x):
    """d function(x)[s] / d x[s, k], sample by sample: the axis of k is the last."""
    columns = []
    for k in range(x.shape[1]):
        step = np.zeros_like(x)
        step[:, k] = H
        columns.append((function(x + step) - function(x - step)) / (2.0 * H))
    return np.stack(columns, axis=-1)


@each_network
def test_gradients_against_differences(name):
    net, x, y = given(name)
    expected = by_differences(lambda x: net.backprop(x, y).cost, x)
    close(input_gradients(net, x, y), expected, 1e-8)


@each_network
@pytest.mark.parametrize("of", ["a", "z"])
def test_jacobians_against_differences(name, of):
    net, x, _ = given(name)
    for layer in range(1, len(net.weights) + 1):
        place = layer if of == "a" else layer - 1
        expected = by_differences(lambda x: getattr(net.forward(x), of)[place], x)  # noqa: B023
        found = input_jacobian(net, x, of=of, layer=layer)
        assert found.shape == (len(x), net.sizes[layer], net.sizes[0])
        close(found, expected, 1e-8)
    np.testing.assert_array_equal(input_jacobian(net, x, of=of), found)


def test_of_a_and_of_the_last_layer_are_the_usual():
    net, x, _ = given()
    np.testing.assert_array_equal(
        input_jacobian(net, x), input_jacobian(net, x, of="a", layer=3)
    )


def test_the_jacobian_of_the_first_z_is_the_weights():
    net, x, _ = given()
    found = input_jacobian(net, x, of="z", layer=1)
    assert (found == net.weights[0]).all()


def test_the_chain_rule_holds():
    net, x, y = given("regression")
    trace = net.backprop(x, y)
    jacobian = input_jacobian(net.spec, net.parameters, trace, of="z")
    close(np.einsum("nj,njk->nk", trace.delta[-1], jacobian), input_gradients(net, x, y))


def test_on_every_backend(target):
    net, x, y = given()
    other = random_network(*NETWORKS["softmax"], target=target)
    close(input_gradients(other, x, y), input_gradients(net, x, y))
    close(input_jacobian(other, x, of="z", layer=2), input_jacobian(net, x, of="z", layer=2))
    u = np.random.default_rng(5).standard_normal(x.shape)
    found = input_gradient_product(other, x, y, target.asarray(u, "float64"))
    for one, expected in zip(found.w, input_gradient_product(net, x, y, u).w, strict=True):
        close(one, expected)


def test_a_layer_between_and_one_below_pass_them_on():
    net = random_network([5, 6, 3])
    x, y = random_samples(net)
    spec, parameters = between(net)
    other = bpx.Network.from_arrays(spec, parameters, net.home)
    expected = by_differences(lambda x: other.backprop(x, y).cost, x)
    close(input_gradients(other, x, y), expected, 1e-8)
    below = bpx.Dropout(5, 0.5)
    spec = replace(net.spec, layers=(below, *net.spec.layers))
    first = bpx.Network.from_arrays(
        spec, bpx.Parameters([(), *net.parameters.layers]), net.home
    )
    np.testing.assert_array_equal(input_gradients(first, x, y), input_gradients(net, x, y))
    np.testing.assert_array_equal(input_jacobian(first, x), input_jacobian(net, x))


@pytest.mark.parametrize("rule", ["fa", "dfa", OJA], ids=str)
def test_they_are_the_costs_whatever_the_feedback(rule):
    net = random_network(*NETWORKS["softmax"])
    spec = bpx.Network([5, 6, 4, 3], feedback=rule, seed=0).spec
    spec = replace(net.spec, feedback=spec.feedback)
    other = bpx.Network.from_arrays(spec, net.parameters, net.home, seed=1)
    x, y = random_samples(net)
    close(input_gradients(other, x, y), input_gradients(net, x, y))
    close(input_jacobian(other, x), input_jacobian(net, x))


@each_network
@pytest.mark.parametrize("weighted", [False, True])
def test_the_product_is_the_gradient_of_the_gradient(name, weighted):
    """Against differences of BP3 and BP4, as each sample moves along its own direction."""
    net, x, y = given(name)
    rng = np.random.default_rng(3)
    u, r = rng.standard_normal(x.shape), rng.uniform(size=(len(x), 1)) if weighted else None
    up, down = (net.backprop(x + t * u, y, r=r).gradients for t in (H, -H))
    found = input_gradient_product(net, x, y, u, r=r)
    for field in ("w", "b"):
        pairs = zip(*(getattr(each, field) for each in (found, up, down)), strict=True)
        for one, after, before in pairs:
            close(one, (after - before) / (2.0 * H), 1e-7)


def test_the_product_is_the_gradient_of_a_cost_of_derivatives():
    """(1/2n) sum_x ‖dC_x/dx − t_x‖², by differences of one weight at a time."""
    net, x, y = given("regression")
    t = np.random.default_rng(2).standard_normal(x.shape)

    def cost():
        return ((input_gradients(net, x, y) - t) ** 2).sum() / (2.0 * len(x))

    found = input_gradient_product(net, x, y, input_gradients(net, x, y) - t)
    for layer, place in ((0, (1, 2)), (1, (3, 0)), (2, (1, 1))):
        values = []
        for step in (H, -2.0 * H):
            weights = [w.copy() for w in net.weights]
            weights[layer][place] += step
            net.parameters = weights, net.biases
            values.append(cost())
        weights[layer][place] += H
        net.parameters = weights, net.biases
        close(found.w[layer][place], (values[0] - values[1]) / (2.0 * H), 1e-7)


def test_what_cannot_be_used_is_refused():
    net, x, y = given()
    trace, args = net.backprop(x, y), (net.spec, net.parameters)
    with pytest.raises(bpx.InputError, match="of='delta' was given; expected 'a' or 'z'"):
        input_jacobian(net, x, of="delta")
    for layer in (0, 4, -1):
        said = f"layer={layer} was given; expected the number of a Dense layer, 1 to 3"
        with pytest.raises(bpx.InputError, match=said):
            input_jacobian(net, x, layer=layer)
    with pytest.raises(bpx.InputError, match="no deltas"):
        input_gradients(*args, net.forward(x))
    with pytest.raises(bpx.InputError, match="widths"):
        input_gradients(*args, given("regression")[0].backprop(x[:, :3], x[:, :2]))
    with pytest.raises(bpx.InputError, match=r"u has shape \(7, 4\); expected \(7, 5\)"):
        input_gradient_product(net, x, y, x[:, :4])
    with pytest.raises(bpx.MixedArraysError, match="u is numpy float32"):
        input_gradient_product(net, x, y, x.astype("float32"))
    single = bpx.Network(net.sizes, seed=0)
    with pytest.raises(bpx.MixedArraysError, match=r"trace\.a\[0\]"):
        input_gradients(single.spec, single.parameters, trace)
    rule = bpx.Network([5, 6, 4, 3], feedback="fa", seed=0, dtype="float64")
    with pytest.raises(bpx.InputError, match="the inputs' gradient needs the transpose"):
        input_gradient_product(rule, x, y, x)
    bare = bpx.Elementwise("bare", np.tanh, lambda z, a: 1.0 - a * a)
    without = bpx.Network([5, 6, 3], hidden=bare, seed=0, dtype="float64")
    with pytest.raises(
        bpx.InputError, match="derivative of the inputs' gradient cannot be comp"
    ):
        input_gradient_product(without, x, y, x)


def test_samples_that_act_on_one_another_have_no_gradients_of_their_own():
    net = random_network([5, 6, 3])
    x, y = random_samples(net)
    spec, parameters = between(net)
    first, middle, last = spec.layers
    coupled = replace(spec, layers=(first, Coupled(middle.n_in, middle.n_out), last))
    other = bpx.Network.from_arrays(coupled, parameters, net.home)
    trace = other.backprop(x, y)
    with pytest.raises(bpx.InputError, match="couples the samples"):
        other.input_gradients(x, y)
    for function in (input_gradients, input_jacobian):
        with pytest.raises(bpx.InputError, match=r"couples the samples|couples samples"):
            function(coupled, parameters, trace)


def test_the_networks_own_are_the_costs_as_well():
    net = random_network([5, 6, 4, 3])
    spec = replace(net.spec, feedback=bpx.feedback.fa)
    other = bpx.Network.from_arrays(spec, net.parameters, net.home, seed=1)
    x, y = random_samples(net)
    close(other.input_gradients(x, y), net.input_gradients(x, y))


def test_arrays_stay_at_home(target):
    net = random_network(*NETWORKS["softmax"], target=target)
    x, y = random_samples(net)
    found = input_gradients(net, x, y)
    assert type(found) is type(net.weights[0])
    assert found.dtype == net.weights[0].dtype
    assert tuple(found.shape) == x.shape
