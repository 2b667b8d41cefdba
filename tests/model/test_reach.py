"""Targets that the output cannot reach are refused before training; those it can are not."""

import numpy as np
import pytest

import bpx
from bpx.model.reach import check_reach, numbered
from tests.backends import host

N = 12
SETTINGS = {"epochs": 1, "batch_size": 4, "optimizer": bpx.SGD(0.1), "seed": 0}


def samples(low, high, k=1):
    rng = np.random.default_rng(0)
    return rng.random((N, 3)), np.linspace(low, high, N * k).reshape((N, k) if k > 1 else N)


def network(output, k=1, **settings):
    return bpx.Network([3, 4, k], output=output, seed=0, **settings)


@pytest.mark.parametrize(
    ("output", "k", "low", "high", "said"),
    [
        ("sigmoid", 1, 25.0, 346.0, r"from 25 to 346.*sigmoid, gives numbers in \[0, 1\]"),
        ("sigmoid", 2, -0.1, 1.0, "from -0.1 to 1"),
        ("tanh", 1, -1.0, 1.5, r"tanh, gives numbers in \[-1, 1\]"),
        ("relu", 1, -2.0, 2.0, "relu, gives no number below 0"),
        ("softplus", 1, -2.0, 2.0, "softplus, gives no number below 0"),
        ("elu", 1, -2.0, 2.0, "elu, gives no number below -1"),
        ("softmax", 3, 0.0, 2.0, r"softmax, gives numbers in \[0, 1\]"),
    ],
)
def test_targets_out_of_reach_are_refused_and_the_advice_works(output, k, low, high, said):
    x, y = samples(low, high, k)
    net = network(output, k)
    before = net.parameters
    for train in (
        lambda: net.fit(x, y, **SETTINGS),
        lambda: bpx.train(net, (x, y), **SETTINGS),
    ):
        with pytest.raises(bpx.InputError, match=said) as refused:
            train()
    assert net.parameters is before
    message = str(refused.value)
    assert "output='identity'" in message
    network("identity", k).fit(x, y, **SETTINGS)
    code = message.partition("scale the targets: ")[2]
    net.fit(x, eval(code, {"np": np, "y": y}), **SETTINGS)
    net.fit(x, eval(code, {"np": np, "y": y.tolist()}), **SETTINGS)


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "relu", "softplus", "elu", "identity"])
def test_targets_within_reach_are_trained_on(output):
    network(output).fit(*samples(0.0, 1.0 + 1e-9), **SETTINGS)  # which rounding may give
    network(output).evaluate(*samples(-9.0, 9.0))  # to be measured they may be anything


@pytest.mark.parametrize("cost", ["mae", "huber(delta=0.5)", bpx.costs.huber(2.0)])
def test_every_built_in_cost_of_numbers_has_this_reach(cost):
    with pytest.raises(bpx.InputError, match=r"from 25 to 346.*sigmoid, gives numbers"):
        network("sigmoid", cost=cost).fit(*samples(25.0, 346.0), **SETTINGS)
    network("identity", cost=cost).fit(*samples(25.0, 346.0), **SETTINGS)


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("shape", [(N,), (N, 1)])
@pytest.mark.parametrize("classes", [(1, 2), (0, 2), (-1, 1), (3, 7)])
def test_two_classes_are_numbered_from_0(cost, shape, classes):
    x, _ = samples(0, 1)
    y = np.resize(classes, N).reshape(shape)
    net = network("sigmoid", cost=cost)
    with pytest.raises(bpx.InputError, match="two classes, number them from 0: np") as refused:
        net.fit(x, y, **SETTINGS)
    code = str(refused.value).rpartition(": ")[2]
    again = eval(code, {"np": np, "y": y})
    assert net.fit(x, again, **SETTINGS)[0].accuracy is not None


def test_what_is_no_two_classes():
    assert numbered(np.array([1.0, 2.0, 3.0]), "y") == ""
    assert numbered(np.array([1.5, 2.0, 2.0]), "y") == ""
    assert numbered(np.array([2.0, 2.0]), "y") == ""
    assert numbered(np.array([[1.0, 2.0]]), "y") == ""


def test_an_activation_and_a_cost_of_ones_own_are_not_second_guessed():
    x, y = samples(25.0, 346.0)
    mine = bpx.Elementwise("sigmoid", lambda z: 400.0 * z, lambda z, a: 400.0 + 0.0 * z)
    network(mine).fit(x, y, **SETTINGS)
    loss = bpx.Cost("mine", bpx.costs.quadratic.value, bpx.costs.quadratic.grad_a)
    network("sigmoid", cost=loss).fit(x, y, **SETTINGS)


def test_an_activation_of_ones_own_may_say_its_reach():
    mine = bpx.Elementwise(
        "half", lambda z: 0.5 + 0.0 * z, lambda z, a: 0.0 * z, reach=(0.0, 0.5)
    )
    with pytest.raises(bpx.InputError, match=r"half, gives numbers in \[0, 0\.5\]"):
        network(mine).fit(*samples(0.0, 0.6), **SETTINGS)
    network(mine).fit(*samples(0.0, 0.5), **SETTINGS)


@pytest.mark.parametrize("name", bpx.activations.ACTIVATIONS)
def test_the_reach_of_the_built_in_ones_is_theirs(name):
    sigma = bpx.activations.ACTIVATIONS[name]
    z = np.linspace(-30.0, 30.0, 601)[:, None] * [1.0, 0.0]
    a = sigma.sigma(z)
    if sigma.reach is None:
        assert a.min() < -0.1  # gelu_tanh and silu dip below 0
        return
    low, high = sigma.reach
    assert a.min() == pytest.approx(low, abs=1e-9)
    assert a.max() == pytest.approx(high, abs=1e-9) or a.max() > 29.0


def test_on_each_library(target):
    net = target.network([3, 4, 1], seed=0)
    y = target.asarray(samples(25.0, 346.0)[1])
    with pytest.raises(bpx.InputError, match="from 25 to 346"):
        check_reach(net.spec, y, "y")
    assert host(y).max() == 346.0


def test_at_the_prompt_no_expression_is_advised():
    spec = network("sigmoid").spec
    with bpx.errors.at_the_prompt({}):
        with pytest.raises(bpx.InputError, match="use --output identity, or scale") as refused:
            check_reach(spec, samples(25.0, 346.0)[1], "y")
        assert "np." not in str(refused.value)
        assert numbered(np.array([1, 2]), "y").endswith("number them 0 and 1 in the file")
