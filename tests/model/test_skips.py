"""What skips carry past the layers of a block, up and back."""

import numpy as np
import pytest

import bpx
from bpx.layers import Add, Dense
from bpx.model.skips import check_direct, fed, returned, skips_of

DENSE = Dense(4, 4, "tanh")
NESTED = DENSE, DENSE, DENSE, Add(4, 2), Add(4, 4), DENSE
TOGETHER = DENSE, Add(4, 1), DENSE, Add(4, 3), DENSE  # both begin at the first layer


def test_where_they_begin_and_end():
    assert skips_of([DENSE, DENSE]) == {}
    assert skips_of(NESTED) == {0: (4,), 1: (3,)}
    assert skips_of(TOGETHER) == {0: (1, 3)}


def run(layers):
    """What each layer is fed, if layer i gives i + 1 and the inputs are 0."""
    skips, carried = skips_of(layers), {}
    return [fed(skips, i, i, carried) for i in range(len(layers))]


def test_an_end_is_fed_what_entered_its_block():
    assert run([DENSE, DENSE]) == [0, 1]
    assert run(NESTED) == [0, 1, 2, (3, 1), (4, 0), 5]
    assert run(TOGETHER) == [0, (1, 0), 2, (3, 0), 4]


def test_what_is_carried_from_below_is_given_once():
    skips, carried = skips_of(NESTED), {4: "below"}
    assert fed(skips, 1, "a", carried) == "a"
    assert fed(skips, 3, "b", carried) == ("b", "a")
    assert fed(skips, 4, "c", carried) == ("c", "below")
    assert carried == {}


def test_the_deltas_of_the_ends_are_added_where_their_blocks_begin():
    deltas = [np.array([10.0**i]) for i in range(6)]  # of the layers 0 to 5
    assert returned(skips_of(NESTED), 0, 0.5, deltas) == 0.5 + 1e4
    assert returned(skips_of(NESTED), 1, 0.5, deltas[1:]) == 0.5 + 1e3
    assert returned(skips_of(NESTED), 2, 0.5, deltas[2:]) == 0.5
    assert returned(skips_of(TOGETHER), 0, 0.5, deltas) == 0.5 + 10.0 + 1e3


def test_of_an_end_above_the_last_delta_nothing_comes():
    deltas = [np.array([10.0**i]) for i in range(3)]
    assert returned(skips_of(TOGETHER), 0, 0.5, deltas) == 0.5 + 10.0
    assert returned(skips_of(NESTED), 0, 0.5, deltas) == 0.5


def test_only_direct_rules_with_a_skip_are_refused():
    check_direct(bpx.feedback.dfa, {})
    check_direct(bpx.feedback.fa, skips_of(NESTED))
    said = "the feedback 'dfa' was given with a bpx.Residual.* such as 'fa', or feedback='tra"
    with pytest.raises(bpx.InputError, match=said):
        check_direct(bpx.feedback.dfa, skips_of(NESTED))
