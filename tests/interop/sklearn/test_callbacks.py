"""scikit-learn's callbacks are told of each epoch, and may end the training."""

import numpy as np
import pytest

pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")

from bpx.sklearn import MLPClassifier, MLPRegressor

X, Y = np.random.RandomState(0).standard_normal((30, 3)), np.arange(30) % 3


class Recorder:
    def __init__(self, last=None):
        self.told, self.last, self.fitted = [], last, []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.told.append(f"begin {context.task_name} {context.task_id} {X.shape}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.told.append(f"end {context.task_name} {context.task_id}")
        self.fitted.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id == self.last


def test_they_are_told_of_the_fit_and_its_epochs():
    recorder = Recorder(last=1)
    net = MLPClassifier(4, max_iter=9, random_state=0).set_callbacks(recorder).fit(X, Y)
    assert net.n_iter_ == 2
    assert recorder.told == [
        "setup", "begin fit 0 (30, 3)",
        "begin epoch 0 (30, 3)", "end epoch 0", "begin epoch 1 (30, 3)", "end epoch 1",
        "end fit 0", "teardown",
    ]  # fmt: skip


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_they_get_an_estimator_that_is_fitted_so_far(make):
    recorder = Recorder(last=2)
    net = (
        make(hidden_layer_sizes=4, max_iter=9, random_state=0).set_callbacks(recorder).fit(X, Y)
    )
    first, _, third, _ = recorder.fitted
    np.testing.assert_array_equal(third.predict(X), net.predict(X))
    np.testing.assert_array_equal(third.coefs_[0], net.coefs_[0])
    assert not np.array_equal(first.coefs_[0], net.coefs_[0])


def test_a_teardown_follows_a_fit_that_fails():
    recorder = Recorder()
    net = MLPRegressor(hidden_layer_sizes=4, max_iter=9, random_state=0).set_callbacks(recorder)
    with pytest.raises(ValueError, match="non-finite"):
        net.fit(1e300 * X, Y)
    assert recorder.told[-1] == "teardown"


@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_lbfgs_tells_of_the_fit():
    recorder = Recorder()
    MLPRegressor(hidden_layer_sizes=4, solver="lbfgs", max_iter=3).set_callbacks(recorder).fit(
        X, Y
    )
    assert recorder.told == ["setup", "begin fit 0 (30, 3)", "end fit 0", "teardown"]
