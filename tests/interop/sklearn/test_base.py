"""What both estimators share: validation, the forward pass, and what is refused together."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are scikit-learn's")

import bpx
from bpx.errors import InputError
from bpx.sklearn import MLPClassifier, MLPRegressor

RANDOM = np.random.RandomState(0)
X, Y = RANDOM.standard_normal((30, 4)), RANDOM.randint(0, 3, 30)
BOTH = pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_any_backend_trains_and_answers_in_the_samples_library(target, make, solver):
    settings = {"max_iter": 5, "solver": solver, "random_state": 0}
    net = make(backend=target.spec, **settings)
    expected = make(**settings)
    for each in (net, expected):
        with np.errstate(all="ignore"):
            if solver == "lbfgs":
                with pytest.warns(UserWarning, match="lbfgs failed"):
                    each.fit(X, Y)
            else:
                each.fit(X, Y)
    assert all(isinstance(w, np.ndarray) for w in net.coefs_ + net.intercepts_)
    np.testing.assert_allclose(net.coefs_[0], expected.coefs_[0], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(net.predict(X), expected.predict(X), rtol=1e-8)
    assert net.score(X, Y) == pytest.approx(expected.score(X, Y))


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_samples_dtype_is_the_networks(make, dtype):
    net = make(max_iter=2, random_state=0).fit(X.astype(dtype), Y)
    assert {w.dtype.name for w in net.coefs_ + net.intercepts_} == {dtype}
    assert make(max_iter=2).fit((10 * X).astype(int), Y).coefs_[0].dtype == "float64"


@BOTH
def test_weights_that_overflow_are_refused_and_the_cause_is_told(make):
    with pytest.raises(InputError, match="non-finite parameter weights") as caught:
        make(max_iter=3).fit(1e300 * X, Y)
    assert isinstance(caught.value.__cause__, bpx.DivergenceError)


@BOTH
def test_dropout_trains_reproducibly_and_answers_without_masks(make):
    settings = {"max_iter": 6, "random_state": 3, "hidden_layer_sizes": (9, 8)}
    net, again, none = (
        make(dropout=rate, **settings).fit(X, Y) for rate in (0.5, [0.5, 0.5], 0.0)
    )
    assert net.loss_curve_ == again.loss_curve_
    assert net.loss_curve_ != none.loss_curve_
    np.testing.assert_array_equal(net.predict(X), net.predict(X))


def test_weights_of_0_leave_samples_out():
    s = np.r_[np.ones(20), np.zeros(10)]
    settings = {"max_iter": 9, "random_state": 0, "shuffle": False, "batch_size": 20}
    net = MLPRegressor(**settings, solver="sgd", momentum=0.0).fit(X, Y, sample_weight=s)
    part = MLPRegressor(**settings, solver="sgd", momentum=0.0).fit(X[:20], Y[:20])
    np.testing.assert_allclose(net.coefs_[0], part.coefs_[0], rtol=1e-12)


@BOTH
def test_the_order_in_memory_changes_no_bit(make):
    settings = {"max_iter": 6, "random_state": 0}
    net = make(**settings).fit(X, Y)
    for x in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(make(**settings).fit(x, Y).coefs_[0], net.coefs_[0])


def test_other_numbers_of_outputs_are_refused_and_nothing_changes():
    net = MLPRegressor(max_iter=2, random_state=0).fit(X, X[:, :2])
    for more in ({"X_val": X, "y_val": X[:, :3]}, {"X_val": X, "y_val": Y}):
        with pytest.raises(InputError, match="outputs, but y has 2"):
            net.fit(X, X[:, :2], **more)
    with pytest.raises(InputError, match="y has 3 outputs, but the last fit had 2"):
        net.partial_fit(X, X[:, :3])
    assert net.partial_fit(X, X[:, :2]).n_outputs_ == 2
