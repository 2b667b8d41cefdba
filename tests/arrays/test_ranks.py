"""Sums over ranks: eager ones, and those of a recording, which are one message."""

import numpy as np
import pytest

import bpx
from bpx.arrays.ranks import summed
from bpx.program.contract import leaves
from bpx.program.instructions import Exchange
from bpx.program.operation import ALL_REDUCE
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.numpy.replay import prepare, replay
from tests.backends import Target, host
from tests.ranked_programs import drawn
from tests.ranks import communicators, on_ranks

ROWS = np.array([[0, 1], [1, 0]], "int32")


def parts(target, rank):
    each = [np.full((2, 3), 1.0 + rank), np.full((4,), 10.0 * rank), np.full((1, 1), 0.5)]
    return tuple(target.asarray(x, "float64") for x in each)


@pytest.mark.parametrize(
    "target", [Target.NUMPY, Target.STRICT, Target.TORCH], indirect=True, ids=str
)
def test_all_ranks_get_the_sum_in_one_message(target):
    def run(ranks):
        own = parts(target, ranks.rank)
        found = summed(ranks, own)
        for was, expected in zip(own, parts(target, ranks.rank), strict=True):
            np.testing.assert_array_equal(host(was), host(expected))
        return found, ranks.messages

    for found, messages in on_ranks(3, run):
        assert messages == [(11,)]
        for x, expected in zip(found, ((2, 3), (4,), (1, 1)), strict=True):
            assert tuple(x.shape) == expected
        assert [float(host(x).reshape(-1)[0]) for x in found] == [6.0, 30.0, 1.5]


def test_a_tree_without_arrays_stays_as_it_is():
    assert summed(communicators(1)[0], (None, ())) == (None, ())


def step_of(ranks, order=1):
    """BP4 and BP3 of two small layers, summed over the ranks, and a descent."""

    def step(state, data, rows):
        xp = bpx.namespace(rows)
        w, b, v = state
        a = xp.take(data[0], rows, axis=0)
        z = a @ w.mT + b
        delta = z @ v
        tree = {"dw": z.mT @ a, "db": xp.sum(z, axis=0), "dv": z.mT @ delta}
        names = list(tree)[::order]
        total = dict(zip(names, summed(ranks, tuple(tree[n] for n in names)), strict=True))
        return w - 0.1 * total["dw"], b - 0.1 * total["db"], v - 0.1 * total["dv"]

    return step


def small(rank=0):
    rng = np.random.default_rng(0)
    state = rng.normal(size=(3, 2)), rng.normal(size=(3,)), rng.normal(size=(3, 3))
    return state, (np.random.default_rng(rank + 1).normal(size=(4, 2)),)


def test_a_recording_has_a_sum_for_each_array_and_a_plan_one_message():
    (ranks,) = communicators(1)
    state, data = small()
    program = record(step_of(ranks), state, data, ROWS[0])
    assert program.counts[ALL_REDUCE] == 3
    planned = plan(program)
    (exchange,) = [each for each in planned.instructions if isinstance(each, Exchange)]
    assert exchange.group is ranks
    begin, end = planned.message(exchange)
    assert begin % 64 == 0
    assert [v.shape for v in exchange.writes] == [(3, 2), (3,), (3, 3)]
    places = [planned.offsets[v] - begin for v in exchange.writes]
    assert places == [0, 64, 128]
    assert end - begin == 128 + 72
    for op in exchange.operations:  # which are computed where they are summed
        assert planned.offsets[op.values[0]] == planned.offsets[op.result]
    assert "all_reduce of 3 arrays, 18 numbers" in str(planned)
    assert planned.bytes > 0


@pytest.mark.parametrize("order", [1, -1])
def test_a_replay_sums_as_the_eager_step_does(order):
    def run(ranks):
        state, data = small(ranks.rank)
        step = step_of(ranks, order)
        program = record(step, state, data, ROWS[0])
        found = replay(prepare(plan(program)), state, data, ROWS, 0, 2)
        messages, ranks.messages = ranks.messages, []
        expected = state
        for rows in ROWS:
            expected = step(expected, data, rows)
        again = program.replay(np, state, data, ROWS[0])
        return found, expected, messages, again, step(state, data, ROWS[0])

    results = on_ranks(2, run)
    for found, expected, messages, again, once in results:
        assert len(messages) == 2
        for x, y in zip(leaves(found), leaves(expected), strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-13)
        for x, y in zip(again, leaves(once), strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-13)
    first, second = (each[0] for each in results)
    for x, y in zip(leaves(first), leaves(second), strict=True):
        assert x.tobytes() == y.tobytes()


def test_what_waits_for_a_sum_is_another_message():
    (ranks,) = communicators(1)

    def step(state, data, rows):
        xp = bpx.namespace(rows)
        (total,) = summed(ranks, (xp.sum(state[0], axis=0),))
        (again,) = summed(ranks, (xp.sum(state[0] * total, axis=0),))
        return (state[0] + again,)

    state = (np.ones((3, 2)),)
    planned = plan(record(step, state, (), ROWS[0]))
    exchanges = [each for each in planned.instructions if isinstance(each, Exchange)]
    assert [len(each.operations) for each in exchanges] == [1, 1]
    found = replay(prepare(planned), state, (), ROWS, 0, 1)
    np.testing.assert_array_equal(found[0], np.ones((3, 2)) + 9.0)


def test_a_sum_may_be_a_state():
    def run(ranks):
        def step(state, data, rows):
            (total,) = summed(ranks, (state[0] * 2.0,))
            return (total,)

        state = (np.full((3,), 1.0 + ranks.rank),)
        planned = plan(record(step, state, (), ROWS[0]))
        return replay(prepare(planned), state, (), ROWS, 0, 2)[0]

    for found in on_ranks(2, run):
        np.testing.assert_array_equal(found, np.full((3,), 24.0))


def test_an_array_that_is_read_afterwards_is_copied():
    def run(ranks):
        def step(state, data, rows):
            own = state[0] * 2.0
            (total,) = summed(ranks, (own,))
            return (own + total * 0.0 + state[0],)

        state = (np.full((3,), 1.0 + ranks.rank),)
        planned = plan(record(step, state, (), ROWS[0]))
        return replay(prepare(planned), state, (), ROWS, 0, 1)[0]

    first, second = on_ranks(2, run)
    np.testing.assert_array_equal(first, np.full((3,), 3.0))
    np.testing.assert_array_equal(second, np.full((3,), 6.0))


def test_sums_that_are_states_do_not_overwrite_what_another_sum_is_read_with():
    """Momentum of one's own that keeps the raw gradient."""

    def run(ranks):
        def step(state, data, rows):
            w, b, dw, db = state
            own = w * 2.0 + b, b * 3.0 + xp_sum(w)
            new_w, new_b = summed(ranks, own)
            return w - 0.1 * (new_w + 0.5 * dw), b - 0.1 * (new_b + 0.5 * db), new_w, new_b

        def xp_sum(x):
            return bpx.namespace(x).sum(x, axis=0, keepdims=True)

        rng = np.random.default_rng(ranks.rank)
        state = tuple(rng.normal(size=shape) for shape in ((3, 4), (1, 4), (3, 4), (1, 4)))
        found = replay(prepare(plan(record(step, state, (), ROWS[0]))), state, (), ROWS, 0, 2)
        expected = state
        for rows in ROWS:
            expected = step(expected, (), rows)
        return found, expected

    for found, expected in on_ranks(2, run):
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-13)


@pytest.mark.parametrize("seed", range(200))
def test_random_programs_with_several_messages(seed):
    state = tuple(np.random.default_rng(seed).normal(size=(3, 4, 4)))
    step = drawn(seed)
    planned = plan(record(step, state, (), ROWS[0]))
    found = replay(prepare(planned), state, (), ROWS, 0, 2)
    expected = step(step(state, (), ROWS[0]), (), ROWS[1])
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


def test_a_sum_of_a_sum():
    def run(ranks):
        def step(state, data, rows):
            (once,) = summed(ranks, (state[0] * 1.0,))
            return summed(ranks, (once,))

        state = (np.full((3,), 1.0 + ranks.rank),)
        return replay(prepare(plan(record(step, state, (), ROWS[0]))), state, (), ROWS, 0, 1)[0]

    for found in on_ranks(2, run):
        np.testing.assert_array_equal(found, np.full((3,), 6.0))


def test_a_sum_of_numbers_that_depend_on_no_input_is_made_in_every_step():
    (ranks,) = communicators(1)

    def step(state, data, rows):
        xp = bpx.namespace(rows)
        (total,) = summed(ranks, (xp.ones((3,), dtype=xp.float64),))
        return (state[0] + total,)

    planned = plan(record(step, (np.zeros(3),), (), ROWS[0]))
    assert not any(op.name == ALL_REDUCE for op in planned.constants)
    replay(prepare(planned), (np.zeros(3),), (), ROWS, 0, 2)
    assert len(ranks.messages) == 2
