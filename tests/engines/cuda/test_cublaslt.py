"""Products by cuBLASLt's descriptors alone, on a stand-in for it."""

import gc

import numpy as np
import pytest

from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.items import Product
from bpx_backends.engines.cuda.layout import Layout
from tests.engines.cuda import fakes


class Arena:
    """A product's places in device memory, its factors stored turned or not."""

    def __init__(self, dtype="float32", turned=(False, False), onto=0):
        layout = Layout()
        a, b, out, bias = (
            layout.reserve(shape, DTYPES[dtype]) for shape in ((2, 3), (3, 4), (2, 4), (4,))
        )
        a, b = (
            each._replace(strides=(1, each.shape[0])) if flag else each
            for each, flag in zip((a, b), turned, strict=True)
        )
        self.product = Product(a, b, out, None if onto else bias, onto)
        self.memory = fakes.zeros((layout.size,), "uint8")
        rng = np.random.default_rng(0)
        for place in (a, b, bias, *([out] if onto else [])):
            self.at(place)[...] = rng.integers(-4, 5, place.shape)

    @property
    def address(self):
        return self.memory.data.ptr

    def at(self, place):
        size = place.dtype.itemsize
        strides = [size * step for step in place.strides]
        return fakes.read(self.address + place.offset, place.dtype.name, place.shape, strides)

    def expected(self):
        a, b, out, bias = (place and self.at(place) for place in self.product[:4])
        return out + self.product.onto * (a @ b) if self.product.onto else a @ b + bias


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turned", [(a, b) for a in (False, True) for b in (False, True)])
def test_a_product_with_its_bias(monkeypatch, turned, dtype):
    arena = Arena(dtype, turned)
    with fakes.installed(monkeypatch, fakes.CublasLt()) as machine:
        multiply = machine.LtProducts("float32").prepare(arena.product, arena.address)
        assert not arena.at(arena.product.out).any()
        multiply(fakes.Stream.current.ptr)
    np.testing.assert_array_equal(arena.at(arena.product.out), arena.expected())


@pytest.mark.parametrize("onto", [1, -1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_that_is_added_to_an_array(monkeypatch, dtype, onto):
    arena = Arena(dtype, (True, False), onto)
    expected = arena.expected()
    with fakes.installed(monkeypatch, fakes.CublasLt()) as machine:
        multiply = machine.LtProducts("float32").prepare(arena.product, arena.address)
        multiply(fakes.Stream.current.ptr)
    np.testing.assert_array_equal(arena.at(arena.product.out), expected)
    assert arena.product.out.span in arena.product.reads


def test_a_product_is_put_on_the_stream_as_often_as_it_is_asked_for(monkeypatch):
    arena, lt = Arena(), fakes.CublasLt()
    with fakes.installed(monkeypatch, lt) as machine:
        multiply = machine.LtProducts("float32").prepare(arena.product, arena.address)
        made = len(lt.made)
        for _ in range(3):
            multiply(fakes.Stream.current.ptr)
    assert (lt.calls, len(lt.made)) == (3, made)  # all else was done before


@pytest.mark.parametrize("refused", ["BIAS", "ALL"])
def test_what_there_is_no_algorithm_for_is_refused(monkeypatch, refused):
    arena = Arena()
    with fakes.installed(monkeypatch, fakes.CublasLt({refused})) as machine:
        products = machine.LtProducts("float32")
        with pytest.raises(machine.NoAlgorithmError):
            products.prepare(arena.product, arena.address)
        plain = arena.product._replace(bias=None)
        if refused == "BIAS":
            products.prepare(plain, arena.address)(fakes.Stream.current.ptr)


@pytest.mark.parametrize(
    ("precision", "dtype", "compute"),
    [
        ("float32", "float32", "COMPUTE_32F"),
        ("tf32", "float32", "COMPUTE_32F_FAST_TF32"),
        ("float32", "float64", "COMPUTE_64F"),
    ],
)
def test_tf32_is_not_taken_unasked(monkeypatch, precision, dtype, compute):
    arena, lt = Arena(dtype), fakes.CublasLt()
    with fakes.installed(monkeypatch, lt) as machine:
        held = machine.LtProducts(precision).prepare(arena.product, arena.address)
        computes = {each.get("compute") for each in lt.made.values()} - {None}
    assert held
    assert computes == {compute}


def test_what_was_made_for_a_product_goes_with_it(monkeypatch):
    arena, lt = Arena(), fakes.CublasLt()
    with fakes.installed(monkeypatch, lt) as machine:
        products = machine.LtProducts("float32")
        multiply = products.prepare(arena.product, arena.address)
        assert {each["what"] for each in lt.made.values()} == {
            "handle",
            "description",
            "layout",
        }
        del multiply
        gc.collect()
        assert [each["what"] for each in lt.made.values()] == ["handle"]
        del products
        gc.collect()
        assert not lt.made
