"""LayerNorm: its equations against others, and that every engine fuses it."""

import logging

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.inspect.samples import layers as plain
from bpx.layers import Context, LayerNorm
from bpx.layers.layer_norm import LayerNormParameters, LayerNormSaved
from bpx.program.contract import leaves
from tests.backends import Target, host
from tests.peers import close

N, K = 6, 5
SIZES = [6, 20, 10, 3]
SETTINGS = {"epochs": 3, "batch_size": 7, "optimizer": bpx.Adam(0.01), "lmbda": 0.1, "seed": 1}
LAYER = LayerNorm(K, 0.01)


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def given(target=Target.NUMPY, seed=0):
    """Parameters, an input and some g, at the target's home."""
    p = 1.0 + 0.5 * normal(K, seed=seed), normal(K, seed=seed + 1)
    arrays = *p, normal(N, K, seed=seed + 2), normal(N, K, seed=seed + 3)
    gamma, beta, x, g = (target.asarray(each, "float64") for each in arrays)
    return LayerNormParameters(gamma, beta), x, g


def ran(target=Target.NUMPY, seed=0):
    p, x, g = given(target, seed)
    saved = LAYER.forward(p, x, Context(True))
    return p, saved, LAYER.error(saved, g)


def network(target=Target.NUMPY, dtype="float64", **settings):
    settings = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"} | settings
    return target.network(SIZES, norm="layer", seed=0, dtype=dtype, **settings)


def samples(n=45):  # of two shapes: the last batch is ragged
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 6)), rng.integers(0, 3, n).astype("int32")


# What it is


def test_its_parameters_begin_at_one_and_zero_whatever_the_initializer():
    net = bpx.Network(
        [bpx.Dense(3, 4, "relu"), LayerNorm(4), bpx.Dense(4, 2, "sigmoid")], init="book", seed=0
    )
    entry = net.parameters.layers[1]
    assert host(entry.gamma).tolist() == [1.0] * 4
    assert host(entry.beta).tolist() == [0.0] * 4
    assert LAYER.shapes == {"gamma": (K,), "beta": (K,)}
    assert LayerNorm(K, 0.01) == LAYER != LayerNorm(K)
    assert (LAYER.n_in, LAYER.n_out, LAYER.couples_samples, LAYER.draws) == (K, K, False, False)


def test_a_row_is_standardised(target):
    p, saved, _ = ran(target)
    x = host(given(target)[1])
    mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(variance + 0.01)
    close(saved.x_hat, x_hat)
    close(saved.rho, 1.0 / np.sqrt(variance + 0.01))
    close(saved.a, host(p.gamma) * x_hat + host(p.beta))


def test_training_changes_nothing(target):
    p, x, _ = given(target)
    for one, other in zip(LAYER.forward(p, x, Context()), ran(target)[1], strict=True):
        np.testing.assert_array_equal(host(one), host(other))


@pytest.mark.parametrize("x", [np.zeros((2, 4)), np.full((2, 4), 1e3)])
def test_units_that_are_all_equal_are_finite(x):
    layer = LayerNorm(x.shape[1])
    p = LayerNormParameters(np.ones(x.shape[1]), np.ones(x.shape[1]))
    saved = layer.forward(p, x, Context())
    assert (saved.a == 1.0).all()
    assert np.isfinite(layer.send_back(p, saved, normal(*x.shape))).all()


# The passes, against others


def test_against_pytorchs_layer():
    torch = pytest.importorskip("torch")
    p, x, g = given()
    theirs = torch.nn.LayerNorm(K, 0.01, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight.copy_(torch.from_numpy(p.gamma))
        theirs.bias.copy_(torch.from_numpy(p.beta))
    fed = torch.from_numpy(x).requires_grad_()
    a = theirs(fed)
    a.backward(torch.from_numpy(g))
    saved = LAYER.forward(p, x, Context(True))
    delta = LAYER.error(saved, g)
    found = saved.gradients(1.0, delta)
    close(saved.a, a.detach().numpy())
    close(LAYER.send_back(p, saved, delta), fed.grad.numpy())
    close(found.gamma, theirs.weight.grad.numpy())
    close(found.beta, theirs.bias.grad.numpy())


def by_torch(p, x, g, r):
    torch = pytest.importorskip("torch")
    with torch.enable_grad():
        gamma, beta, fed = (torch.from_numpy(each).requires_grad_() for each in (*p, x))
        a = LAYER.forward(LayerNormParameters(gamma, beta), fed, Context(True)).a
        (torch.from_numpy(r * g) * a).sum().backward()
    return [each.grad.numpy() for each in (gamma, beta, fed)]


def by_jax(p, x, g, r):
    jax = pytest.importorskip("jax")

    def summed(gamma, beta, fed):
        a = LAYER.forward(LayerNormParameters(gamma, beta), fed, Context(True)).a
        return (r * g * a).sum()

    with jax.enable_x64(True):
        return [np.asarray(each) for each in jax.grad(summed, (0, 1, 2))(*p, x)]


@pytest.mark.parametrize("autodiff", [by_torch, by_jax], ids=["torch.autograd", "jax.grad"])
def test_against_autodiff_of_the_forward_pass(autodiff, target):
    p, x, g = given()
    r = np.linspace(0.1, 1.0, N)[:, None]
    gamma, beta, sent = autodiff(p, x, g, r)
    own, saved, delta = ran(target)
    found = saved.gradients(target.asarray(r, "float64"), delta)
    close(found.gamma, gamma)
    close(found.beta, beta)
    close(r * host(LAYER.send_back(own, saved, delta)), sent)


def test_derivatives_along_a_direction():
    """Against central differences of the layer's own equations."""
    h, (p, x, g) = 1e-6, given()
    v, ra_prev, rg = given(seed=7)

    def at(t):
        moved = LayerNormParameters(*(a + t * b for a, b in zip(p, v, strict=True)))
        saved = LAYER.forward(moved, x + t * ra_prev, Context())
        delta = LAYER.error(saved, g + t * rg)
        sent = LAYER.send_back(moved, saved, delta)
        return *saved, delta, sent, *saved.gradients(0.25, delta)

    slopes = [(u - w) / (2.0 * h) for u, w in zip(at(h), at(-h), strict=True)]
    saved = LAYER.forward(p, x, Context())
    moved = LAYER.r_forward(p, v, saved, ra_prev)
    delta, rdelta = LAYER.error(saved, g), LAYER.r_error(saved, moved, g, rg)
    found = (
        moved.x_hat,
        moved.rho,
        LAYER.r_output(saved, moved),
        rdelta,
        LAYER.r_send_back(p, v, saved, moved, delta, rdelta),
        *LAYER.r_gradients(0.25, saved, moved, delta, rdelta),
    )
    for one, slope in zip(found, slopes, strict=True):
        close(one, slope, 1e-7)
    assert not LAYER.bends


def test_an_input_that_stands_still_is_none():
    (p, x, g), (v, _, rg) = given(), given(seed=7)
    saved = LAYER.forward(p, x, Context())
    still, zero = (LAYER.r_forward(p, v, saved, ra) for ra in (None, np.zeros_like(x)))
    assert still[:2] == (None, None)
    for moved in (still, zero):
        close(LAYER.r_output(saved, moved), zero.a)
        close(
            LAYER.r_send_back(p, v, saved, moved, g, rg),
            LAYER.r_send_back(p, v, saved, zero, g, rg),
        )
        pairs = zip(
            LAYER.r_gradients(0.5, saved, moved, g, rg),
            LAYER.r_gradients(0.5, saved, zero, g, rg),
            strict=True,
        )
        for one, other in pairs:
            close(one, other)


# Each sample's own gradient


def test_of_each_sample(target):
    (_, saved, delta), (_, other, delta_other) = ran(target), ran(target, seed=9)
    own = plain.Plain(saved.individual(delta))
    own_other = plain.Plain(other.individual(delta_other))
    v = given(target, seed=5)[0]
    close(saved.squared_norms(delta), host(plain.squared_norms(own, delta)))
    close(
        saved.inner_products(delta, other, delta_other),
        host(plain.inner_product(own, delta, own_other, delta_other)),
    )
    close(saved.along(v, delta), host(plain.along(own, v, delta)))
    for one, each in zip(saved.gradients(1.0, delta), own.own, strict=True):
        close(one, host(each).sum(axis=0))
    squares = saved.squared().gradients(1.0, delta * delta)
    for one, each in zip(squares, own.own, strict=True):
        close(one, (host(each) ** 2).sum(axis=0))


def test_norms_and_clipping_are_those_of_the_samples_alone(target):
    net, (x, y) = network(target), samples(6)
    at_home = target.asarray(x, "float64"), target.asarray(y, "int32")
    trace = net.backprop(*at_home)
    assert isinstance(trace.layers[1], LayerNormSaved)
    each = [
        np.concatenate([host(g).reshape(-1) for g in leaves(one.gradients)])
        for one in (net.backprop(*(part[i : i + 1, ...] for part in at_home)) for i in range(6))
    ]
    norms = np.linalg.norm(each, axis=1)
    np.testing.assert_allclose(host(inspect.gradient_norms(trace)), norms, rtol=1e-10)
    clip = float(np.median(norms))
    found = leaves(bpx.privacy.clipped_sum(trace, clip))
    expected = sum(g * min(1.0, clip / np.linalg.norm(g)) for g in each)
    flat = np.concatenate([host(g).reshape(-1) for g in found])
    np.testing.assert_allclose(flat, expected, rtol=1e-9, atol=1e-12)


# In networks


def test_its_equations_and_those_around_it_are_right(target):
    report = inspect.check(network(target))
    assert report.ok, str(report)
    named = {row.equation for row in report.rows if row.part == "layer_norm"}
    assert {"BP2", "BP4", "own norms", "own products", "own slopes", "R2"} <= named
    assert {"gradient", "Hessian"} <= {row.equation for row in report.rows}


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_engine_fuses_it(target, dtype, dropout, caplog):
    """The log says when a step cannot be compiled: it says nothing."""
    x, y = samples()
    nets = [network(target, dtype=dtype, dropout=dropout) for _ in range(2)]
    with caplog.at_level(logging.WARNING, "bpx"):
        nets[0].fit(x, y, **SETTINGS, compile=target.value.compile)
    assert not caplog.records
    nets[1].fit(x, y, **SETTINGS, compile=False)
    there = network(dtype=dtype, dropout=dropout)
    there.fit(x, y, **SETTINGS, compile=False)
    within = {"float32": 1e-4, "float64": 1e-11}[dtype]
    for a, b, c in zip(*(leaves(n.parameters) for n in (*nets, there)), strict=True):
        for one, other in ((a, b), (b, c)):
            off = np.linalg.norm(host(one) - host(other))
            assert off <= within * np.linalg.norm(host(other))
    assert abs(host(nets[0].parameters.layers[1].gamma) - 1.0).max() > 1e-3


def test_numba_fuses_it_too(monkeypatch, caplog):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    x, y = samples()
    net, eager = network(), network()
    with caplog.at_level(logging.WARNING, "bpx"):
        net.fit(x, y, **SETTINGS)
    assert not caplog.records
    eager.fit(x, y, **SETTINGS, compile=False)
    for a, b in zip(leaves(net.parameters), leaves(eager.parameters), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("optimizer", [bpx.SGD(0.5), bpx.AdamW(0.01, decay=0.5)])
def test_no_penalty_falls_on_gamma_and_beta(optimizer):
    """The first step, of which a penalty would change gamma: it is 1."""
    x, y = samples(9)
    entries = []
    for penalty in (False, True):
        net, how = network(), {"optimizer": optimizer, "lmbda": 5.0 * penalty}
        if isinstance(optimizer, bpx.AdamW):
            how = {"optimizer": optimizer if penalty else bpx.Adam(0.01), "lmbda": 0.0}
        net.fit(x, y, epochs=1, batch_size=9, seed=1, **how)
        entries.append((net.parameters.layers[1], net.weights[0]))
    (one, w), (other, w_other) = entries
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert (w != w_other).any()


@pytest.mark.parametrize("rule", ["fa", "dfa", "brsf", "kp"])
def test_with_other_feedback_too(rule, target):
    x, y = samples()
    nets = [network(target, feedback=rule) for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        net.fit(x, y, **SETTINGS, compile=compile_)
    for a, b in zip(*(leaves(n.parameters) for n in nets), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-9, atol=1e-11)


def test_private_training(target):
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    x, y = samples()
    net = network(target)
    private = bpx.privacy.DPSGD(noise_multiplier=0.5, seed=3)
    settings = {"epochs": 2, "batch_size": 15, "optimizer": bpx.SGD(0.1)}
    history = net.fit(x, y, **settings, privacy=private, compile=target.value.compile)
    assert history[-1].privacy is not None
    assert all(np.isfinite(host(p)).all() for p in leaves(net.parameters))
    assert abs(host(net.parameters.layers[1].gamma) - 1.0).max() > 0.0


def test_its_health_is_that_of_the_dense_layers():
    net, (x, y) = network(), samples()
    health = inspect.examine(net, x, y)
    assert health.activations == ("relu", "relu", "softmax")
    assert all(np.isfinite(health.errors))


def test_it_is_saved_with_its_epsilon(tmp_path):
    layers = [bpx.Dense(6, 4, "tanh"), LayerNorm(4, 0.25), bpx.Dense(4, 3, "softmax")]
    net, (x, _) = bpx.Network(layers, seed=0), samples()
    net.parameters = bpx.optim.mapped(lambda p: p + 0.1, net.parameters)
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net")
    assert again.spec == net.spec
    assert again.spec.layers[1].epsilon == 0.25
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1,), r"width=1 was given; .* of at least 2: a single unit is its own mean"),
        ((3, 0.0), r"epsilon=0.0 was given; expected a positive number"),
        ((3, "small"), "epsilon='small' was given"),
    ],
)
def test_what_it_cannot_be_made_of_is_refused(arguments, said):
    with pytest.raises(bpx.InputError, match=said):
        LayerNorm(*arguments)
