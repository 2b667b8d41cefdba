"""The last activation, which the caller may choose, and the cost that goes with it."""

import pytest

import bpx
from bpx.activations import ACTIVATIONS
from bpx.interop.ends import ended, usual_cost

FIRST, LOGITS = bpx.Dense(2, 4, "tanh"), bpx.Dense(4, 3, "identity", bias=False)


@pytest.mark.parametrize("output", ["softmax", bpx.activations.sigmoid])
def test_the_chosen_activation_is_that_of_the_last_layer(output):
    assert ended([FIRST, LOGITS], output, "it") == [FIRST, bpx.Dense(4, 3, output, bias=False)]


def test_by_default_the_layers_stay_as_they_are():
    assert ended((FIRST, LOGITS), None, "it") == [FIRST, LOGITS]
    norm = bpx.LayerNorm(3)  # which a network refuses as its last layer
    assert ended([LOGITS, norm], "softmax", "it") == [LOGITS, norm]


@pytest.mark.parametrize("output", ["softmax", bpx.activations.softmax])
def test_an_activation_that_is_there_is_not_replaced(output):
    said = "output='softmax' was given, but it has the activation 'tanh' already; omit output"
    with pytest.raises(bpx.InputError, match=said):
        ended([FIRST], output, "it")


def test_an_unknown_activation():
    with pytest.raises(bpx.InputError, match="mean 'softmax'"):
        ended([LOGITS], "sofmax", "it")


@pytest.mark.parametrize("output", ACTIVATIONS)
def test_the_cost_of_probabilities_is_the_cross_entropy(output):
    expected = "cross_entropy" if output in ("softmax", "sigmoid") else "quadratic"
    assert usual_cost([FIRST, bpx.Dense(4, 3, output)]) == expected
    assert usual_cost([bpx.LayerNorm(3)]) == "quadratic"
