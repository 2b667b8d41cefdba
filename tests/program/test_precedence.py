"""What must come before what: as a plain search finds it, and without searching much."""

from random import Random

import pytest

from bpx.program.operation import Operation, Value, dtype_of
from bpx.program.precedence import Precedence


def operations(number):
    return [Operation("abs", (), Value((), dtype_of("int8"))) for _ in range(number)]


def searched(first, last, before):
    """Whether `last` must wait for `first`, in the plainest way."""
    return last is first or any(searched(first, each, before) for each in before[last])


@pytest.mark.parametrize("seed", range(20))
def test_pairs_that_are_added_at_random_are_found_as_by_a_search(seed):
    choose = Random(seed)
    ops = operations(12)
    before = {
        op: sorted(choose.sample(ops[:i], min(i, choose.randint(0, 2))), key=ops.index)
        for i, op in enumerate(ops)
    }
    given = {op: list(earlier) for op, earlier in before.items()}
    precedence, refused = Precedence(before), 0
    for _ in range(40):
        first, last = choose.choice(ops), choose.choice(ops)
        circle = searched(last, first, given)
        assert precedence.leads(last, first) == circle
        if circle:
            refused += 1
            continue
        precedence.add([first], last)
        if first not in given[last]:
            given[last].append(first)
        assert before == given
    assert 0 < refused < 40


def test_several_are_added_at_once_each_of_them_once():
    a, b, c, d = operations(4)
    before = {a: [], b: [a], c: [], d: []}
    Precedence(before).add([a, c, d, c], b)
    assert before[b] == [a, c, d]


class Counting(dict):
    """Counts what is looked up."""

    looked = 0

    def __getitem__(self, key):
        self.looked += 1
        return super().__getitem__(key)


def test_a_search_does_not_leave_what_stands_between():
    """A chain of a thousand, in which each needs what a later one overwrites, is seen once."""
    ops = operations(1000)
    before = Counting({op: ops[max(i - 1, 0) : i] for i, op in enumerate(ops)})
    precedence = Precedence(before)
    for first, last in zip(ops, ops[2:], strict=False):
        assert not precedence.leads(last, first)
        precedence.add([first], last)
    assert before.looked < 5 * len(ops)


def test_what_is_moved_is_found_again():
    """Two chains of one order, of which the later comes to be the earlier."""
    one, other = operations(5), operations(5)
    before = {
        op: chain[max(i - 1, 0) : i] for chain in (one, other) for i, op in enumerate(chain)
    }
    precedence = Precedence(before)
    precedence.add([other[-1]], one[0])
    assert all(precedence.leads(late, early) for late in other for early in one)
    assert not any(precedence.leads(early, late) for late in other for early in one)
    assert [precedence.leads(one[i], one[j]) for i, j in ((0, 4), (4, 0), (2, 2))] == [
        True, False, True,
    ]  # fmt: skip
