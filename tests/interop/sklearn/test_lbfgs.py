"""What SciPy minimises: its gradient against differences, its way against scikit-learn's."""

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network", reason="the peer is scikit-learn's MLP")

from bpx import sklearn as ours  # noqa: E402
from bpx.interop.sklearn import rows  # noqa: E402
from bpx.interop.sklearn.lbfgs import Objective  # noqa: E402
from bpx.interop.sklearn.networks import network_of, spec_of  # noqa: E402
from bpx.interop.sklearn.problem import Problem  # noqa: E402

sparse = pytest.importorskip("scipy.sparse", reason="sparse matrices are SciPy's")

RANDOM = np.random.RandomState(0)
X, Y = RANDOM.standard_normal((12, 3)), RANDOM.standard_normal((12, 2))
S = RANDOM.uniform(0.1, 2.0, 12)


def objective(activation="tanh", weighted=False, x=X, home=None):
    estimator = ours.MLPRegressor(activation=activation)
    coefs = [RANDOM.standard_normal(shape) for shape in ((3, 4), (4, 2))]
    spec = spec_of(estimator, [3, 4, 2], "identity", None)
    net = network_of(spec, home, coefs, [np.ones(4), np.ones(2)])
    found = Objective(
        Problem(spec, home, x, Y, S if weighted else None, 0.3, 0.5), net.parameters
    )
    return found, found.flat(net.parameters)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_the_cost(target, activation, weighted):
    home = target.network([3, 2], dtype="float64").home
    with home.active():
        cost_of, flat = objective(activation, weighted, home=home)
        _, gradient = cost_of(flat)
        for i, step in enumerate(1e-6 * np.eye(flat.size)):
            slope = (cost_of(flat + step)[0] - cost_of(flat - step)[0]) / 2e-6
            assert gradient[i] == pytest.approx(slope, abs=1e-7)


def test_sparse_samples_in_blocks_have_the_same_cost(target, monkeypatch):
    monkeypatch.setattr(rows, "DENSE_BYTES", 8 * 3 * 5)
    home = target.network([3, 2], dtype="float64").home
    with home.active():
        dense, flat = objective(weighted=True, home=home)
        other, _ = objective(weighted=True, home=home, x=sparse.csr_array(X))
        (cost, gradient), (cost0, gradient0) = other(flat), dense(flat)
    assert cost == pytest.approx(cost0, rel=1e-12)
    np.testing.assert_allclose(gradient, gradient0, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_goes_the_way_of_scikit_learns(weighted):
    settings = {"solver": "lbfgs", "max_iter": 15, "random_state": 2, "hidden_layer_sizes": 6}
    s = S if weighted else None
    found, expected = (make.MLPRegressor(alpha=0.1, **settings) for make in (ours, theirs))
    with pytest.warns(UserWarning, match="lbfgs failed to converge"):
        found.fit(X, Y[:, 0], sample_weight=s)
    with pytest.warns(UserWarning, match="lbfgs failed to converge"):
        expected.fit(X, Y[:, 0], sample_weight=s)
    assert found.n_iter_ == expected.n_iter_
    assert found.loss_ == pytest.approx(expected.loss_, rel=1e-6)
    np.testing.assert_allclose(found.coefs_[0], expected.coefs_[0], rtol=1e-4, atol=1e-6)


def test_the_loss_of_several_outputs_is_their_mean():
    net = ours.MLPRegressor(solver="lbfgs", alpha=0.0, random_state=0, max_iter=2000)
    net.fit(X, Y)
    assert net.loss_ == pytest.approx(0.5 * ((net.predict(X) - Y) ** 2).mean(), rel=1e-9)


def test_float32_samples_give_float32_weights():
    net = ours.MLPRegressor(solver="lbfgs", random_state=0, max_iter=2000)
    net.fit(X.astype(np.float32), Y)
    assert {w.dtype.name for w in net.coefs_ + net.intercepts_} == {"float32"}
