"""What is put on the stream: which matrices a product can read, what is in whose way."""

import pytest

from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.items import matrix_order
from bpx_backends.engines.cuda.layout import Place

FLOAT = DTYPES["float32"]


@pytest.mark.parametrize(
    ("shape", "strides", "order"),
    [
        ((3, 4), (4, 1), (False, 4)),
        ((3, 4), (1, 3), (True, 3)),
        ((3, 4), (6, 1), (False, 6)),
        ((1, 4), (1, 1), (False, 4)),
        ((4, 1), (1, 1), (False, 1)),
        ((1, 4), (0, 1), (False, 4)),
        ((4, 1), (1, 0), (False, 1)),
        ((1, 1), (0, 0), (False, 1)),
        ((3, 4), (8, 2), None),
    ],
)
def test_how_a_product_can_read_a_matrix(shape, strides, order):
    assert matrix_order(Place(0, FLOAT, shape, strides)) == order
