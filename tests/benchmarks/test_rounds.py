"""Rounds of measurements, and the ratios that are made of them."""

import numpy as np
import pytest

from benchmarks import rounds, training
from benchmarks.peers import PEERS


def test_the_rounds_take_turns():
    order = []
    runs = {name: name for name in "abcd"}
    times = rounds.in_turn(runs, 5, lambda name: order.append(name) or len(order))
    turns = ["".join(order[i : i + 4]) for i in range(0, 20, 4)]
    assert all(sorted(turn) == list("abcd") for turn in turns)
    assert len({turn[: turn.index("a")][-1:] for turn in turns}) > 1  # not after one alone
    assert times == {n: [i + 1 for i, at in enumerate(order) if at == n] for n in "abcd"}


def test_one_that_fails_does_not_stop_the_others():
    def length(peer):
        if peer.name == "scikit-learn":
            raise ValueError("no\nreason")
        return len(peer.name)

    peers = [peer for peer in PEERS if peer.name in ("scikit-learn", "JAX scan")]
    found = rounds.of_each(peers, length)
    assert found == ({"JAX scan": 8}, {"scikit-learn": "ValueError: no"})


def test_a_ratio_above_one_says_that_bpx_is_faster():
    times = {"bpx numpy": [10.0, 20.0], "PyTorch eager": [30.0, 40.0]}
    assert rounds.ratios(times, "PyTorch eager", "bpx numpy") == [3.0, 2.0]
    assert rounds.ratio(times, "PyTorch eager", "bpx numpy") == pytest.approx(35 / 15)
    assert rounds.to_each_engine(times) == {"bpx numpy": {"PyTorch eager": 2.5}}
    assert "| PyTorch eager | 35.0 [30.0, 40.0] | 2.50 |" in training.times_table(times, "µs")


def test_the_interval_holds_the_median_and_is_the_same_each_time():
    ratios = np.random.default_rng(1).normal(1.0, 0.1, 31).tolist()
    low, high = rounds.interval(ratios)
    assert low < np.median(ratios) < high
    assert rounds.interval(ratios) == (low, high)
    narrow = rounds.interval(ratios * 10)
    assert narrow[1] - narrow[0] < high - low


@pytest.mark.parametrize("ratios", [[1.02], [1.02] * 15])
def test_the_interval_of_equal_ratios_is_a_point(ratios):
    assert rounds.interval(ratios) == (1.02, 1.02)


def test_the_interval_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(2)
    drawn = [rounds.interval(rng.normal(1.0, 0.1, 15)) for _ in range(100)]
    assert 88 <= sum(low <= 1.0 <= high for low, high in drawn) <= 100
