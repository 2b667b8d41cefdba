"""Products with the Hessian and its kin against torch.func, and with each other."""

from functools import partial

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.inspect import unflatten
from bpx.program.contract import leaves
from tests.backends import host
from tests.peers import Twin, close, flat, random_network, random_samples

NETWORKS = {
    "softmax": ([5, 6, 4, 3], "tanh", "softmax", "cross_entropy"),
    "sigmoid": ([4, 7, 3], "gelu_tanh", "sigmoid", "cross_entropy"),
    "binary": ([4, 6, 1], "softplus", "sigmoid", "cross_entropy"),
    "book": ([4, 5, 3], "sigmoid", "sigmoid", "quadratic"),
    "squashed": ([4, 5, 3], "relu", "softmax", "quadratic"),
    "regression": ([3, 5, 4, 2], "silu", "identity", "quadratic"),
    "one_layer": ([4, 3], "tanh", "softmax", "cross_entropy"),
    "coupled": ([4, 5, 3], "softmax", "softmax", "cross_entropy"),
    "straight": ([4, 6, 5, 3], "relu", "softmax", "cross_entropy"),
    "leaky": ([4, 6, 3], "leaky_relu", "softmax", "cross_entropy"),
    "elu": ([4, 6, 3], "elu", "softmax", "cross_entropy"),
}
each_network = pytest.mark.parametrize("name", NETWORKS)
PRODUCTS = {
    "hessian": inspect.hessian_vector_product,
    "ggn": inspect.ggn_vector_product,
    "fisher": inspect.fisher_vector_product,
}


def given(name="softmax", *, target=None, **settings):
    """What the functions take, and the samples: on numpy, or on a target."""
    net = random_network(*NETWORKS[name], target=target)
    x, y = random_samples(net, **settings)
    if target:
        x = target.asarray(x, "float64")
        y = target.asarray(y, "int32" if y.dtype == np.int32 else "float64")
    trace = net.backprop(x, y)
    return net, x, y, (net.spec, net.parameters, trace, y)


def direction(net, seed=4):
    """Numbers like the parameters, and the same as one vector."""
    rng = np.random.default_rng(seed)
    vector = rng.standard_normal(
        sum(host(p).size for group in (net.weights, net.biases) for p in group)
    )
    bring = net.home.asarray
    parts = unflatten(vector, [[host(p) for p in group] for group in (net.weights, net.biases)])
    return (tuple(map(bring, parts.w)), tuple(map(bring, parts.b))), vector


@each_network
def test_the_hessian_times_a_vector(name):
    net, x, y, args = given(name)
    v, vector = direction(net)
    found = inspect.hessian_vector_product(*args, v)
    close(flat(found), Twin(net).hessian_vector_product(x, y, vector))


@each_network
def test_the_ggn_times_a_vector(name):
    net, x, y, args = given(name)
    v, vector = direction(net)
    expected = Twin(net).ggn(x, y) @ vector
    close(flat(inspect.ggn_vector_product(*args, v)), expected)
    close(flat(inspect.fisher_vector_product(*args, v)), expected)
    forward = net.spec, net.parameters, net.forward(x), y
    close(flat(inspect.ggn_vector_product(*forward, v)), expected)


@each_network
def test_the_empirical_fisher_times_a_vector(name):
    net, x, y, (*_, trace, _) = given(name)
    v, vector = direction(net)
    gradients = Twin(net).flat_gradients(x, y)
    expected = gradients.T @ (gradients @ vector) / len(x)
    close(flat(inspect.empirical_fisher_vector_product(trace, v)), expected)


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_targets_that_are_numbers(product):
    """Soft targets: for the cross-entropies H does not depend on them, delta does."""
    net, x, y, args = given(labels=False)
    v, vector = direction(net)
    twin = Twin(net)
    matrix = twin.hessian(x, y) if product is PRODUCTS["hessian"] else twin.ggn(x, y)
    close(flat(product(*args, v)), matrix @ vector)


def test_a_cost_and_an_activation_of_ones_own():
    """Cosh after a cubic: by differences of gradients, as no peer knows them."""
    cubic = bpx.Elementwise(
        "cubic", lambda z: z + z**3, lambda z, a: 1.0 + 3.0 * z * z, lambda z, a: 6.0 * z
    )
    cosh = bpx.Cost(
        "cosh",
        lambda a, y: np.cosh(a - y).sum(axis=1),
        lambda a, y: np.sinh(a - y),
        hess_a=lambda a, y, v: np.cosh(a - y) * v,
    )
    net = bpx.Network([3, 4, 2], hidden=cubic, output=cubic, cost=cosh, seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    x, y = 0.3 * rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    v, vector = direction(net)

    def gradient(step):
        moved = unflatten(flat(net.parameters) + step * vector, net.parameters)
        return flat(bpx.backprop(net.spec, moved, x, y).gradients)

    args = net.spec, net.parameters, net.backprop(x, y), y
    found = flat(inspect.hessian_vector_product(*args, v))
    close(found, (gradient(1e-5) - gradient(-1e-5)) / 2e-5, 1e-7)
    with pytest.raises(bpx.InputError, match=r"in layer 2 the cost 'cosh' is not known to be"):
        inspect.fisher_vector_product(*args, v)


@pytest.mark.parametrize("name", ["softmax", "regression"])
def test_the_parts_of_the_hessian(name):
    """At targets that are met, delta^L is 0, and only J^T H J is left."""
    net, x, _, _ = given(name)
    y = net.predict(x)
    args = net.spec, net.parameters, net.backprop(x, y), y
    v, _ = direction(net)
    close(
        flat(inspect.hessian_vector_product(*args, v)),
        flat(inspect.ggn_vector_product(*args, v)),
    )


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_row_weights(product):
    """Weights of 0 and of 1/n: the mean over some of the samples, and a sum of two."""
    net, x, y, args = given()
    v, _ = direction(net)
    r = np.array([[0.25]] * 4 + [[0.0]] * 3)
    some = net.spec, net.parameters, net.backprop(x[:4], y[:4]), y[:4]
    close(flat(product(*args, v, r=r)), flat(product(*some, v)))
    close(flat(product(*args, v, r=1.0)), 7.0 * flat(product(*args, v)))


def test_row_weights_of_the_empirical_fisher():
    net, x, y, (*_, trace, _) = given()
    v, _ = direction(net)
    r = np.array([[0.25]] * 4 + [[0.0]] * 3)
    some = inspect.empirical_fisher_vector_product(net.backprop(x[:4], y[:4]), v)
    close(flat(inspect.empirical_fisher_vector_product(trace, v, r=r)), flat(some))


def test_the_row_weights_of_the_trace_have_no_part_in_it():
    net, x, y, args = given()
    v, _ = direction(net)
    weighted = net.spec, net.parameters, net.backprop(x, y, r=np.arange(7.0)[:, None]), y
    same = [flat(inspect.hessian_vector_product(*each, v)) for each in (args, weighted)]
    assert (same[0] == same[1]).all()


def test_on_every_backend(target):
    net, _, _, args = given(target=target)
    there, _, _, expected = given()
    v, _ = direction(net)
    w, _ = direction(there)
    for product in PRODUCTS.values():
        found = product(*args, v)
        assert all(map(net.home.owns, leaves(found)))
        np.testing.assert_allclose(flat(found), flat(product(*expected, w)), rtol=1e-9)
    found = inspect.empirical_fisher_vector_product(args[2], v)
    wanted = inspect.empirical_fisher_vector_product(expected[2], w)
    np.testing.assert_allclose(flat(found), flat(wanted), rtol=1e-9)


def test_a_compiled_gradient_and_product():
    """One program of JAX for both, the spec static."""
    jax = pytest.importorskip("jax", reason="the compiler is JAX's")
    net, x, y, _ = given()
    expected = inspect.hessian_vector_product(*given()[3], direction(net)[0])
    there = random_network(*NETWORKS["softmax"])
    there.to("jax:cpu")
    v, _ = direction(there)
    run = jax.jit(gradient_and_product, static_argnums=0)
    arrays = there.home.asarray(x), there.home.asarray(y, "int32")
    gradient, product = run(there.spec, there.parameters, *arrays, v)
    close(flat(gradient), flat(net.backprop(x, y).gradients))
    close(flat(product), flat(expected))


def test_the_products_that_a_gradient_and_a_product_take():
    """R0, R2 and R4 beside the forward pass, BP2 and BP4, and nothing twice."""
    jax = pytest.importorskip("jax", reason="the products are counted in JAX's program")
    net = random_network(*NETWORKS["straight"])
    net.to("jax:cpu")
    x, y = random_samples(net)
    given = net.parameters, net.home.asarray(x), net.home.asarray(y, "int32")
    run = partial(gradient_and_product, net.spec)
    operations = jax.make_jaxpr(run)(*given, direction(net)[0]).eqns
    count = sum(operation.primitive.name == "dot_general" for operation in operations)
    gradient = 3 + 2 + 3
    assert count == gradient + (1 + 2 * 2) + 2 * 2 + (1 + 2 * 2)


def gradient_and_product(spec, parameters, x, y, v):
    trace = bpx.backprop(spec, parameters, x, y)
    return trace.gradients, inspect.hessian_vector_product(spec, parameters, trace, y, v)


def test_traces_that_do_not_fit():
    net, x, y, args = given()
    v, _ = direction(net)
    forward = net.spec, net.parameters, net.forward(x), y
    with pytest.raises(bpx.InputError, match=r"has no deltas"):
        inspect.hessian_vector_product(*forward, v)
    with pytest.raises(bpx.InputError, match=r"has no deltas"):
        inspect.empirical_fisher_vector_product(net.forward(x), v)
    other = given("regression")[3][2]
    with pytest.raises(bpx.InputError, match=r"of widths \[3, 5, 4, 2\] was given with a spec"):
        inspect.ggn_vector_product(*args[:2], other, y, v)
    with pytest.raises(bpx.InputError, match=r"y has shape \(3,\) for 7 samples"):
        inspect.ggn_vector_product(*args[:3], y[:3], v)
