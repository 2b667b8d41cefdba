"""What puts items on a stream, on the stand-in for CuPy: each kind of them."""

from types import SimpleNamespace

import numpy as np
import pytest

from bpx.program.operation import DTYPES, Operation, Value
from bpx_backends.engines.cuda.items import Call, Launch, Product, Sum
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.loops import Function
from tests.engines.cuda import fakes

FLOAT = DTYPES["float32"]
A, B = Place(0, FLOAT, (2, 2), (2, 1)), Place(64, FLOAT, (2, 2), (1, 2))


@pytest.fixture
def puts(monkeypatch):
    with fakes.installed(monkeypatch, None):
        made = fakes.anew(monkeypatch, "bpx_backends.engines.cuda.puts")
        arena = fakes.zeros((256,), np.uint8)
        yield made.Puts(arena, fakes.zeros((2,), np.int64), fakes.Stream.current, None)


def test_a_view_is_the_memory_of_its_place(puts):
    puts.arena[64:80] = np.arange(4, dtype="float32").view(np.uint8)
    np.testing.assert_array_equal(puts.view(B), [[0, 2], [1, 3]])


def test_a_launch_takes_the_next_kernel(puts):
    noted = []
    kernels = iter([lambda *given: noted.append(given)])
    function = Function("", (), 256, 300, 0, (), ())
    put = puts.put(Launch((function,)), kernels)
    put(3)
    ((grid, block, arguments),) = noted
    assert (grid, block) == ((2,), (256,))
    assert arguments[0] is puts.arena
    assert arguments[1] is puts.slots
    assert arguments[2] == 3


@pytest.mark.parametrize(("onto", "expected"), [(0, 4.0), (1, 5.0), (-1, -3.0)])
def test_a_product_by_cupy(puts, onto, expected):
    out = Place(128, FLOAT, (2, 2), (2, 1))
    puts.view(A)[...] = 1.0
    puts.view(B)[...] = 2.0
    puts.view(out)[...] = 1.0
    puts.put(Product(A, B, out, onto=onto), iter(()))(0)
    np.testing.assert_array_equal(puts.view(out), np.full((2, 2), expected))


def test_a_call_of_the_library(puts):
    x, y = Value((2, 2), FLOAT), Value((2,), FLOAT)
    puts.view(A)[...] = [[2.0, 3.0], [4.0, 5.0]]
    out = Place(128, FLOAT, (2,), (1,))
    call = Call(Operation("prod", (x,), y, (("axis", 1),)), (A,), out)
    puts.put(call, iter(()))(0)
    np.testing.assert_array_equal(puts.view(out), [6.0, 20.0])


def test_a_sum_is_given_the_vector_in_the_arena(puts):
    noted = []
    group = SimpleNamespace(all_reduce=noted.append)
    put = puts.put(Sum(group, Place(64, FLOAT, (5,), (1,))), iter(()))
    assert not noted
    put(0)
    put(1)
    first, second = noted
    assert first is second
    assert first.data.ptr == puts.arena.data.ptr + 64
    assert (first.shape, first.dtype, first.flags.c_contiguous) == ((5,), np.float32, True)
