"""An error before training leaves an estimator as it was, fitted or not."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are scikit-learn's")

import bpx
from bpx.interop.sklearn.restoring import restored
from bpx.sklearn import MLPClassifier, MLPRegressor

RANDOM = np.random.RandomState(0)
X, Y = RANDOM.standard_normal((30, 4)), np.arange(30) % 3
LETTERS = np.array(["a", "b", "c"])[Y]
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def failing(estimator):
    with restored(estimator):
        estimator.new_, estimator.kept_ = 3, 4
        del estimator.dropped_
        raise KeyError


def test_attributes_that_a_failing_block_sets_changes_or_drops_are_as_before():
    estimator = MLPRegressor()
    estimator.kept_, estimator.dropped_ = 1, 2
    before = dict(vars(estimator))
    with pytest.raises(KeyError):
        failing(estimator)
    assert vars(estimator) == before
    with restored(estimator):
        estimator.new_ = 3
    assert estimator.new_ == 3


@pytest.mark.parametrize(
    ("settings", "fit"),
    [
        ({}, {"sample_weight": np.ones(3)}),
        ({"activation": "rellu"}, {}),
        ({"optimizer": "adam"}, {}),
        ({"callbacks": 3}, {}),
        ({"backend": "numpi"}, {}),
        ({"early_stopping": True, "validation_fraction": 0.01}, {}),
        ({}, {"X_val": X, "y_val": Y}),
    ],
    ids=["sample_weight", "activation", "optimizer", "callbacks", "backend", "few", "y_val"],
)
def test_a_fit_that_is_refused_changes_no_attribute(settings, fit):
    net = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, Y)
    answers = net.predict(X)
    before = dict(vars(net.set_params(**settings)))
    with pytest.raises((ValueError, RuntimeError)):
        net.fit(np.c_[X, X], LETTERS, **fit)
    assert vars(net).keys() == before.keys()
    assert all(vars(net)[name] is before[name] for name in before)
    usual = MLPClassifier().get_params()
    net.set_params(**{name: usual[name] for name in settings})
    np.testing.assert_array_equal(net.predict(X), answers)


def test_a_first_partial_fit_that_is_refused_leaves_the_classes_open():
    net = MLPClassifier()
    with pytest.raises(ValueError, match="sample_weight"):
        net.partial_fit(X, Y, np.ones(3), classes=[0, 1, 2])
    assert vars(net) == vars(MLPClassifier())
    net.partial_fit(X, LETTERS, classes=["a", "b", "c", "d"])
    assert list(net.classes_) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("how", ["warm_start", "resume", "partial_fit"])
def test_other_hidden_layers_are_refused_where_a_fit_continues(how):
    settings = {} if how == "partial_fit" else {how: True}
    net = MLPRegressor(hidden_layer_sizes=(5,), max_iter=2, **settings).fit(X, Y)
    net.set_params(hidden_layer_sizes=(6,))
    said = r"hidden_layer_sizes=\[6\] was given, but the last fit, .* had \[5\]"
    with pytest.raises(bpx.InputError, match=said):
        (net.partial_fit if how == "partial_fit" else net.fit)(X, Y)
