"""Operators of SciPy's against dense matrices, on every backend, and what is refused."""

import sys

import numpy as np
import pytest

import bpx
from bpx.interop.operators import curvature_operator
from bpx.model import inputs as boundary
from tests.backends import host
from tests.inspect.curvature.test_products import NETWORKS, each_network
from tests.peers import Twin, close, random_network, random_samples

sparse_linalg = pytest.importorskip("scipy.sparse.linalg", reason="the solvers are SciPy's")


def dense(net, x, y, kind):
    twin = Twin(net)
    if kind == "empirical_fisher":
        gradients = twin.flat_gradients(x, y)
        return gradients.T @ gradients / len(x)
    return twin.hessian(x, y) if kind == "hessian" else twin.ggn(x, y)


KINDS = ["hessian", "ggn", "fisher", "empirical_fisher"]


@pytest.mark.parametrize("kind", KINDS)
@each_network
def test_the_matrix(name, kind):
    net = random_network(*NETWORKS[name])
    x, y = random_samples(net)
    operator = curvature_operator(net, x, y, kind=kind)
    assert isinstance(operator, sparse_linalg.LinearOperator)
    assert operator.dtype == np.float64
    close(operator @ np.eye(operator.shape[0]), dense(net, x, y, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_in_chunks(monkeypatch, kind):
    net = random_network(*NETWORKS["softmax"])
    x, y = random_samples(net)
    operator = curvature_operator(net, x, y, kind=kind)
    v = np.random.default_rng(0).standard_normal(operator.shape[0])
    whole = operator @ v
    monkeypatch.setattr("bpx.interop.operators.chunks", lambda spec, x: boundary._parts(x, 3))
    close(operator @ v, whole)


@pytest.mark.parametrize("kind", KINDS)
def test_on_every_backend(target, kind):
    net, here = (random_network(*NETWORKS["softmax"], target=t) for t in (target, None))
    x, y = random_samples(here)
    expected = curvature_operator(here, x, y, kind=kind)
    found = curvature_operator(net, x, y, kind=kind)
    v = np.random.default_rng(0).standard_normal(expected.shape[0])
    product = found @ (net.home.asarray(v) if target.spec == "cupy" else v)
    np.testing.assert_allclose(host(product), expected @ v, rtol=1e-8, atol=1e-12)


def test_the_operator_keeps_its_parameters():
    net = random_network(*NETWORKS["softmax"])
    operator = curvature_operator(net, *random_samples(net))
    v = np.ones(operator.shape[0])
    before = operator @ v
    net.parameters = [0.0 * w for w in net.weights], net.biases
    assert (operator @ v == before).all()


def test_refusals():
    net = bpx.Network([4, 6, 3], output="softmax", cost="cross_entropy", seed=0)
    x, y = random_samples(net)
    with pytest.raises(bpx.InputError, match=r"kind='fim' was given; expected one of 'hes"):
        curvature_operator(net, x, y, kind="fim")
    with pytest.raises(
        bpx.MixedArraysError, match=r"asked for is float64, but layer 1 .* floa"
    ):
        curvature_operator(net, x, y, dtype="float64")
    with pytest.raises(
        bpx.MixedArraysError, match="dtype='float16' was given for a network in"
    ):
        curvature_operator(net, x, y, dtype="float16")
    with pytest.raises(bpx.InputError, match="one target for each sample"):
        curvature_operator(net, x, y[:3])


def test_what_cannot_be_computed_is_refused_at_once():
    own = bpx.Elementwise("own", np.tanh, lambda z, a: 1.0 - a * a)
    net = bpx.Network([4, 6, 3], hidden=own, seed=0)
    with pytest.raises(bpx.InputError, match="the Hessian cannot be computed: in layer 1"):
        curvature_operator(net, *random_samples(net))


def test_scipy_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    net = bpx.Network([4, 6, 3], seed=0)
    with pytest.raises(bpx.BackendError, match=r"pip install scipy"):
        curvature_operator(net, *random_samples(net))
