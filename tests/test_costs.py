"""Costs against the formulas, their gradients and second derivatives, and the choice of one."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

import bpx
from bpx import activations, costs
from bpx.activations import ACTIVATIONS, Elementwise, sigmoid
from bpx.costs import COSTS, Cost, Pair, quadratic
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
}
PAIRED = [(cost, output, pair) for cost in COSTS.values() for output, pair in cost.pairs]

each_cost = pytest.mark.parametrize("cost", COSTS.values(), ids=COSTS)
each_pair = pytest.mark.parametrize(
    ("cost", "output", "pair"), PAIRED, ids=[f"{c.name}-{o.name}" for c, o, _ in PAIRED]
)


def targets(cost, n, k, rng):
    if cost.targets == "real":
        return rng.standard_normal((n, k))
    y = rng.uniform(0.05, 0.95, (n, k))
    return y / y.sum(axis=1, keepdims=True) if cost.targets == "distribution" else y


def outputs_and_targets(cost, n=6, k=4):
    rng = np.random.default_rng(0)
    return rng.uniform(0.05, 0.95, (n, k)), targets(cost, n, k, rng)


def test_every_cost_is_tried_here():
    assert set(COSTS) == set(ONE_SAMPLE)
    assert {(c.name, o.name) for c, o, _ in PAIRED} == {
        ("quadratic", "identity"),
        ("binary_cross_entropy", "sigmoid"),
        ("categorical_cross_entropy", "softmax"),
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
def test_saturated_outputs_give_finite_numbers(cost, dtype):
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


@each_cost
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


# Choosing one


@pytest.mark.parametrize(
    ("output", "chosen"),
    [("softmax", "categorical_cross_entropy"), ("sigmoid", "binary_cross_entropy")],
)
def test_cross_entropy_is_chosen_by_the_output(output, chosen):
    assert costs.get("cross_entropy", ACTIVATIONS[output]) is COSTS[chosen]
    net = bpx.Network([2, 3, 2], output=output, cost="cross_entropy", backend="numpy")
    assert net.spec.cost is COSTS[chosen]


@pytest.mark.parametrize("output", sorted(set(ACTIVATIONS) - {"softmax", "sigmoid"}))
@pytest.mark.parametrize(
    "cost", ["cross_entropy", "binary_cross_entropy", "categorical_cross_entropy"]
)
def test_cross_entropies_are_refused_after_outputs_that_leave_0_to_1(output, cost):
    with pytest.raises(
        bpx.InputError, match=rf"cost='{cost}'.* output='{output}'.* output='s(oftmax|igmoid)'"
    ):
        bpx.Network([2, 3, 2], output=output, cost=cost, backend="numpy")


@pytest.mark.parametrize("output", sorted(ACTIVATIONS))
def test_quadratic_follows_every_output(output):
    assert costs.get("quadratic", ACTIVATIONS[output]) is costs.quadratic


@pytest.mark.parametrize(
    ("name", "output", "other"),
    [
        ("binary_cross_entropy", "sigmoid", "softmax"),
        ("categorical_cross_entropy", "softmax", "sigmoid"),
    ],
)
def test_a_cross_entropy_follows_the_output_that_it_is_stable_after(name, output, other):
    assert costs.get(name, ACTIVATIONS[output]) is COSTS[name]
    assert costs.get(COSTS[name], ACTIVATIONS[output]) is COSTS[name]
    with pytest.raises(bpx.InputError, match=rf"{name}.*needs output='{output}'"):
        costs.get(name, ACTIVATIONS[other])


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


def own_sigmoid():
    return Elementwise("own", activations.sigmoid.sigma, lambda z, a: a * (1.0 - a))


def test_an_output_of_ones_own_is_not_second_guessed():
    assert costs.get("binary_cross_entropy", own_sigmoid()) is costs.binary_cross_entropy


def test_cross_entropy_cannot_be_chosen_by_an_output_of_ones_own():
    with pytest.raises(bpx.InputError, match="'own'"):
        costs.get("cross_entropy", own_sigmoid())


@pytest.mark.parametrize(
    ("given", "meant"), [("quadratc", "quadratic"), ("crossentropy", "cross_entropy")]
)
def test_an_unknown_name_is_told_the_nearest(given, meant):
    with pytest.raises(bpx.InputError) as caught:
        costs.get(given, activations.sigmoid)
    assert f"did you mean {meant!r}?" in str(caught.value)
    assert all(name in str(caught.value) for name in (*COSTS, "cross_entropy"))


@pytest.mark.parametrize("given", [np.square, 3, None], ids=["function", "number", "none"])
def test_what_is_no_cost_is_refused(given):
    with pytest.raises(bpx.InputError, match=r"expected one of .*bpx\.Cost"):
        costs.get(given, activations.sigmoid)


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


def test_a_cost_may_name_the_outputs_it_follows():
    picky = Cost(
        "picky", costs.quadratic.value, costs.quadratic.grad_a, outputs=(activations.tanh,)
    )
    assert costs.get(picky, activations.tanh) is picky
    with pytest.raises(bpx.InputError, match=r"'picky'.*'relu'.*needs output='tanh'"):
        costs.get(picky, activations.relu)


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
