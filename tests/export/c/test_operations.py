"""Operations outside kernels, of any rank."""

import numpy as np
import pytest

from bpx.errors import InputError
from bpx.export.c.operations import operation_lines
from bpx.export.c.scope import Scope
from bpx.program.operation import Operation, Value, dtype_of
from tests.export.c.running import assert_same, in_c

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


@pytest.mark.usefixtures("gcc")
def test_concat():
    one = X[:, :1].copy()

    def each(xp, x, one):
        return xp.concat([x, one, x], axis=1), xp.concat([x, x + 1.0], axis=0)

    assert_same(each, X, one)


@pytest.mark.usefixtures("gcc")
def test_take():
    rows = np.array([2, 0, 0, 1], np.int32)
    assert_same(lambda xp, x, rows: xp.take(x, rows, axis=0), X, rows)


@pytest.mark.usefixtures("gcc")
def test_an_index_beyond_the_array_is_that_of_the_nearest_row():
    rows = np.array([2, 9, -4, 1], np.int32)
    held = np.array([2, 2, 0, 1], np.int32)

    def each(xp, x, rows):
        return xp.take(x, held if xp is np else rows, axis=0)

    found, expected = in_c(each, X, rows)
    np.testing.assert_array_equal(found[0], expected[0])


@pytest.mark.usefixtures("gcc")
def test_ranks_beyond_matrices():
    deep = np.random.default_rng(0).normal(size=(2, 3, 2, 2))

    def each(xp, x):
        shifted = xp.sin(x) + xp.reshape(x, (2, 3, 4))[:, :, None, :2]
        return shifted, xp.sum(x, axis=3), xp.argmax(x, axis=1), xp.concat([x, x], axis=2)

    assert_same(each, deep, rtol=1e-12)


@pytest.mark.usefixtures("gcc")
def test_broadcast_to_and_where():
    row = X[0].copy()
    assert_same(
        lambda xp, x, row: (xp.broadcast_to(row, (3, 4)), xp.where(x > row, x, 0.0)), X, row
    )


def test_an_unknown_operation_is_refused():
    x = Value((2,), dtype_of("float32"))
    with pytest.raises(InputError, match="the network calls sort on float32"):
        operation_lines(Operation("sort", (x,), Value((2,), x.dtype)), Scope({}, {}))
