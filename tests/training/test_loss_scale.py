"""The loss scale of float16: when it changes, and what counts as an overflow."""

import numpy as np
import pytest

import bpx
from bpx.arrays.registry import dtype_name
from bpx.training.loss_scale import (
    INTERVAL,
    LossScale,
    all_finite,
    first_scale,
    selected,
)
from tests.backends import host
from tests.training.small import network


def scale(target, value, good):
    return LossScale(target.asarray([value]), target.asarray([good], "int32"))


def numbers(found):
    return float(host(found.scale)[0]), int(host(found.good)[0])


@pytest.mark.parametrize(
    ("before", "ok", "after"),
    [
        ((8.0, 3), True, (8.0, 4)),
        ((8.0, 3), False, (4.0, 0)),
        ((8.0, INTERVAL - 2), True, (8.0, INTERVAL - 1)),
        ((8.0, INTERVAL - 1), True, (16.0, 0)),
        ((8.0, INTERVAL - 1), False, (4.0, 0)),
        ((2.0**120, INTERVAL - 1), True, (2.0**120, 0)),
        ((2.0**-120, 0), False, (2.0**-120, 0)),
    ],
)
def test_it_backs_off_at_once_and_grows_after_many_good_steps(target, before, ok, after):
    found = scale(target, *before).after(target.asarray([ok], "bool"))
    assert numbers(found) == after
    assert (dtype_name(found.scale), dtype_name(found.good)) == ("float32", "int32")


def test_its_numbers_are_those_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    other = torch.amp.GradScaler("cpu")
    first = numbers(first_scale(network().parameters))
    assert first == (other.get_scale(), 0)
    assert other.get_growth_interval() == INTERVAL
    assert other.get_growth_factor() == 2.0
    assert other.get_backoff_factor() == 0.5


def test_networks_have_a_scale_each(target):
    w = target.asarray(np.ones((3, 4, 2)))
    found = first_scale(bpx.Parameters.dense([w], [target.asarray(np.ones((3, 1, 4)))]))
    assert [tuple(x.shape) for x in found] == [(3, 1, 1), (3, 1, 1)]
    after = found.after(target.asarray([[[True]], [[False]], [[True]]], "bool"))
    assert host(after.scale).ravel().tolist() == [2.0**16, 2.0**15, 2.0**16]
    assert host(after.good).ravel().tolist() == [1, 0, 1]


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_one_number_that_is_not_finite_is_an_overflow(target, wrong):
    w, b = np.ones((3, 4, 2)), np.ones((3, 1, 4))
    tree = [target.asarray(w), target.asarray(b)]
    assert host(all_finite(tree)).ravel().tolist() == [True, True, True]
    b[1, 0, 2] = wrong
    tree = [target.asarray(w), target.asarray(b)]
    assert host(all_finite(tree)).shape == (3, 1, 1)
    assert host(all_finite(tree)).ravel().tolist() == [True, False, True]
    alone = [target.asarray(w[1]), target.asarray(b[1, 0])]
    assert host(all_finite(alone)).tolist() == [False]
    assert host(all_finite(alone[:1])).tolist() == [True]


def test_what_was_before_stays_to_the_bit(target):
    old = {"w": [[-0.0, 1.0]], "t": [3.0]}
    new = {"w": [[np.nan, 2.0]], "t": [4.0]}
    trees = [(target.asarray(x["w"]), None, (target.asarray(x["t"]),)) for x in (old, new)]
    kept = selected(target.asarray([False], "bool"), trees[1], trees[0])
    assert host(kept[0]).tobytes() == np.array(old["w"], "float32").tobytes()
    assert kept[1] is None
    assert host(kept[2][0]).tolist() == [3.0]
    moved = selected(target.asarray([True], "bool"), trees[1], trees[0])
    assert host(moved[2][0]).tolist() == [4.0]
