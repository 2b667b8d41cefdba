"""Costs against the formulas, their gradients and their second derivatives."""

from dataclasses import replace
from math import cosh, log

import numpy as np
import pytest

import bpx
from bpx import activations, costs
from bpx.activations import ACTIVATIONS, Elementwise, sigmoid
from bpx.costs import COSTS, Cost, Pair, quadratic
from bpx.costs.cost import Formula
from bpx.equations import bp1

# C_x of one sample, from the book's (6), (57) and (80).
ONE_SAMPLE = {
    "quadratic": lambda a, y: sum((aj - yj) ** 2 for aj, yj in zip(a, y, strict=True)) / 2,
    "binary_cross_entropy": lambda a, y: (
        -sum(yj * log(aj) + (1 - yj) * log(1 - aj) for aj, yj in zip(a, y, strict=True))
    ),
    "categorical_cross_entropy": lambda a, y: (
        -sum(yj * log(aj) for aj, yj in zip(a, y, strict=True))
    ),
    "mae": lambda a, y: sum(abs(aj - yj) for aj, yj in zip(a, y, strict=True)),
    "huber": lambda a, y: of_differences(a, y, lambda d: min(d, 1.0) * (d - min(d, 1.0) / 2)),
    "huber(delta=0.25)": lambda a, y: of_differences(
        a, y, lambda d: d * d / 2 if d < 0.25 else 0.25 * (d - 0.125)
    ),
    "log_cosh": lambda a, y: of_differences(a, y, lambda d: log(cosh(d))),
    "quantile": lambda a, y: of_differences(a, y, lambda d: d / 2),
    "quantile(0.1, 0.75)": lambda a, y: sum(
        (q if yj > aj else 1 - q) * abs(yj - aj)
        for aj, yj, q in zip(a, y, [0.1, 0.75, 0.1, 0.75], strict=True)
    ),
    "poisson": lambda a, y: sum(aj - yj * log(aj) for aj, yj in zip(a, y, strict=True)),
    "kl_divergence": lambda a, y: sum(
        yj * log(yj / aj) for aj, yj in zip(a, y, strict=True) if yj
    ),
    "binary_focal": lambda a, y: focal(a, y, 2.0),
    "binary_focal(gamma=1.5, alpha=0.25)": lambda a, y: focal(a, y, 1.5, 0.25, 0.75),
    "categorical_focal": lambda a, y: focal(a, y, 2.0, 1.0, 0.0),
    "categorical_focal(gamma=0.5)": lambda a, y: focal(a, y, 0.5, 1.0, 0.0),
    "hinge": lambda a, y: sum(
        max(0.0, 1.0 - (aj if yj else -aj)) for aj, yj in zip(a, y, strict=True)
    ),
    "categorical_hinge": lambda a, y: max(
        0.0, *(1.0 + a[j] - a[list(y).index(1.0)] for j in range(len(a)) if not y[j])
    ),
    "binary_cross_entropy(label_smoothing=0.1)": lambda a, y: ONE_SAMPLE[
        "binary_cross_entropy"
    ](a, 0.9 * y + 0.05),
    "categorical_cross_entropy(label_smoothing=0.2)": lambda a, y: ONE_SAMPLE[
        "categorical_cross_entropy"
    ](a, 0.8 * y + 0.2 / len(y)),
}
ALL = {name: costs.built_in(name) for name in ONE_SAMPLE}
PAIRED = [(cost, output, pair) for cost in ALL.values() for output, pair in cost.pairs]
ZERO_WHERE_RIGHT = [
    "quadratic",
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "mae",
    "kl_divergence",
    "binary_focal",
    "categorical_focal(gamma=0.5)",
]

each_cost = pytest.mark.parametrize("cost", ALL.values(), ids=ALL)
each_pair = pytest.mark.parametrize(
    ("cost", "output", "pair"), PAIRED, ids=[f"{c.name}-{o.name}" for c, o, _ in PAIRED]
)


def of_differences(a, y, of):
    return sum(of(abs(aj - yj)) for aj, yj in zip(a, y, strict=True))


def focal(a, y, gamma, one=1.0, zero=1.0):
    return -sum(
        one * yj * (1 - aj) ** gamma * log(aj) + zero * (1 - yj) * aj**gamma * log(1 - aj)
        for aj, yj in zip(a, y, strict=True)
    )


def targets(cost, n, k, rng):
    if cost.targets == "real":
        return rng.standard_normal((n, k))
    if cost.targets == "one_hot":
        return np.eye(k)[rng.integers(0, k, n)]
    if cost.targets == "binary":
        return rng.integers(0, 2, (n, k)).astype("float64")
    y = rng.uniform(0.05, 0.95, (n, k))
    return y / y.sum(axis=1, keepdims=True) if cost.targets == "distribution" else y


def outputs_and_targets(cost, n=6, k=4):
    rng = np.random.default_rng(0)
    return rng.uniform(0.05, 0.95, (n, k)), targets(cost, n, k, rng)


def test_every_cost_is_tried_here():
    assert set(COSTS) <= set(ONE_SAMPLE)
    assert all(cost.name == name for name, cost in ALL.items())
    assert {(c.name.partition("(")[0], o.name) for c, o, _ in PAIRED} == {
        ("quadratic", "identity"),
        ("binary_cross_entropy", "sigmoid"),
        ("categorical_cross_entropy", "softmax"),
        ("poisson", "exponential"),
        ("poisson", "softplus"),
        ("kl_divergence", "softmax"),
        ("binary_focal", "sigmoid"),
        ("categorical_focal", "softmax"),
    }


@each_cost
def test_value_is_one_number_for_each_sample(cost):
    a, y = outputs_and_targets(cost)
    expected = [ONE_SAMPLE[cost.name](*rows) for rows in zip(a, y, strict=True)]
    value = cost.value(a, y)
    assert value.shape == (len(a),)
    np.testing.assert_allclose(value, expected, rtol=1e-13)


@each_cost
def test_grad_a_is_the_derivative_of_the_value(cost):
    (a, y), h = outputs_and_targets(cost), 1e-5
    grad = cost.grad_a(a, y)
    assert grad.shape == a.shape
    for j in range(a.shape[1]):
        step = h * (np.arange(a.shape[1]) == j)
        slope = (cost.value(a + step, y) - cost.value(a - step, y)) / (2.0 * h)
        np.testing.assert_allclose(grad[:, j], slope, rtol=1e-6, atol=1e-9)


@each_cost
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_extreme_outputs_give_finite_numbers(cost, dtype, size):
    low, high = (
        (0.0, 1.0)
        if cost.outputs and ACTIVATIONS["identity"] not in cost.outputs
        else (-size, size)
    )
    a, v = np.array([[low, high], [high, low]], dtype=dtype), np.ones((2, 2), dtype)
    y = np.array([[0.0, 1.0], [0.0, 1.0]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = cost.value(a, y), cost.grad_a(a, y)
    for each in (*found, cost.hess_a(0.5 * a + 0.25, y, v)):
        assert each.dtype == dtype
        assert np.isfinite(each).all()


@pytest.mark.parametrize("name", ZERO_WHERE_RIGHT)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_saturated_outputs_give_finite_numbers(name, dtype):
    cost = ALL[name]
    a = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=dtype)
    y = np.array([[0.0, 1.0], [0.0, 1.0]], dtype=dtype)  # right, then wholly wrong
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, grad = cost.value(a, y), cost.grad_a(a, y)
    assert value.dtype == grad.dtype == dtype
    assert np.isfinite(value).all()
    assert np.isfinite(grad).all()
    assert value[0] == 0.0
    assert value[1] >= 1.0
    assert (grad[1] * [1, -1] >= 0).all()
    assert grad[1, 1] <= -1


# Pairs


def regular_logits(output, cost, n=6, k=4):
    rng = np.random.default_rng(1)
    z = 2.0 * rng.standard_normal((n, k))
    return z, output.sigma(z), targets(cost, n, k, rng)


def output_paired_with(cost):
    return cost.pairs[0][0]


@each_pair
def test_evaluate_and_delta_take_the_pair(cost, output, pair):
    z, a, y = regular_logits(output, cost)
    assert cost.pair(output) is pair
    assert np.array_equal(cost.evaluate(output, z, a, y), pair.value(z, y))
    assert np.array_equal(cost.delta(output, z, a, y), pair.delta(z, a, y))


@pytest.mark.parametrize(
    "cost", [cost for cost in ALL.values() if cost.pairs], ids=[n for n in ALL if ALL[n].pairs]
)
def test_without_a_pair_it_is_the_plain_value_and_bp1(cost):
    """An activation is its functions, not its name: an impostor has no pair."""
    paired = output_paired_with(cost)
    impostor = Elementwise(
        paired.name, activations.tanh.sigma, lambda z, a: 1.0 - np.tanh(z) ** 2
    )
    z, a, y = regular_logits(activations.sigmoid, cost)
    assert cost.pair(impostor) is None
    assert np.array_equal(cost.evaluate(impostor, z, a, y), cost.value(a, y))
    plain = bp1(impostor, z, a, cost.grad_a(a, y))
    assert np.array_equal(cost.delta(impostor, z, a, y), plain)
    assert not np.allclose(plain, a - y)


@pytest.mark.parametrize("z", [20.0, 40.0, 90.0, 1000.0])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_a_confident_mistake_keeps_its_error_in_float32(output, z):
    """delta stays a - y, and the cost about z, where a logarithm of a would have ended."""
    sigma = ACTIVATIONS[output]
    cost = costs.get("cross_entropy", sigma)
    logits, y = np.float32([[z, -z]]), np.float32([[0.0, 1.0]])
    a = sigma.sigma(logits)
    np.testing.assert_allclose(cost.delta(sigma, logits, a, y), [[1.0, -1.0]], atol=1e-6)
    np.testing.assert_allclose(cost.evaluate(sigma, logits, a, y), [2.0 * z], rtol=1e-6)


# A cost of one's own


def quartic(pairs=()):
    return Cost(
        "quartic",
        lambda a, y: 0.25 * ((a - y) ** 4).sum(axis=1),
        lambda a, y: (a - y) ** 3,
        pairs=pairs,
    )


def trained_on(cost):
    net = bpx.Network(
        [2, 3, 2], output="tanh", cost=cost, seed=0, backend="numpy", dtype="float64"
    )
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 2)), rng.standard_normal((5, 2))
    return net.backprop(x, y), y


def test_a_cost_of_ones_own_goes_through_bp1():
    trace, y = trained_on(quartic())
    a = trace.a[-1]
    np.testing.assert_allclose(trace.cost, 0.25 * ((a - y) ** 4).sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(trace.delta[-1], (a - y) ** 3 * (1 - a * a), rtol=1e-14)


def test_a_pair_of_ones_own_is_taken():
    pair = Pair(lambda z, y: 7.0 + 0.0 * z[:, 0], lambda z, a, y: 5.0 * z)
    trace, _ = trained_on(quartic(pairs=((activations.tanh, pair),)))
    assert trace.cost.tolist() == [7.0] * 5
    assert np.array_equal(trace.delta[-1], 5.0 * trace.z[-1])
    other, _ = trained_on(quartic(pairs=((activations.relu, pair),)))
    assert np.array_equal(other.cost, trained_on(quartic())[0].cost)


def test_formulas_are_equal_by_their_numbers():
    one, other = (Formula(np.add, (0.5,)) for _ in range(2))
    assert one == other != Formula(np.add, (0.25,))
    assert hash(one) == hash(other)
    assert one(2.0) == 2.5


def test_an_unknown_kind_of_targets():
    with pytest.raises(
        bpx.InputError, match=r"targets='counts' was given; expected one of real"
    ):
        replace(quadratic, targets="counts")


def test_costs_are_hashable():
    assert len({*COSTS.values(), *COSTS.values()}) == len(COSTS)


# Second derivatives, against central differences of delta^L


def curved_ends():
    for cost in COSTS.values():
        for output in ACTIVATIONS.values():
            if cost.outputs is None or output in cost.outputs:
                yield pytest.param(cost, output, id=f"{cost.name}-{output.name}")


def at_random(cost, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.uniform(0.1, 2.0, (6, 4)) * rng.choice([-1.0, 1.0], (6, 4))
    y = rng.uniform(0.1, 1.0, (6, 4))
    return z, (y / y.sum(axis=1, keepdims=True)), rng.standard_normal((6, 4))


@pytest.mark.parametrize(("cost", "output"), list(curved_ends()))
def test_delta_derivative(cost, output):
    z, y, v = at_random(cost)
    h = 1e-5

    def delta(z):
        return cost.delta(output, z, output.sigma(z), y)

    slope = (delta(z + h * v) - delta(z - h * v)) / (2.0 * h)
    found = cost.delta_derivative(output, z, output.sigma(z), y, v)
    np.testing.assert_allclose(found, slope, atol=1e-8)


@pytest.mark.parametrize(("cost", "output"), list(curved_ends()))
def test_delta_derivative_the_plain_way(cost, output):
    """Without its pair a cost has the same Hessian, by hess_a and sigma''."""
    z, y, v = at_random(cost, 1)
    plain = replace(cost, pairs=())
    a = output.sigma(z)
    found = plain.delta_derivative(output, z, a, y, v)
    expected = cost.delta_derivative(output, z, a, y, v)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("cost", "output"), list(curved_ends()))
def test_the_gauss_newton_split_is_symmetric_and_not_negative(cost, output):
    z, y, v = at_random(cost, 2)
    u, a = v[:, ::-1].copy(), output.sigma(z)
    h_v, h_u = (cost.gauss_newton(output, z, a, y, each) for each in (v, u))
    np.testing.assert_allclose((u * h_v).sum(axis=1), (v * h_u).sum(axis=1), rtol=1e-12)
    assert ((v * h_v).sum(axis=1) >= 0.0).all()


def test_a_cost_without_second_derivatives():
    z, y, v = at_random(quadratic)
    cost = Cost("mine", quadratic.value, quadratic.grad_a)
    with pytest.raises(bpx.InputError, match="the cost 'mine' was made without hess_a"):
        cost.gauss_newton(sigmoid, z, sigmoid.sigma(z), y, v)
    paired = replace(cost, pairs=((sigmoid, Pair(lambda z, y: z, lambda z, a, y: z)),))
    with pytest.raises(bpx.InputError, match="the pair of 'mine' was made without hess_z"):
        paired.delta_derivative(sigmoid, z, sigmoid.sigma(z), y, v)
