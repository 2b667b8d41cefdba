"""Samples on a disk that several ranks evaluate: the same bits, and each reads its own."""

from itertools import pairwise

import numpy as np
import pytest

import bpx
from bpx.model import inputs
from bpx.network.windowed import samples_of
from bpx.training.parallel.evaluating import evaluated_by, span_of
from bpx.training.parallel.failing import is_everywhere
from tests.ranks import on_ranks

RNG = np.random.default_rng(0)
X, LABELS, WEIGHTS = RNG.normal(size=(230, 6)), RNG.integers(0, 3, 230), RNG.random(230)


@pytest.fixture(autouse=True)
def _sixteen_at_once(monkeypatch):
    monkeypatch.setattr(inputs, "AT_ONCE", 16 * 17 * 16)


def network(**more):
    given = {
        "output": "softmax",
        "cost": "cross_entropy",
        "seed": 1,
        "backend": "numpy",
        **more,
    }
    return bpx.Network([6, 8, 3], **given)


class Counting:
    """Rows that count how many of them are read, and may be broken."""

    def __init__(self, rows):
        self.rows, self.read, self.broken = rows, 0, None
        self.shape, self.dtype = rows.shape, rows.dtype

    def __getitem__(self, rows):
        if self.broken is not None and rows.start <= self.broken < rows.stop:
            raise OSError("the disk is broken")
        found = self.rows[rows]
        self.read += len(found)
        return found


def evaluated(ranks, y=LABELS, net=None, metrics=(), broken=None, **given):
    """The evaluation of a stream, and how many of its rows this rank has read for it."""
    net, x = net or network(), Counting(X)
    held = samples_of(net, bpx.data.stream(x, y, block=16, window=64, **given), None)
    assert held.first.x.shape[0] == 64
    chosen = tuple(bpx.metrics.METRICS[name] for name in metrics)
    x.read, x.broken = 0, broken
    found = evaluated_by(ranks, net.spec, net.parameters, held, chosen)
    return found, dict(found.metrics), x.read


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"sample_weight": WEIGHTS},
        {"metrics": ("f1_macro", "log_loss", "calibration_error")},
        {"y": np.eye(3)[LABELS]},
    ],
    ids=str,
)
def test_the_bits_are_those_of_one_rank(size, given):
    alone, metrics, _ = evaluated(None, **given)
    for found, own, _ in on_ranks(size, lambda ranks: evaluated(ranks, **given)):
        assert found == alone
        assert own == metrics
    assert alone.accuracy is not None


def test_each_rank_reads_its_own_samples():
    read = [each[2] for each in on_ranks(4, evaluated)]
    assert sum(read) == 230
    assert read == [48, 64, 64, 54]  # of 15 parts of 16: three, four, four and four


def test_ranks_without_samples_read_none():
    def run(ranks):
        held = samples_of(network(), bpx.data.stream(X[:20], LABELS[:20], block=16), None)
        return evaluated_by(ranks, network().spec, network().parameters, held)

    assert on_ranks(4, run) == [run(None)] * 4


@pytest.mark.parametrize("change", [slice(200, 201), slice(0, 100)])
def test_targets_that_are_classes_in_some_parts_are_numbers_in_all(change):
    y = np.eye(3)[LABELS]
    y[change] = (0.2, 0.3, 0.5)
    net = network(output="sigmoid", cost="quadratic")
    alone, _, _ = evaluated(None, y, net)
    assert alone.accuracy is None
    for found, _, read in on_ranks(3, lambda ranks: evaluated(ranks, y, net)):
        assert found == alone
        assert read > 230 // 3


def test_an_error_on_one_rank_is_that_of_all():
    def run(ranks):
        with pytest.raises(OSError, match="the disk is broken") as caught:
            evaluated(ranks, broken=100 if ranks.rank == 1 else None)
        assert is_everywhere(caught.value)
        return getattr(caught.value, "__notes__", None)

    note = ["raised on rank 1 of 3"]
    assert on_ranks(3, run) == [note, None, note]


def test_weights_that_are_all_0_are_refused_on_all():
    def run(ranks):
        with pytest.raises(bpx.InputError, match="is 0 for every sample"):
            evaluated(ranks, sample_weight=np.zeros(230))

    on_ranks(2, run)


def test_chunks_and_arrays_are_evaluated_as_before():
    def run(ranks):
        net, chunks = network(), [(X[:150], LABELS[:150]), (X[150:], LABELS[150:])]
        held = samples_of(net, bpx.data.stream(chunks, window=64), None)
        return evaluated_by(ranks, net.spec, net.parameters, held)

    assert on_ranks(3, run) == [evaluated(None)[0]] * 3


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(("n", "at_once"), [(1, 16), (16, 16), (230, 16), (100, 7)])
def test_spans_are_whole_parts_and_all_samples(n, at_once, size):
    spans = [span_of(n, at_once, rank, size) for rank in range(size)]
    assert spans[0][0] == 0
    assert spans[-1][1] == n
    assert all(end == begin for (_, end), (begin, _) in pairwise(spans))
    assert all(begin % at_once == 0 for begin, _ in spans)
