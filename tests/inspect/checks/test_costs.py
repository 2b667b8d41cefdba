"""Every wrong derivative of a cost, or of its pairs, is named, and how wrong it is."""

from dataclasses import replace

import pytest

import bpx
from bpx import activations, costs
from bpx.inspect import check
from tests.inspect.checks.parts import OFF, huber, only, wrong_rows

COSTS = sorted(costs.COSTS)
FLAT = ["categorical_hinge", "hinge", "mae", "quantile"]


def test_a_cost_of_ones_own_is_right():
    assert check(huber()).ok


@pytest.mark.parametrize(("factor", "deviation"), [(1.01, OFF), (-1.0, 2.0), (0.5, 0.5)])
def test_a_gradient_that_is_wrong(factor, deviation):
    row = only(check(huber(factor)))
    assert (row.equation, row.part) == ("grad_a", "huber")
    assert row.deviation == pytest.approx(deviation, rel=1e-3)


def test_a_gradient_of_the_mean_in_place_of_the_sum():
    def grad_a(a, y):
        return costs.quadratic.grad_a(a, y) / a.shape[0]

    # which depends on how many samples there are
    report = check(replace(costs.quadratic, grad_a=grad_a, hess_a=None))
    assert wrong_rows(report)[0] == ("each sample alone", None)


def test_a_cost_with_a_logarithm_is_tried_where_it_is_finite():
    def value(a, y):
        xp = bpx.namespace(a)
        return xp.sum(a - y * xp.log(a), axis=1)

    poisson = bpx.Cost("poisson", value, lambda a, y: 1.0 - y / a)
    report = check(poisson)
    assert report.ok
    assert only(check(replace(poisson, grad_a=lambda a, y: 1.0 + y / a))).equation == "grad_a"


@pytest.mark.parametrize("name", FLAT)
def test_a_hess_a_that_is_not_0(name):
    wrong = replace(costs.COSTS[name], hess_a=lambda a, y, v: 0.01 * v)
    assert only(check(wrong)).equation == "hess_a"


@pytest.mark.parametrize("name", sorted({*COSTS} - {*FLAT}))
def test_a_hess_a_that_is_off_by_a_hundredth(name):
    right = costs.COSTS[name]
    row = only(check(replace(right, hess_a=lambda *a: 1.01 * right.hess_a(*a))))
    assert row.equation == "hess_a"
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


@pytest.mark.parametrize(
    ("part", "equation"),
    [("value", "pair's value"), ("delta", "pair's delta (BP1)"), ("hess_z", "hess_z")],
)
@pytest.mark.parametrize(
    ("name", "place"),
    [(name, place) for name in COSTS for place in range(len(costs.COSTS[name].pairs))],
)
def test_a_pair_that_is_off_by_a_hundredth(name, place, part, equation):
    right = costs.COSTS[name]
    output, pair = right.pairs[place]
    function = getattr(pair, part)
    wrong = pair._replace(**{part: lambda *a: 1.01 * function(*a)})
    pairs = [*right.pairs[:place], (output, wrong), *right.pairs[place + 1 :]]
    row = check(replace(right, pairs=tuple(pairs))).wrong[0]
    assert row.equation == equation
    assert row.part == f"{name} after {output.name}"
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_a_pair_after_an_output_that_it_is_not_for():
    """The quadratic cost's delta is a - y after identity, and nowhere else."""
    pair = bpx.Pair(
        lambda z, y: costs.quadratic.value(activations.sigmoid.sigma(z), y),
        lambda z, a, y: a - y,
    )
    row = only(check(replace(costs.quadratic, pairs=((activations.sigmoid, pair),))))
    assert (row.equation, row.part) == ("pair's delta (BP1)", "quadratic after sigmoid")


def test_a_cost_that_gives_one_number_for_all_samples():
    mean = bpx.Cost(
        "mean", lambda a, y: bpx.namespace(a).sum((a - y) ** 2), costs.quadratic.grad_a
    )
    row = only(check(mean))
    assert "value returned shape (), float64; expected shape (96,)" in row.where
