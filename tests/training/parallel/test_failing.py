"""What fails on one rank fails on all, with the rank that it failed on."""

from threading import Lock

import pytest

from bpx.errors import DivergenceError, InputError, Preempted
from bpx.training.parallel.failing import (
    attempted,
    everywhere,
    gathered,
    is_everywhere,
    together,
)
from tests.ranks import on_ranks


def test_a_function_that_fails_nowhere():
    assert on_ranks(3, lambda ranks: together(ranks, lambda: ranks.rank)) == [0, 1, 2]


def test_one_that_fails_on_one_rank_raises_there_and_elsewhere():
    def fails(ranks):
        def function():
            if ranks.rank == 1:
                raise InputError("no such file")
            return 1

        with pytest.raises(InputError, match="no such file") as caught:
            together(ranks, function)
        return caught.value

    first, second, third = on_ranks(3, fails)
    for each in (first, third):
        assert each.__notes__ == ["raised on rank 1 of 3"]
    assert all(map(is_everywhere, (first, second, third)))


def test_where_all_fail_each_raises_its_own():
    def fails(ranks):
        with pytest.raises(KeyError) as caught:
            together(ranks, lambda: {}[ranks.rank])
        return caught.value.args[0]

    assert on_ranks(2, fails) == [0, 1]


def test_what_all_give_is_there_on_each():
    found = on_ranks(3, lambda ranks: gathered(ranks, lambda: 10 * ranks.rank))
    assert found == [[0, 10, 20]] * 3


def test_nothing_is_gathered_if_one_fails():
    def fails(ranks):
        with pytest.raises(ZeroDivisionError) as caught:
            gathered(ranks, lambda: 1 // ranks.rank)
        return getattr(caught.value, "__notes__", None)

    assert on_ranks(2, fails) == [None, ["raised on rank 0 of 2"]]


class OwnError(Exception):
    """One that pickle cannot send, whatever other libraries have taught it about errors."""

    def __init__(self, number, text):
        super().__init__(f"{number}: {text}")
        self.held = Lock()


def test_an_error_that_cannot_be_sent_is_told_all_the_same():
    def fails(ranks):
        def function():
            if ranks.rank == 0:
                raise OwnError(3, "wrong")

        with pytest.raises(RuntimeError, match="OwnError: 3: wrong") as caught:
            together(ranks, function)
        return "in function" in str(caught.value)

    assert on_ranks(2, fails) == [True, True]


def test_errors_that_ranks_agree_upon():
    assert is_everywhere(DivergenceError("", 1, None, None))
    assert not is_everywhere(Preempted("", "run"))
    assert is_everywhere(everywhere(ValueError()))
    assert not is_everywhere(ValueError())
    assert not is_everywhere(KeyboardInterrupt())


def test_an_attempt():
    found, wrong = attempted(lambda: 1)
    assert (found, wrong) == (1, None)
    found, wrong = attempted(lambda: 1 // 0)
    assert found is None
    assert isinstance(wrong, ZeroDivisionError)
