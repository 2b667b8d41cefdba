"""Losses and outputs of the regressor."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the regressor is one of scikit-learn's estimators")

from sklearn import neural_network
from sklearn.metrics import r2_score

import bpx
from bpx.errors import InputError
from bpx.sklearn import MLPRegressor

RANDOM = np.random.RandomState(0)
X = np.zeros((200, 1))  # nothing to predict by: what is learned is a number
Y = RANDOM.exponential(2.0, 200)
SETTINGS = {
    "max_iter": 300, "n_iter_no_change": np.inf, "alpha": 0.0, "random_state": 0, "tol": 0.0,
    "hidden_layer_sizes": 3, "optimizer": bpx.Adam(bpx.optim.cosine_decay_schedule(0.05)),
}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Y.mean()),
        ({"loss": "poisson"}, Y.mean()),
        ({"loss": "absolute_error"}, np.median(Y)),
        ({"loss": "quantile"}, np.median(Y)),
        ({"loss": "quantile", "quantile": 0.9}, np.quantile(Y, 0.9)),
        ({"loss": bpx.costs.quantile(0.25)}, np.quantile(Y, 0.25)),
    ],
)
def test_each_loss_learns_its_statistic(settings, expected):
    net = MLPRegressor(**SETTINGS | settings).fit(X, Y)
    assert net.predict(X)[0] == pytest.approx(expected, abs=0.05)


def test_one_cost_may_have_several_outputs_for_each_target():
    net = MLPRegressor(loss=bpx.costs.quantile(0.1, 0.9), **SETTINGS).fit(X, Y)
    found = net.predict(X)
    assert found.shape == (200, 2)
    np.testing.assert_allclose(found[0], np.quantile(Y, [0.1, 0.9]), atol=0.05)
    with pytest.raises(InputError, match=r"loss=quantile\(0.1, 0.9\) has 2 outputs for each"):
        net.score(X, Y)


def test_the_score_is_scikit_learns():
    net = MLPRegressor(max_iter=3, random_state=0).fit(X, Y)
    s = RANDOM.uniform(0.5, 2.0, 200)
    assert net.score(X, Y, s) == r2_score(Y, net.predict(X), sample_weight=s)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"loss": "squared"}, "'squared_error', 'poisson', 'absolute_error', 'quantile'"),
        ({"loss": "quantile", "quantile": 1.5}, "quantile"),
        ({"loss": bpx.costs.hinge}, "loss=hinge was given, a cost of classes"),
        ({"loss": bpx.costs.categorical_hinge}, "a cost of classes; expected one for numbers"),
        ({"loss": "poisson"}, "expected numbers of at least 0"),
    ],
)
def test_what_cannot_be_used_is_refused(settings, said):
    net = MLPRegressor(**settings)
    with pytest.raises(InputError, match=said):
        net.fit(X, -Y)
    assert not hasattr(net, "coefs_")


def test_the_reported_loss_of_several_outputs_is_their_mean():
    y = RANDOM.standard_normal((200, 3))
    net = MLPRegressor(alpha=0.0, max_iter=1, batch_size=200, random_state=0)
    net.fit(X, y)
    first = MLPRegressor(
        alpha=0.0, max_iter=1, batch_size=200, random_state=0, learning_rate_init=1e-300
    ).fit(X, y)
    assert net.loss_ == pytest.approx(0.5 * ((first.predict(X) - y) ** 2).mean(), rel=1e-12)


def test_one_column_of_targets_is_one_number_each():
    with pytest.warns(UserWarning, match="A column-vector y was passed"):
        net = MLPRegressor(max_iter=2).fit(X, Y[:, None])
    assert net.predict(X).shape == (200,)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("y", [Y.astype(str), np.array(list("abcd") * 50)], ids=["0.1", "a"])
def test_targets_of_text_are_refused_as_by_scikit_learn(y, solver):
    """Whose error is NumPy's, of a loss that it cannot compute."""
    with pytest.raises((TypeError, ValueError)):
        neural_network.MLPRegressor(solver=solver).fit(X, y)
    said = rf"y holds text, '{y[0]}'; expected numbers: y\.astype\(float\), or an MLPClassifier"
    with pytest.raises(InputError, match=said):
        MLPRegressor(solver=solver).fit(X, y)
    with pytest.raises(InputError, match="y holds text"):
        MLPRegressor().fit(X, Y, X_val=X, y_val=y)
    if solver == "adam":
        with pytest.raises(InputError, match="y holds text"):
            MLPRegressor().partial_fit(X, y)
