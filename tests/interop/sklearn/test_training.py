"""The loop of an estimator: its batch size, its order, and the optimizer that it keeps."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the loop is that of scikit-learn's estimators")

from bpx.interop.sklearn.training import KeptOptimizer, Order
from bpx.sklearn import MLPRegressor

X, Y = np.random.RandomState(0).standard_normal((9, 2)), np.arange(9.0)
unconverged = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def test_each_order_is_drawn_from_the_last_one():
    order, random = Order(6, np.random.RandomState(1)), np.random.RandomState(1)
    expected = np.arange(6)
    for _ in range(3):
        expected = expected[random.permutation(6)]
        np.testing.assert_array_equal(order(), expected)
    np.testing.assert_array_equal(Order(6, None, np.arange(6)[::-1])(), [5, 4, 3, 2, 1, 0])
    np.testing.assert_array_equal(Order(6, None, np.arange(4))(), np.arange(6))


@unconverged
@pytest.mark.parametrize(("given", "steps"), [("auto", 1), (4, 3), (9, 1), (1, 9)])
def test_the_batch_size_sets_the_steps_of_an_epoch(given, steps):
    net = MLPRegressor(batch_size=given, max_iter=2).fit(X, Y)
    assert net._optimizer.numbers["steps"] == 2 * steps


@unconverged
def test_a_batch_size_above_n_is_clipped_with_a_warning():
    with pytest.warns(UserWarning, match="larger than sample size. It is going to be clipped"):
        net = MLPRegressor(batch_size=10, max_iter=1).fit(X, Y)
    assert net._optimizer.numbers["steps"] == 1


@unconverged
def test_the_kept_optimizer_is_plain_numbers_without_the_weights(target):
    net = MLPRegressor(max_iter=2, backend=target.spec, random_state=0).fit(X, Y)
    kept = net._optimizer
    assert isinstance(kept, KeptOptimizer)
    assert kept.arrays.keys()
    assert not [name for name in kept.arrays if name.startswith("parameters")]
    assert all(isinstance(each, np.ndarray) for each in kept.arrays.values())
    assert kept.learning_rate == pytest.approx(0.001)


@unconverged
def test_the_optimizer_of_another_solver_is_not_continued():
    net = MLPRegressor(random_state=0).partial_fit(X, Y)
    net.set_params(solver="sgd").partial_fit(X, Y)
    assert net._optimizer.numbers["epochs"] == 1
    net.partial_fit(X, Y)
    assert net._optimizer.numbers["epochs"] == 2
