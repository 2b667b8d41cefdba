"""The instructions of the driver, one by one."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba is not installed")

from bpx_backends.engines.numpy import native, table


def run(*instructions, rows=None, start=0, stop=3):
    rows = np.zeros((3, 2), "int32") if rows is None else rows
    made = np.zeros((len(instructions), table.WIDTH), np.int64)
    for row, numbers in zip(made, instructions, strict=True):
        row[: len(numbers)] = numbers
    native._driver().kernel(made, table.address_of(rows), rows.strides[0], start, stop)


@pytest.mark.parametrize(
    ("dtype", "kind"), [("int32", table.PICK_32), ("int64", table.PICK_64)]
)
def test_each_step_picks_its_own_rows(dtype, kind):
    rows, x = np.array([[0, 3, 1], [2, 2, 0]], dtype), np.arange(12.0).reshape(4, 3)
    out = np.zeros((2, 3))
    pick = kind, table.address_of(out), table.address_of(x), 24, 2, rows.itemsize
    for step, expected in ((0, x[[3, 1]]), (1, x[[2, 0]])):
        run(pick, rows=rows, start=step, stop=step + 1)
        assert np.array_equal(out, expected)


def test_the_rows_themselves_and_other_arrays_are_copied():
    rows, picked = np.arange(6, dtype="int32").reshape(3, 2), np.zeros(2, "int32")
    x, y = np.arange(4.0), np.zeros(4)
    run(
        (table.ROWS, table.address_of(picked), 0, picked.nbytes),
        (table.COPY, table.address_of(y), table.address_of(x), x.nbytes),
        rows=rows,
    )
    assert picked.tolist() == [4, 5]
    assert np.array_equal(x, y)


def test_python_is_asked_in_each_step_until_it_raises():
    asked, seen = table.Asked(), []

    def see():
        seen.append(len(seen))
        if len(seen) == 2:
            raise ValueError("enough")

    x, y = np.ones(1), np.zeros(1)
    run(
        asked([table.Call(see, ())]),
        (table.COPY, table.address_of(y), table.address_of(x), x.nbytes),
        stop=9,
    )
    assert seen == [0, 1]
    assert str(asked.error) == "enough"


def test_no_steps_do_nothing():
    x, y = np.ones(1), np.zeros(1)
    run((table.COPY, table.address_of(y), table.address_of(x), x.nbytes), start=2, stop=2)
    assert y[0] == 0
