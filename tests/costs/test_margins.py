"""The hinge losses: their values, classes by the sign, and targets that are no classes."""

import numpy as np
import pytest

import bpx
from bpx import costs
from tests.backends import host

X = np.array([[2.0, 1.0], [-1.5, 0.5], [1.0, -2.0], [-2.0, -1.0], [3.0, 0.0], [-0.5, 1.0]])
Y = (X[:, 0] > 0).astype("int32")


def test_they_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is compared with")
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((20, 1)), rng.integers(0, 2, (20, 1)).astype(float)
    assert costs.hinge.value(a, y).mean() == pytest.approx(
        metrics.hinge_loss(y[:, 0], a[:, 0]), rel=1e-12
    )
    a, y = rng.standard_normal((20, 4)), np.arange(20) % 4
    assert costs.categorical_hinge.value(a, np.eye(4)[y]).mean() == pytest.approx(
        metrics.hinge_loss(y, a), rel=1e-12
    )


def test_at_their_corners_the_gradient_is_a_subgradient():
    one = np.ones((1, 1))
    assert costs.hinge.grad_a(one, one).tolist() == [[0.0]]
    tie = np.array([[0.0, -1.0, 1.0]])
    assert costs.categorical_hinge.value(tie, np.array([[0.0, 0.0, 1.0]])).tolist() == [0.0]
    assert costs.categorical_hinge.grad_a(tie, np.array([[0.0, 0.0, 1.0]])).tolist() == [
        [1.0, 0.0, -1.0]
    ]


@pytest.mark.parametrize("form", [(6,), (6, 1)])
def test_a_single_output_is_judged_by_its_sign(target, form):
    net = target.network([2, 1], output="identity", cost="hinge", seed=0)
    y = Y.reshape(form)
    history = net.fit(X, y, epochs=60, batch_size=3, optimizer=bpx.SGD(0.1), seed=0,
                      validation=(X, y), compile=target.value.compile)  # fmt: skip
    assert history[-1].accuracy == history[-1].validation.accuracy == 1.0
    assert net.evaluate(X, y).accuracy == 1.0
    assert host(net.classify(X)).tolist() == Y.tolist()
    assert (host(net.predict(X))[Y == 1] > 0.0).all()


def test_one_half_is_not_the_border():
    net = bpx.Network([1, 1], output="identity", cost="hinge", seed=0)
    net.parameters = ([[[1.0]]], [[0.0]])
    x = np.array([[0.25], [-0.25]])
    assert net.classify(x).tolist() == [1, 0]
    assert net.evaluate(x, [1, 0]).accuracy == 1.0
    assert bpx.Trainer(net, optimizer=bpx.SGD(0.1)).step(x, np.array([1, 0])).accuracy == 1.0


def test_several_classes(target):
    y = np.array([0, 1, 2, 1, 0, 1])
    net = target.network([2, 3], output="identity", cost="categorical_hinge", seed=0)
    history = net.fit(X, y, epochs=80, batch_size=6, optimizer=bpx.SGD(0.5), seed=0,
                      compile=target.value.compile)  # fmt: skip
    assert history[-1].cost < 0.5 * history[0].cost
    one_hot = net.evaluate(X, np.eye(3)[y])
    assert one_hot == net.evaluate(X, y)
    assert one_hot.accuracy is not None


@pytest.mark.parametrize(
    ("cost", "outputs", "y", "message"),
    [
        ("hinge", 1, [1, -1], r"y is neither 0 nor 1 in row 1, .*number them from 0"),
        ("hinge", 1, [1, 0.5], r"y is neither 0 nor 1 in row 1, and runs from 0.5 to 1"),
        ("hinge", 2, [[1, 0], [2, 0]], r"y is neither 0 nor 1 in row 1"),
        ("categorical_hinge", 2, [[1, 0], [1, 1]], r"y is not a class in row 1; .* labels"),
        ("categorical_hinge", 2, [[0.5, 0.5], [0, 1]], r"y is not a class in row 0"),
    ],
)
def test_what_is_no_class_is_refused(cost, outputs, y, message):
    net = bpx.Network([2, outputs], output="identity", cost=cost, seed=0)
    with pytest.raises(bpx.InputError, match=message):
        net.fit(X[:2], np.array(y), epochs=1, batch_size=2, optimizer=bpx.SGD(0.1))


def test_several_outputs_are_one_against_the_rest():
    net = bpx.Network([2, 3], output="identity", cost="hinge", seed=0)
    assert net.evaluate(X, [0, 1, 2, 1, 0, 1]).accuracy is not None
