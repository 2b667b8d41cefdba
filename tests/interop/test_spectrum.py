"""Operators of SciPy's against dense matrices, their spectrum and trace against NumPy's."""

import sys

import numpy as np
import pytest

import bpx
from bpx.interop import spectrum
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
    operator = spectrum.curvature_operator(net, x, y, kind=kind)
    assert isinstance(operator, sparse_linalg.LinearOperator)
    assert operator.dtype == np.float64
    close(operator @ np.eye(operator.shape[0]), dense(net, x, y, kind))


@pytest.mark.parametrize("which", ["largest", "smallest", "magnitude"])
def test_eigenpairs(which):
    net = random_network(*NETWORKS["softmax"])
    x, y = random_samples(net)
    operator = spectrum.curvature_operator(net, x, y)
    matrix = dense(net, x, y, "hessian")
    values = np.linalg.eigvalsh(matrix)
    order = {"largest": -values, "smallest": values, "magnitude": -np.abs(values)}[which]
    found = spectrum.eigenpairs(operator, 4, which=which)
    close(found.values, values[np.argsort(order)][:4])
    close(matrix @ found.vectors, found.vectors * found.values, 1e-8)
    close(np.linalg.norm(found.vectors, axis=0), np.ones(4))


def test_eigenpairs_are_the_same_again():
    net = random_network(*NETWORKS["softmax"])
    operator = spectrum.curvature_operator(net, *random_samples(net))
    one, other = (spectrum.eigenpairs(operator, 2) for _ in range(2))
    assert (one.vectors == other.vectors).all()


def test_the_trace():
    """Within 5 of its standard errors; far closer than a matrix of one size would allow."""
    net = random_network(*NETWORKS["softmax"])
    x, y = random_samples(net)
    operator = spectrum.curvature_operator(net, x, y)
    exact = np.trace(dense(net, x, y, "hessian"))
    estimates = [spectrum.estimated_trace(operator, products=45, seed=s) for s in range(10)]
    values = np.array([each.value for each in estimates])
    assert len(set(values)) == 10
    errors = np.array([each.standard_error for each in estimates])
    assert (np.abs(values - exact) <= 5.0 * errors).all()
    assert abs(values.mean() - exact) < 3.0 * errors.mean() / 10**0.5
    assert spectrum.estimated_trace(operator, products=45, seed=3).value == values[3]


def test_the_trace_of_what_few_products_span():
    """The GGN of 7 samples has a rank of at most 14: the sketch holds it all."""
    net = random_network(*NETWORKS["softmax"])
    x, y = random_samples(net)
    operator = spectrum.curvature_operator(net, x, y, kind="ggn")
    found = spectrum.estimated_trace(operator, products=60)
    np.testing.assert_allclose(found.value, np.trace(dense(net, x, y, "ggn")), rtol=1e-10)
    assert found.standard_error < 1e-10


@pytest.mark.parametrize("kind", KINDS)
def test_in_chunks(monkeypatch, kind):
    net = random_network(*NETWORKS["softmax"])
    x, y = random_samples(net)
    operator = spectrum.curvature_operator(net, x, y, kind=kind)
    v = np.random.default_rng(0).standard_normal(operator.shape[0])
    whole = operator @ v
    monkeypatch.setattr("bpx.interop.spectrum.chunks", lambda spec, x: boundary._parts(x, 3))
    close(operator @ v, whole)


@pytest.mark.parametrize("kind", KINDS)
def test_on_every_backend(target, kind):
    net, here = (random_network(*NETWORKS["softmax"], target=t) for t in (target, None))
    x, y = random_samples(here)
    expected = spectrum.curvature_operator(here, x, y, kind=kind)
    found = spectrum.curvature_operator(net, x, y, kind=kind)
    v = np.random.default_rng(0).standard_normal(expected.shape[0])
    product = found @ (net.home.asarray(v) if target.spec == "cupy" else v)
    np.testing.assert_allclose(host(product), expected @ v, rtol=1e-8, atol=1e-12)


def test_the_operator_keeps_its_parameters():
    net = random_network(*NETWORKS["softmax"])
    operator = spectrum.curvature_operator(net, *random_samples(net))
    v = np.ones(operator.shape[0])
    before = operator @ v
    net.parameters = [0.0 * w for w in net.weights], net.biases
    assert (operator @ v == before).all()


def test_a_network_in_float32():
    net = bpx.Network([4, 6, 3], output="softmax", cost="cross_entropy", seed=0)
    x, y = random_samples(net)
    operator = spectrum.curvature_operator(net, x, y, kind="ggn", dtype="float32")
    assert operator.dtype == np.float32
    assert (operator @ np.ones(operator.shape[0], np.float32)).dtype == np.float32
    largest = spectrum.eigenpairs(operator, 1).values[0]
    net.to(dtype="float64")
    there = spectrum.curvature_operator(net, x, y, kind="ggn")
    np.testing.assert_allclose(largest, spectrum.eigenpairs(there, 1).values[0], rtol=1e-5)


def test_refusals():
    net = bpx.Network([4, 6, 3], output="softmax", cost="cross_entropy", seed=0)
    x, y = random_samples(net)
    with pytest.raises(bpx.InputError, match=r"kind='fim' was given; expected one of 'hes"):
        spectrum.curvature_operator(net, x, y, kind="fim")
    with pytest.raises(bpx.MixedArraysError, match=r"asked for is float64 and layer 1 .* floa"):
        spectrum.curvature_operator(net, x, y, dtype="float64")
    with pytest.raises(bpx.MixedArraysError, match="dtype='float16' was asked of a network in"):
        spectrum.curvature_operator(net, x, y, dtype="float16")
    with pytest.raises(bpx.InputError, match="one target for each sample"):
        spectrum.curvature_operator(net, x, y[:3])
    operator = spectrum.curvature_operator(net, x, y)
    with pytest.raises(bpx.InputError, match=r"which='LA' was given; expected one of 'lar"):
        spectrum.eigenpairs(operator, which="LA")
    for k in (0, 51):
        with pytest.raises(bpx.InputError, match=rf"k={k} was given; .* in 1 \.\.\. 50"):
            spectrum.eigenpairs(operator, k)
    with pytest.raises(bpx.InputError, match="products=5 was given"):
        spectrum.estimated_trace(operator, products=5)


def test_what_cannot_be_computed_is_refused_at_once():
    own = bpx.Elementwise("own", np.tanh, lambda z, a: 1.0 - a * a)
    net = bpx.Network([4, 6, 3], hidden=own, seed=0)
    with pytest.raises(bpx.InputError, match="the Hessian cannot be computed: in layer 1"):
        spectrum.curvature_operator(net, *random_samples(net))


def test_scipy_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    net = bpx.Network([4, 6, 3], seed=0)
    with pytest.raises(bpx.BackendError, match=r"pip install 'backpropx\[scipy\]'"):
        spectrum.curvature_operator(net, *random_samples(net))
