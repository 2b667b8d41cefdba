"""What curvature cannot be computed of is refused before any work, naming the layer."""

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.interop import spectrum
from bpx.program.contract import leaves
from tests.extending.rms_norm import RMSNorm
from tests.inspect.curvature.test_products import PRODUCTS, direction, given
from tests.peers import random_samples

each_product = pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)


def by_transpose(net, spec):
    """Everything that asks for the transpose, of one network."""
    x, y = random_samples(net)
    feedback = net.feedback if spec is net.spec else ()
    trace = bpx.backprop(spec, net.parameters, x, y, feedback=feedback)
    args = spec, net.parameters, trace, y
    for product in PRODUCTS.values():
        yield lambda product=product: product(*args, direction(net)[0])
    yield lambda: inspect.ggn_diagonal(*args)
    yield lambda: inspect.ggn_diagonal(*args, samples=1)
    for kind in ("exact", "monte_carlo", "empirical"):
        yield lambda kind=kind: inspect.kfac(*args, kind=kind)


def test_errors_that_are_not_sent_back_by_the_transpose():
    """The curvature is the cost's: of the same network with BP2 as it is."""
    net = bpx.Network([3, 4, 2], feedback="fa", seed=0, dtype="float64")
    for compute in by_transpose(net, net.spec):
        with pytest.raises(bpx.InputError, match=r"layer 1 gets its error by 'fa', but the"):
            compute()
    for compute in by_transpose(net, net.spec.by_transpose()):
        compute()
    with pytest.raises(bpx.InputError, match=r"layer 1 gets its error by 'fa', but curva"):
        spectrum.curvature_operator(net, *random_samples(net))
    there = bpx.Network.from_arrays(net.spec.by_transpose(), net.parameters, net.home)
    spectrum.curvature_operator(there, *random_samples(net))


def own():
    """A network whose middle layer has an activation of one's own."""
    sigma = bpx.Elementwise("mish", np.tanh, lambda z, a: 1.0 - a * a)
    net = bpx.Network(
        [3, 4, 4, 2],
        activations=["tanh", sigma, "softmax"],
        cost="cross_entropy",
        seed=0,
        dtype="float64",
    )
    x, y = random_samples(net)
    return net, (net.spec, net.parameters, net.backprop(x, y), y)


def test_an_activation_without_a_second_derivative():
    net, args = own()
    v, _ = direction(net)
    message = "the Hessian cannot be computed: in layer 2 the activation 'mish' was made with"
    with pytest.raises(bpx.InputError, match=message + r"out sigma_second.*; give it one"):
        inspect.hessian_vector_product(*args, v)
    inspect.ggn_vector_product(*args, v)


def test_a_coupled_activation_without_push_or_bend():
    softmax = bpx.activations.softmax
    for parts, product, lack in (
        ({}, inspect.ggn_vector_product, "push"),
        ({"push": softmax.push}, inspect.hessian_vector_product, "bend"),
    ):
        coupled = bpx.Rowwise("coupled", softmax.sigma, softmax.pull, **parts)
        net = bpx.Network([3, 4, 2], hidden=coupled, seed=0, dtype="float64")
        x, y = random_samples(net)
        args = net.spec, net.parameters, net.backprop(x, y), y
        match = f"in layer 1 the activation 'coupled' was made without {lack}"
        with pytest.raises(bpx.InputError, match=match):
            product(*args, direction(net)[0])


def test_a_cost_without_a_second_derivative():
    plain = bpx.Cost("plain", bpx.costs.quadratic.value, bpx.costs.quadratic.grad_a)
    net = bpx.Network([3, 4, 2], cost=plain, seed=0, dtype="float64")
    x, y = random_samples(net)
    args = net.spec, net.parameters, net.backprop(x, y), y
    for product in (inspect.hessian_vector_product, inspect.ggn_vector_product):
        with pytest.raises(bpx.InputError, match=r"in layer 2 the cost 'plain' was made witho"):
            product(*args, direction(net)[0])


@each_product
def test_refusals_of_a_direction(product):
    net, _, _, args = given()
    (w, b), _ = direction(net)
    with pytest.raises(bpx.InputError, match=r"v is tuple \[2, 3\]; expected .* of 3 arrays"):
        product(*args, (w[:2], b))
    with pytest.raises(bpx.InputError, match=r"v is ndarray; expected a direction"):
        product(*args, w[0])
    with pytest.raises(bpx.InputError, match=r"v's w of layer 1 has shape \(5, 6\); expected"):
        product(*args, ((w[0].T, *w[1:]), b))
    with pytest.raises(bpx.MixedArraysError, match=r"v\.b\[1\] is a builtins\.list"):
        product(*args, (w, (b[0], [1.0] * 4, b[2])))


@pytest.mark.parametrize(
    "layer", [bpx.Dropout(4, 0.5), RMSNorm(4), bpx.LayerNorm(4)], ids=lambda e: e.kind
)
def test_a_direction_in_a_network_of_other_layers(layer):
    """A pair (w, b) is refused with what is taken: which is tried here."""
    layers = [bpx.Dense(3, 4, "tanh"), layer, bpx.Dense(4, 2, "softmax")]
    net = bpx.Network(layers, cost="cross_entropy", seed=0, dtype="float64")
    x, y = random_samples(net)
    trace = net.backprop(x, y)
    args = net.spec, net.parameters, trace, y
    advice = (
        r"gradients or bpx\.optim\.mapped\(xp\.ones_like, net\.parameters\), bpx\.Parameters"
    )
    own = bpx.optim.mapped(np.ones_like, net.parameters)
    elsewhere = bpx.Parameters(net.parameters.layers[i] for i in (0, 2, 1))
    for product in PRODUCTS.values():
        for v in ((net.weights, net.biases), elsewhere, bpx.Parameters(own.layers[:2])):
            with pytest.raises(bpx.InputError, match=f"{advice}.* and layer 2 is not one"):
                product(*args, v)
        found = product(*args, own)
        assert [g.shape for g in leaves(found)] == [p.shape for p in leaves(net.parameters)]
    with pytest.raises(bpx.InputError, match=advice):
        inspect.empirical_fisher_vector_product(trace, (net.weights, net.biases))
    inspect.empirical_fisher_vector_product(trace, own)


def test_float64_of_a_network_in_float32():
    net = bpx.Network([3, 4, 2], seed=0)
    x, y = np.ones((5, 3), np.float32), np.zeros(5, np.int32)
    trace = net.backprop(x, y)
    w, b = net.weights, net.biases
    v = w, (b[0], b[1].astype(np.float64))
    message = r"v's b of layer 2 is float64, but layer 2 .* is float32: curvature is no more ex"
    with pytest.raises(bpx.MixedArraysError, match=message):
        inspect.hessian_vector_product(net.spec, net.parameters, trace, y, v)
    with pytest.raises(bpx.MixedArraysError, match=message):
        inspect.empirical_fisher_vector_product(trace, v)
    with pytest.raises(bpx.MixedArraysError, match=r"v\.b\[1\] is numpy int64"):
        inspect.empirical_fisher_vector_product(trace, (w, (b[0], b[1].astype(np.int64))))


def test_arrays_of_another_library():
    torch = pytest.importorskip("torch", reason="the other library is PyTorch")
    net, _, _, args = given()
    (w, b), _ = direction(net)
    with pytest.raises(bpx.MixedArraysError, match=r"v\.w\[2\] is torch float64"):
        inspect.ggn_vector_product(*args, ((*w[:2], torch.from_numpy(w[2])), b))
