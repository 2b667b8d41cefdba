"""What is written of loops of any kind: names, addresses, and the lines that read."""

from dataclasses import replace

import numpy as np
import pytest

from bpx.program.operation import DTYPES
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


def scribe_of(domain=(3, 8), shape=(3, 8)):
    scribe = Scribe(loop_of("square", domain, shape))
    return scribe, *scribe.loop.read


def test_a_line_for_each_element_that_a_thread_takes():
    lines = list(each(4, "y[u] = 0;"))
    assert lines == ["#pragma unroll", "for (int u = 0; u < 4; ++u) y[u] = 0;"]


def test_names_are_new():
    scribe, _ = scribe_of()
    assert [scribe.fresh("t"), scribe.fresh("t"), scribe.fresh("x")] == ["t1", "t2", "x3"]
    assert [scribe.argument(8), scribe.argument(8)] == ["a0", "a1"]


def test_an_operand_is_a_name_a_literal_or_converted():
    scribe, x = scribe_of()
    scribe.names[x] = "t7"
    assert scribe.read(x, None) == scribe.read(x, x.dtype) == "t7"
    assert scribe.read(x, DTYPES["float64"]) == "((double)t7)"
    assert scribe.read(0.5, x.dtype) == "0.5f"


def test_what_is_computed_gets_a_name():
    scribe, x = scribe_of()
    scribe.names[x] = "x1"
    (operations,) = scribe.loop.phases
    (op,) = operations
    line = scribe.compute(op)
    name = scribe.names[op.result]
    assert line.startswith(f"const float {name} = ")
    assert "x1" in line
    assert scribe.kept(op.result) == f"y_{name}"


def test_neighbours_are_read_as_one_vector_where_they_are_one():
    scribe, x = scribe_of()
    lines = list(scribe.along(x, 4))
    assert lines == ["float x1[4];", "load<4>(p2 + i * 8 + j, x1);"]
    assert scribe.names[x] == "x1[u]"
    scribe, x = scribe_of((3, 7), (3, 7))  # rows of 7: the second begins between vectors
    lines = list(scribe.along(x, 4))
    assert lines[-1] == "for (int u = 0; u < 4; ++u) x1[u] = p2[i * 7 + (j + u)];"


def test_an_array_that_begins_between_vectors_is_read_one_by_one():
    loop = loop_of("square", (3, 8), (3, 8))
    (x,) = loop.read
    places = {v: place._replace(offset=place.offset + 4) for v, place in loop.places.items()}
    lines = list(Scribe(replace(loop, places=places)).along(x, 4))
    assert lines[-1] == "for (int u = 0; u < 4; ++u) x1[u] = p2[i * 8 + (j + u)];"


def test_outside_the_domain_a_zero_is_read():
    scribe, x = scribe_of()
    assert scribe.guarded(x, "i < n", "i * 8") == (
        "const float x1 = i < n ? p2[i * 8] : (float)0;"
    )


def test_single_numbers_are_read_first():
    def scaled(x, eta):
        return [eta * x]

    (loop,) = loops(scaled, np.ones((3, 8), "float32"), np.ones(1, "float32"))
    scribe = Scribe(loop)
    (line,) = scribe.scalars()
    (number,) = (v for v in loop.read if v.shape == (1,))
    assert line == f"const float {scribe.names[number]} = {scribe.pointer(number)}[0];"


def test_results_are_kept_until_they_are_stored():
    scribe, x = scribe_of()
    scribe.names[x] = "x1[u]"
    (operations,) = scribe.loop.phases
    lines = list(scribe.computed(operations, 4))
    (op,) = operations
    kept, name = scribe.kept(op.result), scribe.names[op.result]
    assert lines[0] == f"float {kept}[4];"
    assert lines[1:3] == ["#pragma unroll", "for (int u = 0; u < 4; ++u) {"]
    assert lines[-2:] == [f"{kept}[u] = {name};", "}"]


def test_the_function_has_what_its_text_asks_for():
    scribe, x = scribe_of()
    pointer = scribe.pointer(x)
    function = scribe.function(["done();"], threads=128, items=9, blocks=2)
    place = scribe.loop.places[x]
    assert function.text == f"float* const {pointer} = (float*)(arena + a0);\ndone();"
    assert (function.threads, function.items, function.blocks) == (128, 9, 2)
    assert function.arguments == (place.offset,)
    assert function.reads == tuple(scribe.loop.reads)
    assert function.writes == tuple(scribe.loop.writes)
