"""Matrix products in cuBLAS's form: column-major, with transposes as flags."""

from typing import NamedTuple

from bpx_backends.engines.cuda.items import Product, matrix_order
from bpx_backends.engines.cuda.layout import Place

__all__ = ["Factor", "Gemm", "gemm"]


class Factor(NamedTuple):
    """A column-major matrix in memory.

    Attributes
    ----------
    place : Place
    transposed : bool
        Whether the product uses its transpose.
    rows, columns : int
        The stored sizes.
    step : int
        The elements from one column to the next: the leading dimension.
    """

    place: Place
    transposed: bool
    rows: int
    columns: int
    step: int


class Gemm(NamedTuple):
    """D = op(A) op(B), column-major: the transpose of ``out = a @ b``, with A = b and B = a.

    With numbers, D = alpha op(A) op(B) + beta D.
    """

    a: Factor
    b: Factor
    d: Factor
    bias: Place | None
    alpha: int = 1
    beta: int = 0


def gemm(product: Product) -> Gemm:
    """Convert a row-major product: out^T = b^T a^T, without moving any element."""
    out = product.out
    rows, columns = out.shape
    return Gemm(
        _factor(product.b),
        _factor(product.a),
        Factor(out, False, columns, rows, columns),
        product.bias,
        product.onto or 1,
        abs(product.onto),
    )


def _factor(place: Place) -> Factor:
    """Convert a row-major matrix to its transpose, whose columns are its rows."""
    order = matrix_order(place)
    assert order is not None
    stored_transposed, step = order
    rows, columns = place.shape
    if stored_transposed:
        return Factor(place, True, rows, columns, step)
    return Factor(place, False, columns, rows, step)
