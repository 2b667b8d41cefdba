"""Optimizers against their papers' formulas and against PyTorch's."""

from math import inf, nan

import numpy as np
import pytest

import bpx
from bpx.model.parameters import Gradients, Parameters
from bpx.optim import SGD, Adam, mapped
from bpx.training.step import added

STEPS = 50
RULES = {
    "sgd": SGD(0.05),
    "momentum": SGD(0.05, momentum=0.9),
    "nesterov": SGD(0.05, momentum=0.9, nesterov=True),
    "adam": Adam(0.03),
    "adam_otherwise": Adam(0.1, beta1=0.7, beta2=0.9, epsilon=1e-3),
}

each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def parameters(dtype="float64"):
    """Two layers' weights and biases."""
    rng = np.random.default_rng(0)
    shapes = ([(3, 2), (1, 3)], [(3,), (1,)])
    return Parameters.dense(
        *(tuple(rng.standard_normal(s).astype(dtype) for s in group) for group in shapes)
    )


def leaves(tree):
    """The arrays of a tree of tuples or lists, in order."""
    if isinstance(tree, tuple | list):
        return [array for branch in tree for array in leaves(branch)]
    return [] if tree is None else [tree]


def slope(w):
    """The gradient of sum(w**4 / 4 - w**2 + 0.3 w): of several minima, by operators alone."""
    return w * w * w - 2.0 * w + 0.3


def gradients(p):
    return Gradients(mapped(slope, p).layers)


def run(rule, p, steps=STEPS, at=gradients):
    """The parameters after each step."""
    state, visited = rule.init(p), []
    for _ in range(steps):
        updates, state = rule.update(at(p), state, p)
        p = added(p, updates)
        visited.append(p)
    return visited


def assert_same(got, expected, tolerance=1e-12):
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= tolerance


# Against the formulas, one array at a time


def by_sgd(w):
    while True:
        w = w - 0.05 * slope(w)
        yield w


def by_momentum(w):
    """The book's (107) and (108)."""
    v = 0.0 * w
    while True:
        v = 0.9 * v - 0.05 * slope(w)
        w = w + v
        yield w


def by_nesterov(stored):
    """Sutskever et al. 2013, (3) and (4): theta, with the slope at theta + mu v.

    What is stored, and where the slope is taken, is the point ahead.
    """
    theta, v = stored, 0.0 * stored
    while True:
        v = 0.9 * v - 0.05 * slope(theta + 0.9 * v)
        theta = theta + v
        yield theta + 0.9 * v


def by_adam(w, eta=0.03, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma and Ba 2015, algorithm 1."""
    m, v, t = 0.0 * w, 0.0 * w, 0
    while True:
        t, g = t + 1, slope(w)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        w = w - eta * m_hat / (np.sqrt(v_hat) + epsilon)
        yield w


FORMULAS = {
    "sgd": by_sgd,
    "momentum": by_momentum,
    "nesterov": by_nesterov,
    "adam": by_adam,
    "adam_otherwise": lambda w: by_adam(w, 0.1, 0.7, 0.9, 1e-3),
}


@pytest.mark.parametrize("name", RULES)
def test_against_the_formulas(name):
    visited = run(RULES[name], parameters())
    rivals = [FORMULAS[name](w) for w in leaves(parameters())]
    for p in visited:
        assert_same(p, [next(rival) for rival in rivals])
    moved = zip(leaves(visited[-1]), leaves(parameters()), strict=True)
    assert all(np.abs(a - b).max() > 0.01 for a, b in moved)


@pytest.mark.parametrize("name", RULES)
def test_against_torch(name):
    torch = pytest.importorskip("torch", reason="the peer is torch.optim")
    tensors = [torch.from_numpy(w.copy()).requires_grad_() for w in leaves(parameters())]
    peer = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
        "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
        "adam": lambda p: torch.optim.Adam(p, lr=0.03),
        "adam_otherwise": lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.7, 0.9), eps=1e-3),
    }[name](tensors)
    for p in run(RULES[name], parameters()):
        for tensor in tensors:
            tensor.grad = slope(tensor.detach())
        peer.step()
        assert_same(p, [tensor.detach().numpy() for tensor in tensors])


# Adam's correction in single precision


@pytest.mark.parametrize("t", [1, 2, 10, 100, 1000])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.999, 0.9999)])
def test_adams_bias_correction_keeps_single_precision(betas, t):
    """Had the slope always been g, the corrected step is eta g / (|g| + epsilon) at any t."""
    rule = Adam(1e-3, *betas)
    p = Parameters.dense((np.zeros((1, 2), np.float32),), (np.zeros(1, np.float32),))
    g = Gradients.dense((np.array([[0.5, -3.0]], np.float32),), (np.array([2.0], np.float32),))
    state = rule.init(p)
    beta1, beta2 = (float(beta[0]) for beta in (state.beta1, state.beta2))
    state = state.having(
        t=np.array([t - 1], np.float32),
        m=averaged(g, lambda each: (1 - beta1 ** (t - 1)) * each),
        v=averaged(g, lambda each: (1 - beta2 ** (t - 1)) * each**2),
    )
    moved, state = rule.update(g, state, p)  # of weights that are 0
    assert state.t.tolist() == [t]
    for step, each in zip(leaves(moved), leaves(g), strict=True):
        assert step.dtype == np.float32
        np.testing.assert_allclose(step, -1e-3 * np.sign(each), rtol=1e-6)


def averaged(g, rule):
    """Moments computed in double precision, rounded once."""
    return mapped(lambda each: rule(each.astype(np.float64)).astype(np.float32), g)


# What training relies on


@each_rule
def test_update_is_pure(rule):
    p = parameters()
    state, g = rule.init(p), gradients(p)
    _, state = rule.update(g, state, p)  # a state that is not all zeros
    given = leaves((p, state, g))
    before = [array.copy() for array in given]
    for array in given:
        array.setflags(write=False)
    first, second = rule.update(g, state, p), rule.update(g, state, p)
    assert all(map(np.array_equal, given, before))
    assert all(map(np.array_equal, leaves(first), leaves(second)))
    assert not any(np.shares_memory(a, b) for a in leaves(first[0]) for b in leaves(p))


@each_rule
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_dtypes_of_the_state_do_not_drift(rule, dtype):
    p = parameters(dtype)
    state = rule.init(p)
    kept = leaves((p, state))
    assert {array.dtype.name for array in kept} == {dtype}
    for _ in range(2):
        updates, state = rule.update(gradients(p), state, p)
        p = added(p, updates)
        now = leaves((p, state))
        assert isinstance(p, Parameters)
        assert [(a.shape, a.dtype) for a in now] == [(a.shape, a.dtype) for a in kept]


@each_rule
def test_numbers_are_arrays_in_the_state(rule):
    """So that one compiled step serves every learning rate."""
    numbers = [array for array in leaves(rule.init(parameters())) if array.shape == (1,)]
    values = {float(array[0]) for array in numbers}
    expected = [rule.eta]
    if isinstance(rule, Adam):
        expected += [rule.beta1, rule.beta2, rule.epsilon]
    elif rule.momentum:
        expected += [rule.momentum]
    assert set(expected) <= values


def test_the_rule_is_chosen_by_what_changes_it_alone():
    assert SGD(3.0).update is SGD(0.5).update
    assert SGD(3.0, momentum=0.9).update is SGD(0.5, momentum=0.5).update
    assert Adam(1e-3).update is Adam(1e-2, beta1=0.5, beta2=0.9, epsilon=1e-6).update
    updates = {rule.update for rule in RULES.values()}
    assert len({hash(update) for update in updates}) == len(updates) == 4


def test_the_learning_rate_in_the_state_is_the_one_that_counts():
    p = parameters()
    one, other = SGD(0.05), SGD(0.5)
    moved, _ = one.update(gradients(p), other.init(p), p)
    assert_same(moved, other.update(gradients(p), other.init(p), p)[0], tolerance=0.0)


def test_a_numpy_number_does_not_widen_single_precision():
    p = parameters("float32")
    rule = SGD(np.float64(0.05), momentum=np.float64(0.9))
    moved, state = rule.update(gradients(p), rule.init(p), p)
    assert {array.dtype.name for array in leaves((moved, state))} == {"float32"}


def test_optimizers_are_frozen_values():
    assert SGD(0.5) == SGD(0.5) != SGD(0.25)
    assert hash(Adam()) == hash(Adam(1e-3, 0.9, 0.999, 1e-8))
    with pytest.raises(AttributeError):
        SGD(0.5).eta = 1.0


@each_rule
def test_fit_takes_the_steps_of_the_rule(rule):
    net = bpx.Network([2, 3, 1], seed=0, backend="numpy", dtype="float64")
    x, y = np.array([[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0]]), np.array([0.2, 0.9, 0.4])
    expected = run(
        rule,
        net.parameters,
        steps=4,
        at=lambda p: bpx.backprop(net.spec, p, x, y[:, None]).gradients,
    )[-1]
    net.fit(x, y, epochs=4, batch_size=3, optimizer=rule, shuffle=False, seed=0)
    assert_same(net.parameters, expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": 0.0}, "eta=0.0 .* positive"),
        ({"eta": -1.0}, "eta=-1.0 .* positive"),
        ({"eta": nan}, "eta=nan .* positive"),
        ({"eta": inf}, "eta=inf .* positive"),
        ({"momentum": 1.0}, r"momentum=1.0 .* \[0, 1\)"),
        ({"momentum": -0.1}, r"momentum=-0.1 .* \[0, 1\)"),
        ({"momentum": nan}, r"momentum=nan .* \[0, 1\)"),
        ({"nesterov": True}, "nesterov=True .* without momentum"),
    ],
    ids=str,
)
def test_sgd_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        SGD(**{"eta": 0.5, **settings})


@pytest.mark.parametrize("bad", [1.0, -0.5, nan])
@pytest.mark.parametrize("name", ["beta1", "beta2"])
def test_adam_refuses_rates_out_of_0_to_1(name, bad):
    with pytest.raises(bpx.InputError, match=rf"{name}={bad} .* \[0, 1\)"):
        Adam(**{name: bad})


@pytest.mark.parametrize("bad", [0.0, -1e-8, nan, inf])
@pytest.mark.parametrize("name", ["eta", "epsilon"])
def test_adam_refuses_what_is_not_positive(name, bad):
    with pytest.raises(bpx.InputError, match=rf"{name}={bad} .* positive"):
        Adam(**{name: bad})
