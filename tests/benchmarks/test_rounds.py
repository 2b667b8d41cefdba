"""Rounds of measurements, and the ratios that are made of them."""

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
