"""Facts that all ranks share: the first rank that differs is named, on every rank."""

from dataclasses import replace

import pytest

import bpx
from bpx.training.parallel.alike import SHOWN, backend_of, check_same
from tests.ranks import on_ranks, told_to_all

HOME = bpx.Network([2, 1], seed=0, backend="numpy").home


def told(own):
    """What is raised if rank 1 of 3 has other facts."""
    return told_to_all(
        3, lambda ranks: check_same(ranks, own if ranks.rank == 1 else {"size": 3})
    )


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"size": 4}, "rank 1 of 3 differs from rank 0 in size: 4, not 3; start"),
        ({}, "in size: None, not 3"),
        ({"size": 3, "color": "red"}, "in color: red, not None"),
        ({"size": "x" * SHOWN}, "in size; start all ranks with the same program"),
    ],
)
def test_a_difference(own, said):
    assert said in told(own)


def test_the_same():
    assert on_ranks(2, lambda ranks: check_same(ranks, {"size": 3})) == [None, None]


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("cuda:0", "cuda:1", True),
        ("0", "1", True),
        (None, "cpu", True),
        ("cuda:0", None, False),
        ("cuda:0", "cpu", False),
    ],
)
def test_the_numbers_of_devices_do_not_matter(first, second, alike):
    one, other = (backend_of(replace(HOME, device_name=name)) for name in (first, second))
    assert (one == other) == alike
