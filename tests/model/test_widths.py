"""Widths and names stand for layers: Dense ones, each hidden one with a norm and a Dropout."""

import numpy as np
import pytest

import bpx
from bpx.layers import BatchNorm, Dense, Dropout, LayerNorm
from bpx.model.widths import layers_of


def layers(
    sizes=(5, 4, 3, 2), hidden="relu", output="softmax", each=None, norm=None, dropout=0.0
):
    return layers_of(sizes, hidden, output, each, norm, dropout)


def test_dense_layers_alone():
    assert layers() == (Dense(5, 4, "relu"), Dense(4, 3, "relu"), Dense(3, 2, "softmax"))
    given = layers(each=["tanh", "silu", "identity"])
    assert [layer.activation.name for layer in given] == ["tanh", "silu", "identity"]


def test_a_norm_and_then_a_dropout_behind_each_hidden_layer():
    first, second, last = layers()
    assert layers(norm="layer", dropout=[0.1, 0.2]) == (
        *(first, LayerNorm(4), Dropout(4, 0.1)),
        *(second, LayerNorm(3), Dropout(3, 0.2)),
        last,
    )
    assert layers(norm="batch")[1] == BatchNorm(4)
    assert layers(dropout=[0.0, 0.5]) == (first, second, Dropout(3, 0.5), last)


def test_an_output_alone_has_neither():
    alone = (Dense(5, 2, "softmax"),)
    assert layers((5, 2)) == layers((5, 2), dropout=0) == layers((5, 2), dropout=[]) == alone


def test_rates_may_be_an_array():
    assert layers(dropout=np.array([0.1, 0.2])) == layers(dropout=[0.1, 0.2])
    assert layers(dropout=np.float64(0.1)) == layers(dropout=0.1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dropout": [0.1]}, "1 rates of dropout were given for 2 hidden layers"),
        ({"dropout": [0.1, 1.0]}, r"dropout=1.0 was given; expected a number in \[0, 1\), or"),
        ({"dropout": "some"}, "dropout='some' was given"),
        ({"dropout": np.array([0.1])}, "1 rates of dropout were given for 2 hidden layers"),
        ({"sizes": (5, 2), "dropout": 0.5}, "dropout=0.5 was given for a network without hidd"),
        ({"sizes": (5, 2), "norm": "batch"}, "norm='batch' was given for a network without hi"),
        ({"sizes": (5, 2), "dropout": "some"}, "dropout='some' was given"),
        ({"norm": "instance"}, "instance"),
        ({"sizes": (3, 1)}, "softmax was given for a single output"),
        ({"sizes": (3,)}, "expected at least two whole widths"),
        ({"each": "relu"}, "expected a list of 3 names"),
    ],
)
def test_what_describes_no_layers_is_refused(given, message):
    with pytest.raises(bpx.InputError, match=message):
        layers(**given)
