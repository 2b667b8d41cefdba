"""A Periodic layer: its equations against the definition, differences, and autodiff."""

import numpy as np
import pytest

import bpx
from bpx.layers import Context, Periodic
from bpx.layers.periodic import PeriodicParameters
from tests.backends import host
from tests.peers import close
from tests.tables import Inputs

N, LAYER = 6, Periodic(5, columns=[0, 3], frequencies=3, sigma=0.5)
RNG = np.random.default_rng(0)
X, C = RNG.standard_normal((N, 5)), RNG.standard_normal((3, 2))
G, R = RNG.standard_normal((N, LAYER.n_out)), RNG.uniform(0.5, 1.5, (N, 1))


def ran(target, x=X, c=C):
    p = PeriodicParameters(target.asarray(c, "float64"))
    return p, LAYER.forward(p, target.asarray(x, "float64"), Context())


def summed(x, c):
    """sum_x r_x G_x · a_x, by the definition."""
    angle = (
        2.0
        * np.pi
        * np.stack([c[k, j] * x[:, i] for k in range(3) for j, i in ((0, 0), (1, 3))])
    )
    a = np.concatenate([x[:, [1, 2, 4]], np.sin(angle).T, np.cos(angle).T], axis=1)
    return (R * G * a).sum()


# What it is


def test_equal_layers_are_equal_and_lists_are_tuples():
    assert Periodic(5, (0, 3), 3, 0.5) == LAYER != Periodic(5, (0, 2), 3, 0.5)
    assert hash(Periodic(5, [0, 3], 3, 0.5)) == hash(LAYER)
    assert (LAYER.kind, LAYER.couples_samples, LAYER.draws) == ("periodic", False, False)
    assert Periodic(2).columns == (0, 1)
    assert Periodic(5, np.array([0, 3]), 3, 0.5) == LAYER
    assert (LAYER.n_out, LAYER.shapes) == (15, {"c": (3, 2)})


@pytest.mark.parametrize(
    "given",
    [
        {"n_in": 0},
        {"columns": []},
        {"columns": [5]},
        {"frequencies": 0},
        {"sigma": 0.0},
        {"sigma": "wide"},
    ],
)
def test_what_it_cannot_be(given):
    name = next(iter(given))
    with pytest.raises(bpx.InputError, match=f"{name}=.* was given; expected"):
        Periodic(**{"n_in": 5} | given)


def test_its_first_frequencies_are_normal_of_deviation_sigma():
    drawn = bpx.Network(
        [Periodic(40, frequencies=50, sigma=0.3), bpx.Dense(4000, 1, "tanh")], seed=0
    )
    c = drawn.parameters.layers[0].c
    assert abs(c.std() / 0.3 - 1.0) < 0.06  # more than three deviations
    assert abs(c.mean()) < 0.03


def test_of_a_schema_it_takes_the_numbers():
    layer = Periodic.of(Inputs(5, numbers=(0, 3)), frequencies=3, sigma=0.5)
    assert layer == LAYER
    before = bpx.Embedding(5, [1], levels=[4], dim=2)
    after = Periodic.of(Inputs(5, numbers=(0, 3)), after=before)
    assert (after.n_in, after.columns) == (6, (0, 2))
    with pytest.raises(bpx.InputError, match=r"has neither numbers nor dates"):
        Periodic.of(Inputs(5))


# Its equations


def test_forward_is_the_definition(target):
    _, saved = ran(target)
    a = host(saved.a)
    np.testing.assert_array_equal(a[:, :3], X[:, [1, 2, 4]])
    for k in range(3):
        for j, column in enumerate((0, 3)):
            angle = 2.0 * np.pi * C[k, j] * X[:, column]
            np.testing.assert_allclose(a[:, 3 + 2 * k + j], np.sin(angle), atol=1e-14)
            np.testing.assert_allclose(a[:, 9 + 2 * k + j], np.cos(angle), atol=1e-14)


def test_back_against_differences(target):
    p, saved = ran(target)
    delta = LAYER.error(saved, target.asarray(G, "float64"))
    assert tuple(delta.shape) == (N, 3 + 6)
    sent = host(LAYER.send_back(p, saved, delta))
    found = host(saved.gradients(target.asarray(R, "float64"), delta).c)
    h = 1e-6
    for k, j in np.ndindex(3, 2):
        step = np.zeros_like(C)
        step[k, j] = h
        slope = (summed(X, C + step) - summed(X, C - step)) / (2 * h)
        np.testing.assert_allclose(found[k, j], slope, rtol=1e-6, atol=1e-8)
    for i, j in np.ndindex(N, 5):
        step = np.zeros_like(X)
        step[i, j] = h
        slope = (summed(X + step, C) - summed(X - step, C)) / (2 * h)
        np.testing.assert_allclose(R[i, 0] * sent[i, j], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_back_against_autodiff(library):
    """Of the layer's own forward pass, in another library."""
    c, x = derivatives(library)
    p, saved = PeriodicParameters(C), LAYER.forward(PeriodicParameters(C), X, Context())
    delta = LAYER.error(saved, G)
    np.testing.assert_allclose(saved.gradients(R, delta).c, c, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(R * LAYER.send_back(p, saved, delta), x, rtol=1e-10, atol=1e-12)


def derivatives(library):
    """The gradients of sum r G · a with respect to c and x, by automatic differentiation."""
    peer = pytest.importorskip(library)

    def summed(xp, c, x, g):
        return xp.sum(g * LAYER.forward(PeriodicParameters(c), x, Context()).a)

    if library == "torch":
        c, x = (peer.tensor(each, requires_grad=True) for each in (C, X))
        return [
            host(each)
            for each in peer.autograd.grad(summed(peer, c, x, peer.tensor(R * G)), (c, x))
        ]
    wide = "float64" if peer.config.jax_enable_x64 else None
    if wide is None:
        pytest.skip("JAX_ENABLE_X64 is off")
    gradient = peer.grad(lambda c, x: summed(peer.numpy, c, x, R * G), (0, 1))
    return [host(each) for each in gradient(peer.numpy.asarray(C), peer.numpy.asarray(X))]


# Of each sample


def test_of_each_sample(target):
    _, saved = ran(target)
    _, other = ran(target, x=RNG.standard_normal((4, 5)))
    g = RNG.standard_normal((4, LAYER.n_out))
    delta, delta_other = (
        LAYER.error(kept, target.asarray(each, "float64"))
        for kept, each in ((saved, G), (other, g))
    )
    rows, rows_other = (
        host(kept.individual(d).c).reshape(d.shape[0], -1)
        for kept, d in ((saved, delta), (other, delta_other))
    )
    total = host(saved.gradients(target.asarray(R, "float64"), delta).c)
    close((R * rows).sum(axis=0).reshape(3, 2), total)
    close(saved.squared_norms(delta), (rows**2).sum(axis=1))
    close(saved.inner_products(delta, other, delta_other), rows @ rows_other.T)
    v = PeriodicParameters(target.asarray(RNG.standard_normal((3, 2)), "float64"))
    close(saved.along(v, delta), (rows @ host(v.c).reshape(-1))[:, None])
    close(saved.squared().gradients(1.0, delta * delta).c, (rows**2).sum(axis=0).reshape(3, 2))


# Differentiated once


@pytest.mark.parametrize("moves", [True, False])
def test_derivatives_along_a_direction(moves):
    """Against differences of the layer's own equations; a first layer's x stands still."""
    h, p = 1e-6, PeriodicParameters(C)
    v, rx = PeriodicParameters(RNG.standard_normal((3, 2))), moves * RNG.standard_normal((N, 5))
    rg = RNG.standard_normal(G.shape)

    def at(t):
        there = PeriodicParameters(C + t * v.c)
        kept = LAYER.forward(there, X + t * rx, Context())
        delta = LAYER.error(kept, G + t * rg)
        return kept.a, delta, LAYER.send_back(there, kept, delta), kept.gradients(R, delta).c

    slopes = [(u - w) / (2.0 * h) for u, w in zip(at(h), at(-h), strict=True)]
    saved = LAYER.forward(p, X, Context())
    moved = LAYER.r_forward(p, v, saved, rx if moves else None)
    delta, rdelta = LAYER.error(saved, G), LAYER.r_error(saved, moved, G, rg)
    found = (
        LAYER.r_output(saved, moved),
        rdelta,
        LAYER.r_send_back(p, v, saved, moved, delta, rdelta),
        LAYER.r_gradients(R, saved, moved, delta, rdelta).c,
    )
    for one, slope in zip(found, slopes, strict=True):
        np.testing.assert_allclose(one, slope, rtol=1e-5, atol=1e-6)
    assert LAYER.bends
