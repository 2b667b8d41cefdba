"""Static memory: values of one dtype lie over one another as in the plan, and only so."""

from itertools import combinations

import pytest

from bpx.export.c.arena import arenas
from bpx.program.operation import Value, dtype_of
from bpx.program.plan import plan
from tests.architectures import random_network

F32, I32 = dtype_of("float32"), dtype_of("int32")


def test_what_another_dtype_leaves_free_is_not_kept():
    a, b, c = Value((16,), F32), Value((16,), I32), Value((32,), F32)
    found = arenas({a: 0, b: 64, c: 128})
    assert found[F32].offsets == {a: 0, c: 16}
    assert (found[F32].size, found[I32].size) == (48, 16)


def test_places_are_shared_as_in_the_plan():
    a, b, c = Value((32,), F32), Value((16,), F32), Value((16,), F32)
    found = arenas({a: 64, b: 64, c: 128})
    assert found[F32].offsets == {a: 0, b: 0, c: 16}
    assert found[F32].size == 32


@pytest.mark.parametrize("seed", range(8))
def test_what_lies_apart_stays_apart(seed):
    import bpx

    net = random_network(seed)
    made = plan(net.program(batch_size=5, optimizer=bpx.Adam()))
    found = arenas(made.offsets)
    for a, b in combinations(made.offsets, 2):
        if a.dtype == b.dtype:
            arena = found[a.dtype]
            before = _apart(made.offsets[a], a.nbytes, made.offsets[b], b.nbytes)
            assert before <= _apart(arena.offsets[a], a.size, arena.offsets[b], b.size)
            assert arena.offsets[a] + a.size <= arena.size
    assert sum(d.itemsize * a.size for d, a in found.items()) <= 2 * made.scratch


def _apart(first, size, second, other):
    return first + size <= second or second + other <= first
