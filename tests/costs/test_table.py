"""The choice of a cost: by its name, with parameters, by the output's activation."""

import numpy as np
import pytest

import bpx
from bpx import activations, costs
from bpx.activations import ACTIVATIONS, Elementwise
from bpx.costs import COSTS, Cost


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


def test_a_cost_may_name_the_outputs_it_follows():
    picky = Cost(
        "picky", costs.quadratic.value, costs.quadratic.grad_a, outputs=(activations.tanh,)
    )
    assert costs.get(picky, activations.tanh) is picky
    with pytest.raises(bpx.InputError, match=r"'picky'.*'relu'.*needs output='tanh'"):
        costs.get(picky, activations.relu)


# With parameters


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("huber(0.5)", costs.huber(0.5)),
        ("huber(delta=0.5)", costs.huber(0.5)),
        ("huber(delta=1)", costs.COSTS["huber"]),
        ("huber()", costs.huber(1.0)),
        ("quantile(0.1,0.9)", costs.quantile(0.1, 0.9)),
        ("quantile(0.5)", costs.COSTS["quantile"]),
        ("binary_focal(gamma=2.0, alpha=0.25)", costs.binary_focal(2, 0.25)),
        ("categorical_focal(0)", costs.categorical_focal(0.0)),
        ("focal(3)", costs.focal(3.0)),
        ("cross_entropy(label_smoothing=0.1)", costs.cross_entropy(0.1)),
        ("cross_entropy(0)", costs.CHOICES["cross_entropy"]),
    ],
)
def test_a_name_may_have_parameters(text, cost):
    found = costs.built_in(text)
    assert found == cost
    assert hash(found) == hash(cost)
    if isinstance(found, Cost):
        assert costs.built_in(found.name) == found  # as files do
    assert found != costs.huber(0.25)


def test_other_numbers_are_other_costs():
    assert costs.huber(0.5) != costs.huber(0.25)
    assert costs.huber(0.5).name != costs.huber(0.25).name
    assert costs.quantile(0.1, 0.9) != costs.quantile(0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("huber(-1)", "delta=-1 was given; expected a positive number"),
        ("huber(delta=nan)", r"the cost 'huber\(delta=nan\)' was given; expected numbers"),
        ("huber(1, 2)", "expected numbers in the brackets"),
        ("huber(width=1)", "expected numbers in the brackets"),
        ("huber(width=1)", "huber has no 'width'; expected"),
        ("cross_entropy(smoothing=0.1)", "no 'smoothing' .did you mean 'label_smoothing'"),
        ("quantile([0.1, 0.5])", "without a list around them"),
        ("huber(1", "expected numbers in the brackets"),
        ("huber(1)(2)", "expected numbers in the brackets"),
        ("huber(**{})", "expected numbers in the brackets"),
        ("huber(__import__('os'))", "expected numbers in the brackets"),
        ("quantile(1.5)", r"quantile=1\.5 was given; expected numbers in \(0, 1\)"),
        ("quantile(0.9, 0.1)", "expected quantiles in increasing order"),
        ("quantile(0.5, 0.5)", "expected quantiles in increasing order"),
        ("focal(-1)", "gamma=-1 was given; expected a number of at least 0"),
        ("binary_focal(2, 1)", "alpha=1 was given"),
        ("cross_entropy(1)", r"label_smoothing=1 was given; expected a number in \[0, 1\)"),
        ("mae(1)", r"there is no cost 'mae\(1\)'"),
        ("hubre(1)", r"there is no cost 'hubre\(1\)'"),
    ],
)
def test_parameters_that_cannot_be_used(text, message):
    with pytest.raises(bpx.InputError, match=message):
        costs.get(text, activations.softplus)


def test_a_cost_with_parameters_follows_its_outputs():
    assert costs.get("cross_entropy(0.1)", activations.sigmoid).name == (
        "binary_cross_entropy(label_smoothing=0.1)"
    )
    with pytest.raises(bpx.InputError, match=r"cost='cross_entropy'.*output='tanh'"):
        costs.get(costs.cross_entropy(0.1), activations.tanh)


@pytest.mark.parametrize(
    "cost", ["huber(delta=0.5)", "huber", "quantile(0.1, 0.9)", "focal(1)"]
)
def test_a_file_names_the_parameters(cost, tmp_path):
    output = "softmax" if "focal" in cost else "identity"
    net = bpx.Network([3, 4, 2], output=output, cost=cost, seed=0)
    net.save(tmp_path / "net")
    assert net.spec.cost.name.encode() in (tmp_path / "net").read_bytes()
    assert bpx.load(tmp_path / "net").spec == net.spec


def test_a_cost_of_ones_own_may_have_such_a_name(tmp_path):
    own = Cost("huber(delta=0.5)", costs.mae.value, costs.mae.grad_a)
    net = bpx.Network([3, 2], output="identity", cost=own, seed=0)
    net.save(tmp_path / "net")
    with pytest.raises(bpx.InputError, match=r"custom part 'huber\(delta=0\.5\)'"):
        bpx.load(tmp_path / "net")
    assert bpx.load(tmp_path / "net", custom={own.name: own}).spec.cost == own


@pytest.mark.parametrize(
    ("cost", "outputs", "message"),
    [
        ("quantile(0.1, 0.9)", 3, r"given with 3 outputs; expected 2 for each target"),
        ("quantile(0.1, 0.9)", 1, r"given with 1 output; expected 2 for each target"),
        ("categorical_hinge", 1, "with a single output; .* cost='hinge'"),
    ],
)
def test_widths_that_do_not_suit(cost, outputs, message):
    with pytest.raises(bpx.InputError, match=message):
        bpx.Network([2, outputs], output="identity", cost=cost)
    bpx.Network([2, 4], output="identity", cost=cost)
