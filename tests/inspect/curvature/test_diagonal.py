"""The diagonal of the GGN against torch.func's Jacobians, exact and from drawn labels."""

import numpy as np
import pytest

import bpx
from bpx.inspect import ggn_diagonal, ggn_vector_product
from bpx.program.contract import leaves
from tests.backends import host
from tests.inspect.curvature.test_products import NETWORKS, each_network, given
from tests.peers import Twin, close, flat, random_samples


@each_network
def test_exact(name):
    net, x, y, args = given(name)
    close(flat(ggn_diagonal(*args)), np.diag(Twin(net).ggn(x, y)))
    forward = net.spec, net.parameters, net.forward(x), y
    assert (flat(ggn_diagonal(*forward)) == flat(ggn_diagonal(*args))).all()


@pytest.mark.parametrize("name", ["softmax", "sigmoid", "book", "regression", "binary"])
def test_the_mean_of_drawn_ones(name):
    """Within 5 standard errors of the exact one, number by number."""
    net, x, y, _ = given(name)
    x, y = np.repeat(x, 100, axis=0), np.repeat(y, 100, axis=0)
    args = net.spec, net.parameters, net.forward(x), y
    exact = flat(ggn_diagonal(*args))
    draws = np.stack([flat(ggn_diagonal(*args, samples=1, seed=seed)) for seed in range(30)])
    error = draws.std(axis=0, ddof=1) / 30**0.5
    assert (np.abs(draws.mean(axis=0) - exact) <= 5.0 * error + 1e-14).all()
    assert error.max() < 0.05 * exact.max()


def test_a_seed_gives_the_same_draws_again():
    _, _, _, args = given()
    one, again, other = (flat(ggn_diagonal(*args, samples=1, seed=s)) for s in (3, 3, 4))
    assert (one == again).all()
    assert np.abs(one - other).max() > 1e-3 * one.max()


def test_draws_are_averaged():
    """A hundred are nearer to the exact one than one is."""
    _, _, _, args = given()
    exact = flat(ggn_diagonal(*args))
    off = [np.abs(flat(ggn_diagonal(*args, samples=m)) - exact).mean() for m in (1, 100)]
    assert off[1] < 0.3 * off[0]


def test_a_cost_whose_root_is_not_known():
    """Every pair e_c, H e_c in place of a root: the same diagonal."""
    plain = bpx.Cost(
        "plain",
        bpx.costs.quadratic.value,
        bpx.costs.quadratic.grad_a,
        hess_a=lambda a, y, v: v @ np.array([[2.0, -0.5], [-0.5, 1.0]]),
    )
    net = bpx.Network([3, 4, 2], cost=plain, seed=0, dtype="float64")
    x, y = random_samples(net)
    args = net.spec, net.parameters, net.forward(x), y
    diagonal = flat(ggn_diagonal(*args))
    products = [flat(ggn_vector_product(*args, v))[i] for i, v in enumerate(units(net))]
    close(diagonal, np.array(products))
    with pytest.raises(
        bpx.InputError, match=r"the GGN's diagonal cannot .*'plain' is not known to be"
    ):
        ggn_diagonal(*args, samples=1)


def units(net):
    size = flat(net.parameters).size
    return (bpx.inspect.unflatten(e, net.parameters) for e in np.eye(size))


def test_on_every_backend(target):
    net, _, _, args = given(target=target)
    _, _, _, expected = given()
    for settings in ({}, {"samples": 3, "seed": 2**40 + 1}):
        found = ggn_diagonal(*args, **settings)
        assert all(map(net.home.owns, leaves(found)))
        wanted = flat(ggn_diagonal(*expected, **settings))
        np.testing.assert_allclose(flat(found), wanted, rtol=1e-9, atol=1e-15)


def test_a_key_in_place_of_a_seed(target):
    _, _, _, args = given(target=target)
    key = target.asarray(bpx.random.key_words(7), "int32")
    found = ggn_diagonal(*args, samples=2, seed=key)
    np.testing.assert_array_equal(flat(found), flat(ggn_diagonal(*args, samples=2, seed=7)))


def test_float32_stays_float32():
    net = bpx.Network([3, 4, 2], output="softmax", cost="cross_entropy", seed=0)
    x, y = np.ones((5, 3), np.float32), np.zeros(5, np.int32)
    args = net.spec, net.parameters, net.forward(x), y
    for settings in ({}, {"samples": 2}):
        found = ggn_diagonal(*args, **settings)
        assert {str(part.dtype) for part in leaves(found)} == {"float32"}


def test_refusals():
    net, x, _, args = given()
    for samples in (0, 1.5, True):
        with pytest.raises(bpx.InputError, match=f"samples={samples} was given"):
            ggn_diagonal(*args, samples=samples)
    with pytest.raises(bpx.InputError, match="seed=-1 was given"):
        ggn_diagonal(*args, samples=1, seed=-1)
    with pytest.raises(bpx.InputError, match=r"y has shape \(3,\) for 7 samples"):
        ggn_diagonal(*args[:3], args[3][:3])
    other = given("regression")[3]
    with pytest.raises(bpx.InputError, match="a trace of a network of widths"):
        ggn_diagonal(*other[:2], net.forward(x), args[3])


def test_every_network_has_a_diagonal_of_its_shape():
    for name in NETWORKS:
        net, _, _, args = given(name)
        found = [host(p).shape for p in leaves(ggn_diagonal(*args))]
        assert found == [p.shape for p in leaves(net.parameters)]
