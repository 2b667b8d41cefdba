"""BP1 to BP4 under JAX's transformations, against JAX's own gradients of the forward pass."""

import numpy as np
import pytest

import bpx
from tests.architectures import random_network, random_samples
from tests.backends import host

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy

EPSILONS = {"float32": 1e-4, "float64": 1e-12}
SEEDS = range(12)  # each is compiled by XLA


def close(one, other, atol=1e-12):
    one, other = jax.tree.leaves(one), jax.tree.leaves(other)
    assert len(one) == len(other)
    for found, expected in zip(one, other, strict=True):
        scale = 1.0 + np.abs(host(expected)).max()
        np.testing.assert_allclose(host(found), host(expected), rtol=0, atol=atol * scale)


def plain(spec):
    """The outputs by the pure forward pass, which JAX differentiates itself."""
    return lambda params, x: bpx.forward(spec, params, x).a[-1]


def learned(gradients):
    """Without those of averages, which bpx does not learn."""
    names = gradients.branches()
    return [x for name, x in names if name.partition("[")[0] not in ("mean", "variance")]


def test_an_empty_batch():
    net = bpx.Network([3, 4, 2], norm="batch", seed=0)
    apply, params = net.jax_function()
    x = jnp.zeros((0, 3), "float32")
    assert apply(params, x).shape == (0, 2)
    gradients = jax.grad(lambda params: apply(params, x).sum())(params)
    assert not any(dw.any() for dw in jax.tree.leaves(gradients))
    in_training, _ = net.jax_function(training=True)
    with pytest.raises(bpx.InputError, match=r"x has shape \(0, 3\); .* with n >= 1"):
        in_training(params, x, jax.random.key(0))


def test_the_averages_are_found_by_their_paths():
    """As optimizers need them, which decay weights."""
    _, params = bpx.Network([3, 4, 2], norm="batch", seed=0).jax_function(training=True)
    names = [path[-1].name for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    assert names == ["w", "b", "gamma", "beta", "mean", "variance", "w", "b"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradients_are_jaxs(dtype):
    """Random networks of all kinds of layers: outputs, gradients of inputs and parameters."""
    for seed in SEEDS:
        net = random_network(seed, dtype)
        apply, params = net.jax_function()
        x = jnp.asarray(random_samples(net, 5, seed))
        found = []
        for function in (apply, plain(net.spec)):

            def loss(params, x, function=function):
                a = function(params, x)
                weights = jnp.linspace(1.0, 2.0, a.size, dtype=a.dtype)
                return (a * a * weights.reshape(a.shape)).sum(), a

            make = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
            (value, a), (dw, dx) = make(params, x)
            found.append((value, a, dx, learned(dw)))
        close(*found, atol=EPSILONS[dtype])
        assert a.dtype == dtype
        close(found[0][1], net.predict(host(x)), EPSILONS[dtype])


def network(**settings):
    parts = {"hidden": "tanh", "output": "identity", "seed": 0, "dtype": "float64"}
    return bpx.Network([3, 4, 2], **parts | settings)


def samples(n=6):
    return jnp.asarray(np.random.default_rng(0).normal(size=(n, 3)))


def test_gradients_by_finite_differences():
    from jax.test_util import check_grads

    apply, params = network(norm="layer").jax_function()
    check_grads(apply, (params, samples()), order=2, modes=["rev"])


def test_vmap_over_samples_and_over_networks():
    apply, params = network().jax_function()
    x = samples()
    dw = jax.vmap(jax.grad(lambda p, x: apply(p, x).sum()), (None, 0))(params, x)
    close(dw, jax.jacrev(lambda p: apply(p, x).sum(axis=1))(params))
    several = jax.tree.map(lambda w: jnp.stack([w, 2.0 * w]), params)
    both = jax.vmap(apply, (0, None))(several, x)
    close(both[1], apply(jax.tree.map(lambda w: 2.0 * w, params), x))


def test_a_second_derivative():
    apply, params = network().jax_function()
    x = samples(2)
    found = jax.jacrev(jax.jacrev(lambda x: apply(params, x).sum()))(x)
    expected = jax.hessian(lambda x: plain(network().spec)(params, x).sum())(x)
    close(found, expected)


def test_the_axes_of_samples():
    apply, params = network().jax_function()
    x = samples()
    close(apply(params, x.reshape(2, 3, 3)), apply(params, x).reshape(2, 3, 2))
    close(apply(params, x[0]), apply(params, x)[0])
    close(apply(params, host(x)), apply(params, x))  # as JAX takes arrays of NumPy


def test_dropout_and_batch_norm_in_training():
    net = network(norm="batch", dropout=0.5)
    apply, params = net.jax_function(training=True)
    x, keys = samples(), jax.random.split(jax.random.key(0), 2)
    a, moved = jax.jit(apply)(params, x, keys[0])
    close(a, apply(params, x, keys[0])[0])
    assert np.abs(host(a - apply(params, x, keys[1])[0])).max() > 0.01
    inner = jnp.tanh(x @ params.w[0].T + params.b[0])
    norm = moved.layers[1]
    close(norm.mean, 0.1 * inner.mean(axis=0))
    close(norm.variance, 0.9 + 0.1 * inner.var(axis=0, ddof=1))
    close(moved.w, params.w)


def test_the_gradients_in_training():
    """With the masks held by the key, against finite differences."""
    from jax.test_util import check_grads

    net = network(norm="batch", dropout=0.5)
    apply, params = net.jax_function(training=True)
    key, x = jax.random.key(3), samples()
    check_grads(lambda p, x: apply(p, x, key)[0], (params, x), order=1, modes=["rev"])


def test_no_gradient_comes_through_the_averages():
    apply, params = network(norm="batch").jax_function(training=True)

    def through(params):
        _, moved = apply(params, samples(), jax.random.key(0))
        return moved.layers[1].mean.sum() + moved.w[0].sum()

    assert all(not host(x).any() for x in jax.tree.leaves(jax.grad(through)(params)))


def test_it_trains_and_comes_back():
    net = network()
    apply, params = net.jax_function()
    x = samples(32)
    y = jnp.sin(x[:, :2])

    @jax.jit
    def step(params):
        loss = lambda params: ((apply(params, x) - y) ** 2).mean()  # noqa: E731
        value, dw = jax.value_and_grad(loss)(params)
        return value, jax.tree.map(lambda w, g: w - 0.5 * g, params, dw)

    costs = []
    for _ in range(100):
        cost, params = step(params)
        costs.append(float(cost))
    assert costs[-1] < 0.2 * costs[0]
    net.parameters = params
    np.testing.assert_allclose(net.predict(host(x)), host(apply(params, x)), atol=1e-12)


def test_the_arrays_of_a_network_on_jax_are_not_copied():
    net = network(backend="jax")
    _, params = net.jax_function()
    assert params.w[0] is net.weights[0]


def test_the_feedback_is_the_transpose():
    x = samples()
    one, other = (
        jax.grad(lambda p, apply=apply: apply(p, x).sum())(params)
        for apply, params in (network(feedback=f).jax_function() for f in ("transpose", "fa"))
    )
    close(one, other, 0.0)


@pytest.mark.parametrize("key", [0, None, np.ones(3), "keys"], ids=str)
def test_a_key_that_is_none_is_refused(key):
    apply, params = network(norm="batch").jax_function(training=True)
    given = jax.random.split(jax.random.key(0), 3) if isinstance(key, str) else key
    with pytest.raises(bpx.InputError, match=r"was given; expected one key of JAX, such as"):
        apply(params, samples(), given)
    apply(params, samples(), jax.random.PRNGKey(0))  # of JAX's older kind


@pytest.mark.parametrize(
    ("x", "error", "said"),
    [
        (np.ones((2, 4)), bpx.InputError, r"x has shape \(2, 4\); expected \(n, 3\)"),
        (np.ones(()), bpx.InputError, r"x has shape \(\)"),
        (np.ones((2, 3), "float32"), bpx.MixedArraysError, "x is jax float32"),
    ],
)
def test_what_is_refused(x, error, said):
    apply, params = network().jax_function()
    with pytest.raises(error, match=said):
        apply(params, x)
    with pytest.raises(bpx.InputError, match="training=1 was given; expected True or False"):
        network().jax_function(training=1)
