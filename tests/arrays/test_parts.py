"""Sums of which each rank gets its rows: eager ones, and those of a recording."""

import random

import numpy as np
import pytest

import bpx
from bpx.arrays.parts import Parts
from bpx.program.fusion import can_fuse
from bpx.program.instructions import Exchange
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.numpy.replay import prepare, replay
from tests.backends import Target, host
from tests.ranked_programs import Alike
from tests.ranks import on_ranks

ROWS = np.array([[0, 1], [1, 0]], "int32")
LARGE = frozenset([(5, 3)])


@pytest.mark.parametrize(
    "target", [Target.NUMPY, Target.STRICT, Target.TORCH], indirect=True, ids=str
)
@pytest.mark.parametrize("size", [2, 3, 5])
def test_each_rank_gets_its_rows_of_the_large_sums_and_all_of_the_others(target, size):
    drawn = np.random.default_rng(0).normal(size=(size, 5, 3))

    def run(ranks):
        parts = Parts(ranks, LARGE)
        tree = drawn[ranks.rank], np.full((4,), 1.0), None
        given = tuple(None if x is None else target.asarray(x, "float64") for x in tree)
        own, small, nothing = parts.summed(given)
        assert nothing is None
        (mine,) = parts.own((target.asarray(drawn.sum(axis=0), "float64"),))
        np.testing.assert_allclose(host(own), host(mine), rtol=0, atol=1e-14)
        whole, same = parts.whole((own, small), given[:2])
        assert same is small
        return host(own).shape[0], host(whole), host(small)

    found = on_ranks(size, run)
    assert sum(rows for rows, _, _ in found) == 5
    for _, whole, small in found:
        np.testing.assert_allclose(whole, drawn.sum(axis=0), rtol=0, atol=1e-14)
        np.testing.assert_array_equal(small, np.full((4,), float(size)))


LARGE_ONES = frozenset([(6, 6)])
PARTS = Parts(Alike(), LARGE_ONES)


def descent(state, data, rows):
    w, v, b = state
    gradient = w @ data[0], b * 3.0
    own, small = PARTS.summed(gradient)
    v = 0.9 * v + own
    (moved,) = PARTS.whole((PARTS.own((w,))[0] - 0.1 * v,), (w,))
    return moved, v, b - 0.1 * small


def momentum():
    rng = np.random.default_rng(0)
    state = rng.normal(size=(6, 6)), rng.normal(size=(3, 6)), rng.normal(size=(6,))
    return state, (rng.normal(size=(6, 6)),)


@pytest.mark.parametrize("fuses", [can_fuse, lambda _: False], ids=["kernels", "single"])
def test_rows_are_made_in_the_state_that_they_are_sent_from(fuses):
    state, data = momentum()
    planned = plan(record(descent, state, data, ROWS[0]), fuses)
    assert planned.copies == ()
    assert sorted(planned.states.values()) == [0, 1, 2]
    first, second = (each for each in planned.instructions if isinstance(each, Exchange))
    assert {op.name for op in first.operations} == {"all_reduce", "swap_rows"}
    (gathers,) = second.operations
    (part,) = gathers.values
    assert planned.views[part].values == (gathers.result,)
    assert part not in planned.offsets
    assert "all_gather of 1 arrays, 18 numbers" in str(planned)


def run_both(step, state, data, fuses=(), prepare=prepare):
    prepared = prepare(plan(record(step, state, data, ROWS[0]), *fuses))
    found = replay(prepared, state, data, ROWS, 0, 2)
    expected = state
    for rows in ROWS:
        expected = step(expected, data, rows)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


def test_a_replay_does_what_the_eager_step_does():
    run_both(descent, *momentum())


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_random_programs_in_kernels(seed, size):
    pytest.importorskip("numba", reason="numba is not installed")
    from bpx_backends.engines.numpy.kernels import compiled, fuses

    state = tuple(np.random.default_rng(seed).normal(size=(3, 6, 6)))
    run_both(drawn(seed, size), state, (), (fuses,), compiled)


def drawn(seed, size):
    """A step of divided sums, of what is sent, of products and of views, of 6 x 6 matrices."""
    parts = Parts(Alike(size), LARGE_ONES)

    def step(state, data, rows):
        draw, xp = random.Random(seed), bpx.namespace(rows)
        pool, owned = [*state], [state[0][: 6 // size] * 0.5]
        for _ in range(draw.randint(4, 14)):
            kind, some, other = draw.random(), draw.choice(pool), draw.choice(pool)
            if kind < 0.25:
                group = tuple(draw.choice(pool) for _ in range(draw.randint(1, 3)))
                owned += [each * 0.25 for each in parts.summed(group)]
            elif kind < 0.4:
                owned += parts.own((some,))
            elif kind < 0.6:
                owned.append(draw.choice(owned) * 0.5 - draw.choice(owned))
            elif kind < 0.75:
                sent = tuple(draw.choice(owned) for _ in range(draw.randint(1, 3)))
                pool += parts.whole(sent, (some,) * len(sent))
            elif kind < 0.85:
                pool.append(some + other * 0.5)
            elif kind < 0.95:
                pool.append(some @ other * 0.1)
            else:
                pool.append(some * xp.sum(other[1:3], axis=0))
        last = parts.whole((draw.choice(owned), draw.choice(owned[-2:])), (pool[0], pool[0]))
        return (*last, draw.choice(pool))

    return step


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed, size):
    state = tuple(np.random.default_rng(seed).normal(size=(3, 6, 6)))
    run_both(drawn(seed, size), state, ())
