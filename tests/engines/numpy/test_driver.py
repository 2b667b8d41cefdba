"""The instructions of the driver, one by one."""

import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba is not installed")

from bpx_backends.engines.numpy import kinds, native, table
from bpx_backends.engines.numpy.blas import NO, find
from bpx_backends.engines.numpy.calls import address_of


def run(*instructions, rows=None, start=0, stop=3, at=None):
    rows = np.zeros((3, 2), "int32") if rows is None else rows
    made = np.zeros((len(instructions), table.WIDTH), np.int64)
    for row, numbers in zip(made, instructions, strict=True):
        row[: len(numbers)] = numbers
    where, position = address_of(rows), start * len(made) if at is None else at
    return native.driver().kernel(made, where, rows.strides[0], position, stop)


@pytest.mark.parametrize(
    ("dtype", "kind"), [("int32", kinds.PICK_32), ("int64", kinds.PICK_64)]
)
def test_each_step_picks_its_own_rows(dtype, kind):
    rows, x = np.array([[0, 3, 1], [2, 2, 0]], dtype), np.arange(12.0).reshape(4, 3)
    out = np.zeros((2, 3))
    pick = kind, address_of(out), address_of(x), 24, 2, rows.itemsize
    for step, expected in ((0, x[[3, 1]]), (1, x[[2, 0]])):
        run(pick, rows=rows, start=step, stop=step + 1)
        assert np.array_equal(out, expected)


def test_the_rows_themselves_and_other_arrays_are_copied():
    rows, picked = np.arange(6, dtype="int32").reshape(3, 2), np.zeros(2, "int32")
    x, y = np.arange(4.0), np.zeros(4)
    run(
        (kinds.ROWS, address_of(picked), 0, picked.nbytes),
        (kinds.COPY, address_of(y), address_of(x), x.nbytes),
        rows=rows,
    )
    assert picked.tolist() == [4, 5]
    assert np.array_equal(x, y)


def test_the_driver_comes_back_where_python_is_asked():
    x, y = np.ones(1), np.zeros(1)
    table_ = (
        (kinds.ASK,),
        (kinds.COPY, address_of(y), address_of(x), x.nbytes),
        (kinds.ASK,),
    )
    assert run(*table_) == 0
    assert y[0] == 0
    assert run(*table_, at=1) == 2
    assert y[0] == 1
    assert run(*table_, at=3) == 3  # of the next step
    assert run(*table_, at=9) == 9  # the end
    assert run(*table_[1:2]) == 3


@pytest.mark.parametrize(
    ("dtype", "kind"), [("float32", kinds.SCALED_32), ("float64", kinds.SCALED_64)]
)
def test_a_product_is_added_to_a_multiple_that_is_read_at_each_step(dtype, kind):
    blas = find()
    if blas is None:
        pytest.skip("NumPy's BLAS has none of the known names")
    a, b = np.array([[1, 2]], dtype), np.array([[3], [4]], dtype)
    out, beta = np.array([[5]], dtype), np.array([2], dtype)
    one = int(np.float64(1.0).view(np.int64))
    run(
        (kind, blas.address(dtype), NO, NO, 1, 1, 2, one, address_of(a), 2, address_of(b), 1,
         address_of(beta), address_of(out), 1),
        (kinds.COPY, address_of(beta), address_of(a), a.itemsize),  # 1 from the next step on
        stop=2,
    )  # fmt: skip
    assert out.item() == (2 * 5 + 11) + 11


def two_at_once():
    """Two threads wait in C, within the driver, for a third one, which needs the GIL."""
    wait = ctypes.cast(ctypes.CDLL(None).sem_wait, ctypes.c_void_p).value
    semaphore, one, began = ctypes.create_string_buffer(64), np.ones(1), np.zeros((2, 1))
    ctypes.CDLL(None).sem_init(semaphore, 0, 0)
    native.driver()
    with ThreadPoolExecutor(2) as pool:
        for each in began:
            pool.submit(
                run,
                (kinds.COPY, address_of(each), address_of(one), one.nbytes),
                (kinds.KERNEL, wait, ctypes.addressof(semaphore)),
                stop=1,
            )
        while not began.all():
            sleep(0.001)
        for _ in began:
            ctypes.CDLL(None).sem_post(semaphore)
    print("both ended")


@pytest.mark.skipif(sys.platform != "linux", reason="semaphores of the C library")
def test_two_threads_are_in_the_driver_at_once():
    code = "from tests.engines.numpy.test_driver import two_at_once; two_at_once()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=300,  # without which it would wait forever
    )
    assert done.stdout == "both ended\n", done.stderr


def test_no_steps_do_nothing():
    x, y = np.ones(1), np.zeros(1)
    run((kinds.COPY, address_of(y), address_of(x), x.nbytes), start=2, stop=2)
    assert y[0] == 0
