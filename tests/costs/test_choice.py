"""A cost chosen by the output's activation."""

import pytest

import bpx
from bpx import activations, costs


@pytest.mark.parametrize("choice", [*costs.CHOICES.values(), costs.cross_entropy(0.1)])
def test_softmax_and_sigmoid_choose(choice):
    assert choice.after(activations.softmax) is choice.categorical
    assert choice.after(activations.sigmoid) is choice.binary
    for output, cost in (("softmax", choice.categorical), ("sigmoid", choice.binary)):
        assert bpx.Network([2, 3], output=output, cost=choice, seed=0).spec.cost == cost


def test_other_outputs_do_not():
    with pytest.raises(bpx.InputError, match=r"cost='focal' was given with output='relu'"):
        costs.focal().after(activations.relu)


def test_equal_choices_are_equal():
    assert costs.focal(3.0) == costs.focal(3)
    assert costs.focal(3.0) != costs.focal(2.0)
    assert repr(costs.cross_entropy()) == (
        "<bpx.costs.Choice 'categorical_cross_entropy' or 'binary_cross_entropy'>"
    )
