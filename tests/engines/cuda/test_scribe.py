"""What is written of loops of any kind: names, addresses, and the lines that read."""

import numpy as np
import pytest

import bpx
from bpx_backends.engines.cuda.scribe import Scribe, at, each
from tests.engines.cuda.functions import loop_of, loops


def test_an_index_is_a_sum_of_what_moves():
    assert at(("i", 4), ("j", 1)) == "i * 4 + j"
    assert at(("i", 0), ("j", 0)) == "0"


def test_a_function_is_given_each_address_once():
    def twice(x, y):
        t = x + y * x
        return [t, t - y]

    (loop,) = loops(twice, np.ones(8, "float32"), np.ones(8, "float32"))
    scribe = Scribe(loop)
    names = [scribe.pointer(v) for v in (*loop.read, *loop.read)]
    assert names[:2] == names[2:]
    function = scribe.function([])
    assert function.arguments == tuple(loop.places[v].offset for v in loop.read)
    assert function.text.count("arena + ") == 2


@pytest.mark.parametrize(("n", "kind"), [(2**28 - 1, "int"), (2**28, "long long")])
def test_indices_have_64_bits_where_they_need_them(n, kind):
    assert Scribe(loop_of("square", (1, n), (1, n))).index == kind
