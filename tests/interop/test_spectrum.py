"""The spectrum and the trace of operators against NumPy's, of dense matrices."""

import numpy as np
import pytest

import bpx
from bpx.interop import spectrum
from tests.inspect.curvature.test_products import NETWORKS
from tests.interop.test_operators import dense
from tests.peers import close, random_network, random_samples

pytest.importorskip("scipy.sparse.linalg", reason="the solvers are SciPy's")


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
    operator = spectrum.curvature_operator(net, x, y)
    with pytest.raises(bpx.InputError, match=r"which='LA' was given; expected one of 'lar"):
        spectrum.eigenpairs(operator, which="LA")
    for k in (0, 51):
        with pytest.raises(bpx.InputError, match=rf"k={k} was given; .* in 1 \.\.\. 50"):
            spectrum.eigenpairs(operator, k)
    with pytest.raises(bpx.InputError, match="products=5 was given"):
        spectrum.estimated_trace(operator, products=5)
