"""Which inputs a layer sees, after layers that replace and pass columns."""

import re

import numpy as np
import pytest

import bpx
from bpx.layers.columns import check_columns, coded_inputs, positions, sources
from tests.columns import CODES, layers
from tests.tables import Inputs

MADE = Inputs(5, CODES, (0, 3))


def test_columns_become_a_tuple_of_ints():
    assert check_columns(5, [0, 3]) == (0, 3)
    assert check_columns(5, range(5)) == (0, 1, 2, 3, 4)
    found = check_columns(5, np.array([0, 3]))
    assert found == (0, 3)
    assert {type(each) for each in found} == {int}


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [3, 0],
        [1, 1],
        [5],
        [-1],
        [0.5],
        [True],
        "01",
        3,
        None,
        np.array([True]),
        np.array(3),
    ],
)
def test_what_are_no_columns(columns):
    said = r"columns=.* was given; expected increasing column numbers in 0 \.\.\. 4"
    with pytest.raises(bpx.InputError, match=said):
        check_columns(5, columns)


@pytest.mark.parametrize("first", ["periodic", "embedding"])
def test_inputs_are_followed_through_the_layers(first):
    one, other = layers(first)
    found = dict(sources([one, other, bpx.Dense(other.n_out, 2, "tanh")]))
    assert found[one] == [0, 1, 2, 3, 4]
    passed = [1, 2, 4] if first == "periodic" else [0, 2, 3]
    assert found[other] == passed + [None] * (other.n_in - 3)
    assert list(found.values())[2] == [2] + [None] * (other.n_out - 1)
    assert coded_inputs([one, other]) == CODES


@pytest.mark.parametrize("first", ["periodic", "embedding"])
def test_a_layer_finds_its_columns_after_others(first):
    one, other = layers(first)
    wanted = (1, 4) if first == "periodic" else (0, 3)
    assert positions(MADE, wanted, ()) == (5, wanted)
    assert positions(MADE, wanted, one) == positions(MADE, wanted, [one])
    assert positions(MADE, wanted, one) == (other.n_in, tuple(other.columns))
    assert positions(MADE, (2,), [one, other]) == (other.n_out, (0,))


def test_what_cannot_run_before_a_layer_is_named():
    one, _ = layers()
    with pytest.raises(bpx.InputError, match=r"Periodic.* replaces columns that this layer"):
        positions(MADE, (0,), one)
    for wrong in (bpx.Dropout(5, 0.1), bpx.Periodic(4), "periodic"):
        with pytest.raises(bpx.InputError, match=r"expected a layer that takes 5 columns"):
            positions(MADE, (1,), wrong)


@pytest.mark.parametrize("below", [bpx.Dropout(5, 0.1), bpx.Dense(5, 5, "tanh")])
def test_codes_that_a_layer_below_computes_are_refused(below):
    above = bpx.Embedding(5, [1], levels=[4], dim=2)
    said = re.escape(f"layer 2, {above!r}, takes codes from its column 1, which a layer below")
    with pytest.raises(bpx.InputError, match=said):
        bpx.Network([below, above, bpx.Dense(6, 2, "sigmoid")])


class Cut(bpx.Dropout):
    """A layer of somebody's own: it passes the first columns and drops the others."""

    n_out = 2
    passed = (0, 1)


def test_a_layer_of_ones_own_may_say_what_it_passes():
    above = bpx.Embedding(2, [1], levels=[4], dim=2)
    assert coded_inputs([Cut(5, 0.0), above]) == {1: 4}
    assert positions(MADE, (1,), Cut(5, 0.0)) == (2, (1,))
