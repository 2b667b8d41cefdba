"""NumPy's own products are found, and what is not one is refused."""

import ctypes
from importlib.metadata import PackageNotFoundError, files

import numpy as np
import pytest

from bpx_backends.engines.numpy import blas


@pytest.fixture(autouse=True)
def fresh():
    blas.find.cache_clear()
    yield
    blas.find.cache_clear()


def test_a_product_by_address_is_numpys():
    found = blas.find()
    if found is None:
        pytest.skip("NumPy's BLAS has none of the known names")
    rng = np.random.default_rng(0)
    for dtype in ("float32", "float64"):
        a, b = rng.random((40, 7)).astype(dtype), rng.random((7, 30)).astype(dtype)
        out = np.empty((40, 30), dtype)
        blas.gemm(found.address(dtype), dtype)(
            blas.ROWS, blas.NO, blas.NO, 40, 30, 7,
            1.0, a.ctypes.data, 7, b.ctypes.data, 30, 0.0, out.ctypes.data, 30,
        )  # fmt: skip
        np.testing.assert_array_equal(out, a @ b)


def test_without_names_or_a_library_there_is_none(monkeypatch):
    monkeypatch.setattr(blas, "_NAMES", ("no_such_{}gemm",))
    assert blas.find() is None
    blas.find.cache_clear()
    monkeypatch.setattr(blas, "_library", lambda: None)
    assert blas.find() is None


def test_a_function_that_computes_something_else_is_refused(monkeypatch):
    if blas.find() is None:
        pytest.skip("NumPy's BLAS has none of the known names")
    kind = type(blas.gemm(1, "float32")), type(blas.gemm(1, "float64"))
    kept = [each(lambda *given: None) for each in kind]
    wrong = iter([ctypes.cast(each, ctypes.c_void_p).value for each in kept])
    monkeypatch.setattr(blas, "_NAMES", ("{}",))
    monkeypatch.setattr(blas, "_address", lambda library, name: next(wrong))
    blas.find.cache_clear()
    assert blas.find() is None


def mkl():
    """MKL of its wheel, if that is installed."""
    try:
        named = [each for each in files("mkl") or () if "libmkl_rt" in each.name]
        return ctypes.CDLL(str(named[0].locate()))
    except (PackageNotFoundError, IndexError, OSError) as why:
        return pytest.skip(f"MKL is not installed: {why}")


def test_mkls_products_are_found_as_well(monkeypatch):
    library = mkl()
    monkeypatch.setattr(blas, "_library", lambda: library)
    found = blas.find()
    assert found is not None
    assert found.name == "cblas_sgemm_64"
