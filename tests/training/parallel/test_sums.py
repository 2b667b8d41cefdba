"""The sums of all ranks side by side, and the part of each of them."""

import numpy as np
import pytest

import bpx
from bpx.training.parallel.sums import gathered, own
from bpx.training.step import Metrics
from tests.ranks import communicators, on_ranks

HOME = bpx.Network([2, 1], seed=0, backend="numpy", dtype="float64").home
WHOLE = np.arange(1.0, 13.0)


def parts(size, width, whole=WHOLE):
    made = communicators(size)
    return [own(each, Metrics(whole, None), width).cost for each in made]


@pytest.mark.parametrize("with_weights", [False, True])
def test_as_many_ranks_get_back_what_they_gave(with_weights):
    def run(ranks):
        mine = WHOLE[4 * ranks.rank : 4 * ranks.rank + 4]
        more = (mine + 1.0, mine + 2.0) if with_weights else (None, None)
        whole = gathered(ranks, Metrics(mine, *more), HOME)
        np.testing.assert_array_equal(whole.cost, WHOLE)
        return mine, own(ranks, whole, 4), with_weights

    for mine, found, weighted in on_ranks(3, run):
        assert found.cost.tobytes() == mine.tobytes()
        if weighted:
            np.testing.assert_array_equal(found.hits, mine + 1.0)
            np.testing.assert_array_equal(found.weights, mine + 2.0)
        else:
            assert found.hits is found.weights is None


@pytest.mark.parametrize(("size", "width"), [(1, 12), (2, 6), (2, 8), (4, 2), (3, 3), (1, 5)])
def test_another_number_of_ranks_has_the_same_total(size, width):
    found = parts(size, width)
    assert [x.shape for x in found] == [(width,)] * size
    assert sum(float(x.sum()) for x in found) == WHOLE.sum()


def test_one_rank_keeps_what_fits():
    metrics = Metrics(WHOLE, WHOLE)
    assert own(None, metrics, 12).cost is WHOLE
    assert own(None, metrics, 20).cost.tolist() == [*WHOLE.tolist(), *[0.0] * 8]
