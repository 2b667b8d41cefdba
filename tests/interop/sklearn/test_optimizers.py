"""The solvers' rules against the lines of the papers, number by number."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the rules are those of scikit-learn's solvers")

import bpx
from bpx.interop.sklearn.optimizers import adam_of_sklearn, optimizer_of
from bpx.sklearn import MLPRegressor
from tests.backends import host


def test_adam_has_epsilon_beside_the_moment_that_is_not_corrected(target):
    """With gradients as small as epsilon, the two places of epsilon differ at once."""
    net = target.network([2, 1], output="identity", seed=0, dtype="float64")
    optimizer = adam_of_sklearn(0.1, 0.9, 0.99, 1e-3)
    state = optimizer.init(net.parameters)
    m = v = 0.0
    for t in range(1, 5):
        g = 1e-3 * t
        gradient = bpx.optim.mapped(lambda w, g=g: 0.0 * w + g, net.parameters)
        updates, state = optimizer.update(gradient, state, net.parameters)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        rate = 0.1 * (1 - 0.99**t) ** 0.5 / (1 - 0.9**t)
        expected = -rate * m / (v**0.5 + 1e-3)
        np.testing.assert_allclose(host(updates.w[0]), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"momentum": 0.0}, bpx.SGD(0.5)),
        ({"momentum": 0.4}, bpx.SGD(0.5, momentum=0.4, nesterov=True)),
        ({"nesterovs_momentum": False}, bpx.SGD(0.5, momentum=0.9)),
        ({"optimizer": bpx.Adam(0.1)}, bpx.Adam(0.1)),
    ],
)
def test_the_parameters_name_an_optimizer(parameters, expected):
    estimator = MLPRegressor(solver="sgd", learning_rate_init=0.5, **parameters)
    assert optimizer_of(estimator) == expected


def test_a_momentum_of_1_is_accepted_as_by_scikit_learn():
    x, y = np.eye(3), np.arange(3.0)
    settings = {"solver": "sgd", "momentum": 1.0, "max_iter": 4, "random_state": 0, "tol": 0}
    theirs = pytest.importorskip("sklearn.neural_network").MLPRegressor(**settings)
    ours = MLPRegressor(**settings)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(x, y)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        ours.fit(x, y)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-12)
