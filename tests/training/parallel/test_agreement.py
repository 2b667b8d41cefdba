"""The numbers that ranks agree upon, and what the first of them does for all."""

import pytest

from bpx.training.parallel.agreement import ALONE, Agreement
from bpx.training.parallel.failing import is_everywhere
from tests.ranks import communicators, on_ranks


def test_one_rank_has_its_own():
    assert ALONE.sums((1.5, None)) == [1.5, None]
    assert ALONE.mean(2.0) == 2.0
    assert ALONE.least(3) == 3
    assert ALONE.led(lambda: 4) == 4
    with pytest.raises(ZeroDivisionError):
        ALONE.led(lambda: 1 // 0)
    ALONE.leave(ValueError())


def test_several_have_the_same():
    def run(ranks):
        together = Agreement(ranks)
        numbers = 0.1 * (ranks.rank + 1), None if ranks.rank == 1 else 2.0
        return together.sums(numbers), together.mean(ranks.rank), together.least(5 - ranks.rank)

    first, *others = on_ranks(3, run)
    assert first == ([0.1 + 0.2 + 0.1 * 3, None], 1.0, 3)
    assert others == [first, first]


def test_the_first_acts_for_all():
    def run(ranks):
        called = []
        found = Agreement(ranks).led(lambda: called.append(1) or ranks.rank + 7)
        return found, len(called)

    assert on_ranks(3, run) == [(7, 1), (7, 0), (7, 0)]


def test_its_error_is_that_of_all():
    def run(ranks):
        def fail():
            raise ValueError(f"from {ranks.rank}")

        with pytest.raises(ValueError, match="from 0") as caught:
            Agreement(ranks).led(fail)
        return is_everywhere(caught.value)

    assert on_ranks(2, run) == [True, True]


def test_leaving_with_an_error_ends_the_others(capsys):
    ranks = communicators(2)[1]
    Agreement(ranks).leave(ValueError("not here"))
    assert ranks.aborted
    told = capsys.readouterr().err
    assert "ValueError: not here" in told
    assert "rank 1 of 2 ended all of them" in told
