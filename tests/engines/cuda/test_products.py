"""Products of rows as cuBLAS's products of columns."""

from itertools import product

import numpy as np
import pytest

from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.items import Product
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.products import gemm
from tests.engines.cuda.emulation import EmulatedMachine

FLOAT = DTYPES["float32"]


@pytest.mark.parametrize(("rows", "inner", "columns"), [*product((1, 3), (1, 4), (1, 5))])
def test_products_as_columns_of_memory(rows, inner, columns):
    numbers = np.random.default_rng(0).random(100).astype("float32")
    for turned_a, turned_b in product((False, True), repeat=2):
        a = Place(0, FLOAT, (rows, inner), (1, rows) if turned_a else (inner, 1))
        b = Place(100, FLOAT, (inner, columns), (1, inner) if turned_b else (columns, 1))
        out = Place(200, FLOAT, (rows, columns), (columns, 1))
        bias = Place(320, FLOAT, (columns,), (1,))
        arena = numbers.view(np.uint8).copy()
        machine = EmulatedMachine.__new__(EmulatedMachine)
        machine.arena = arena
        machine.multiply(gemm(Product(a, b, out, bias)))
        left, right, row = (machine.array(each) for each in (a, b, bias))
        np.testing.assert_allclose(machine.array(out), left @ right + row, rtol=1e-6)
