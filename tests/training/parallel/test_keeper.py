"""All ranks heed a signal that one of them got, and the first one writes for all."""

from contextlib import nullcontext

import numpy as np
import pytest

import bpx
from bpx.training.keeper import Place
from bpx.training.parallel.agreement import Agreement
from bpx.training.parallel.failing import is_everywhere
from bpx.training.parallel.keeper import Together
from bpx.training.step import Metrics, State
from tests.ranks import on_ranks

HOME = bpx.Network([2, 1], seed=0, backend="numpy", dtype="float64").home


class Inner:
    """A keeper that notes what it is told, and ends if a signal asks for it."""

    records = ("a record",)

    def __init__(self, ranks, asked=None, due=False):
        self.rank, self.asked, self._due, self.told = ranks.rank, asked, due, []

    def attending(self):
        return nullcontext()

    def most(self):
        return 7 if self.rank == 0 else None

    def due(self, place, asked):
        return self._due

    def look(self, place, asked, *, write):
        self.told.append(place)
        self.wrote = write
        if asked:
            raise KeyboardInterrupt

    def start(self, asked, *, ends):
        self.told.append(ends)
        if asked:
            raise KeyboardInterrupt

    def recorded(self, epoch):
        self.told.append(epoch)

    def ended(self, stopped):
        self.told.append(stopped)

    def close(self):
        self.told.append("closed")


def place(ranks):
    metrics = Metrics(np.full(2, 1.0 + ranks.rank), None)
    return Place(State(None, None, metrics), None, 0, 0, 1, 1, 4)


def test_without_a_signal():
    def run(ranks):
        inner = Inner(ranks)
        keeper = Together(inner, Agreement(ranks), HOME)
        with keeper.attending():
            keeper.before(ends=False)
            keeper.between(place(ranks))
            keeper.recorded("epoch")
            keeper.ended(None)
            keeper.close()
        assert inner.told[1].state.metrics.cost.shape == (2,)
        assert [inner.told[0], *inner.told[2:]] == [False, "epoch", None, "closed"]
        return keeper.most(), keeper.records

    assert on_ranks(3, run) == [(7, ("a record",))] * 3


def test_where_the_first_one_writes_it_has_the_sums_of_all():
    def run(ranks):
        inner = Inner(ranks, due=ranks.rank == 0)
        Together(inner, Agreement(ranks), HOME).between(place(ranks))
        return inner.told[0].state.metrics.cost.tolist()

    assert on_ranks(2, run) == [[1.0, 1.0, 2.0, 2.0]] * 2


@pytest.mark.parametrize("look", ["between", "before"])
def test_a_signal_for_one_ends_all(look):
    def run(ranks):
        inner = Inner(ranks, asked=15 if ranks.rank == 2 else None)
        keeper = Together(inner, Agreement(ranks), HOME)
        with pytest.raises(KeyboardInterrupt) as caught:
            keeper.before(ends=True) if look == "before" else keeper.between(place(ranks))
        return inner.shared, is_everywhere(caught.value)

    assert on_ranks(3, run) == [(True, True)] * 3


def test_a_signal_that_comes_after_the_agreement_is_for_the_next_look():
    def run(ranks):
        class Late(Inner):
            def due(self, place, asked):
                self.asked = 15
                return asked is not None

        inner = Late(ranks)
        keeper = Together(inner, Agreement(ranks), HOME)
        keeper.between(place(ranks))
        assert not inner.wrote
        with pytest.raises(KeyboardInterrupt):
            keeper.between(place(ranks))
        return inner.asked, inner.wrote

    assert on_ranks(2, run) == [(15, True), (None, True)]  # the first one decides


def test_an_error_of_one_alone_is_its_own():
    def run(ranks):
        class Failing(Inner):
            def look(self, place, asked, *, write):
                if self.rank == 0:
                    raise OSError("no space left")

        keeper = Together(Failing(ranks), Agreement(ranks), HOME)
        if ranks.rank > 0:
            keeper.between(place(ranks))
            return None
        with pytest.raises(OSError, match="no space left") as caught:
            keeper.between(place(ranks))
        return is_everywhere(caught.value)

    assert on_ranks(2, run) == [False, None]
