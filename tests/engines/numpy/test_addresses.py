"""What compiled code reads, writes, copies, calls and multiplies by address."""

import numpy as np
import pytest

numba = pytest.importorskip("numba", reason="numba is not installed")

from bpx_backends.engines.numpy import addresses, blas  # noqa: E402 - it needs numba

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64",
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_are_read_and_written_where_they_are(dtype):
    at = getattr(addresses, f"{dtype}_at")

    @numba.njit("void(int64, int64)")
    def reversed_(source, out):
        x, y = at(source), at(out)
        for i in range(5):
            y[i] = x[4 - i]

    x = np.array([0, 1, 1, 0, 1], dtype)
    y = np.zeros_like(x)
    reversed_(x.ctypes.data, y.ctypes.data)
    assert np.array_equal(y, x[::-1])


def test_bytes_are_copied():
    @numba.njit("void(int64, int64, int64)")
    def copied(to, source, count):
        addresses.copy_bytes(to, source, count)

    x, y = np.arange(20.0), np.zeros(20)
    copied(y[3:].ctypes.data, x.ctypes.data, 5 * 8)
    assert np.array_equal(y, [0, 0, 0, 0, 1, 2, 3, 4, *[0] * 12])
    copied(y.ctypes.data, x.ctypes.data, 0)
    assert y[0] == 0


def test_a_function_is_called_with_its_block():
    @numba.cfunc("void(CPointer(int64))")
    def doubled(block):
        block[1] = 2 * block[0]

    @numba.njit("void(int64, int64)")
    def called(function, block):
        addresses.call(function, block)

    block = np.array([21, 0])
    called(doubled.address, block.ctypes.data)
    assert block[1] == 42


@pytest.mark.parametrize(
    ("dtype", "name"), [("float32", "product32"), ("float64", "product64")]
)
def test_products_are_numpys(dtype, name):
    found = blas.find()
    if found is None:
        pytest.skip("NumPy's BLAS has none of the known names")
    product, real = getattr(addresses, f"product{dtype[5:]}"), getattr(numba, dtype)

    @numba.njit
    def computed(function, a, b, c):
        product(
            function, 111, 112, 3, 5, 4,
            real(2.0), a, 4, b, 4, real(3.0), c, 5,
        )  # fmt: skip

    rng = np.random.default_rng(0)
    a, b = (
        rng.integers(5, size=(3, 4)).astype(dtype),
        rng.integers(5, size=(5, 4)).astype(dtype),
    )
    c = np.ones((3, 5), dtype)
    computed(found.address(dtype), a.ctypes.data, b.ctypes.data, c.ctypes.data)
    assert np.array_equal(c, 2 * (a @ b.T) + 3)
