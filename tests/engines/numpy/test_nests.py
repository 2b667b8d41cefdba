"""The loops of a nest, as they are written: one over all elements, or rows and columns."""

import pytest

from bpx.program.fusion import is_column_reduction
from bpx_backends.engines.numpy.nests import NestWriter
from tests.program.planned import kernels


def written(step, *shapes):
    """The writers of the only kernel's nests, and their lines."""
    (kernel,) = kernels(lambda xp, s, d, r: step(xp, *s), *shapes).kernels
    arrays = dict.fromkeys((*kernel.reads, *kernel.writes))
    names = {v: f"x{i}" for i, v in enumerate(arrays)}
    writers = [NestWriter(nest, names, set(kernel.writes), {}) for nest in kernel.nests]
    return writers, [list(writer.lines()) for writer in writers]


def test_elements_alone_are_one_loop():
    (writer,), (lines,) = written(lambda xp, x: (x + 1.0,), (3, 4))
    assert writer.flat
    assert lines == [
        "n, k = sizes[0], sizes[1]",
        "for i in range(n * k * part // parts, n * k * (part + uint64(1)) // parts):",
        "    v1 = (x0[i] + float64(1.0))",
        "    x1[i] = v1",
    ]


def test_rows_are_shared_out_and_their_elements_are_not():
    (writer,), (lines,) = written(lambda xp, x: (x * xp.sum(x, axis=1, keepdims=True),), (3, 4))
    assert not writer.flat
    assert "first, last = uint64(0), k" in lines
    assert "for i in range(n * part // parts, n * (part + uint64(1)) // parts):" in lines


def test_columns_that_are_summed_are_shared_out():
    """So that no two threads sum into the same one."""
    (writer,), (lines,) = written(lambda xp, x, v: (x, xp.sum(x * 2.0, axis=0)), (3, 4), (4,))
    assert [op.name for op in writer.columns] == ["sum"]
    assert all(map(is_column_reduction, writer.columns))
    assert "first, last = k * part // parts, k * (part + uint64(1)) // parts" in lines
    assert "for i in range(n):" in lines


def test_the_matrices_of_a_stack_are_shared_out():
    def step(xp, x, v):
        return v * x / xp.sum(x, axis=-1, keepdims=True), v

    (writer,), (lines,) = written(step, (2, 3, 4), (2, 1, 1))
    assert not writer.flat
    assert "count, n, k = sizes[0], sizes[1], sizes[2]" in lines
    assert (
        "for m in range(count * part // parts, count * (part + uint64(1)) // parts):" in lines
    )
    assert "    for i in range(n):" in lines
    assert sum("[m]" in line for line in lines) == 1  # each one's number, before its rows


def test_a_stack_is_flat_where_all_is_as_large():
    (writer,), (lines,) = written(lambda xp, x: (x * 2.0,), (2, 3, 4))
    assert writer.flat
    size = "count * n * k"
    assert (
        f"for i in range({size} * part // parts, {size} * (part + uint64(1)) // parts):"
        in lines
    )


def test_each_nest_begins_with_its_sizes():
    """Whatever comes before it: nests of one form have one text."""
    writers, lines = written(lambda xp, x, v: (x + 1.0, v * 2.0), (3, 4), (5,))
    assert len(writers) == 2
    assert [each[0] for each in lines] == ["n, k = sizes[0], sizes[1]"] * 2


@pytest.mark.parametrize(("k", "size"), [(2, "uint64(2)"), (3, "sizes[1]")])
def test_two_columns_are_in_the_text(k, size):
    (writer,), (lines,) = written(lambda xp, x, v: (x * v, v), (5, k), (5, 1))
    assert not writer.flat
    assert lines[0] == f"n, k = sizes[0], {size}"


def test_a_function_of_one_number_is_the_librarys():
    _, ((*_, call, _),) = written(lambda xp, x: (xp.log(x),), (1,))
    assert call.strip() == "v2 = np.log(s1)"
    _, ((*_, call, _),) = written(lambda xp, x: (xp.log(x),), (2,))
    assert call.strip() == "v1 = log_float64(x0[i])"
