"""Matrix products as cuBLAS wants them: column-major, with transposes as flags."""

from typing import NamedTuple

from bpx_backends.engines.cuda.items import Product, matrix_order
from bpx_backends.engines.cuda.layout import Place

__all__ = ["Factor", "Gemm", "gemm"]


class Factor(NamedTuple):
    """A matrix in memory, column by column.

    Attributes
    ----------
    place : Place
    transposed : bool
        Whether the product takes its transpose.
    rows, columns : int
        As it is stored.
    step : int
        Elements from one column to the next: the leading dimension.
    """

    place: Place
    transposed: bool
    rows: int
    columns: int
    step: int


class Gemm(NamedTuple):
    """D = op(A) op(B), column-major: the transpose of ``out = a @ b``, with A of b, B of a."""

    a: Factor
    b: Factor
    d: Factor
    bias: Place | None


def gemm(product: Product) -> Gemm:
    """A product of rows as one of columns: out^T = b^T a^T, and no element is moved."""
    out = product.out
    rows, columns = out.shape
    return Gemm(
        _factor(product.b),
        _factor(product.a),
        Factor(out, False, columns, rows, columns),
        product.bias,
    )


def _factor(place: Place) -> Factor:
    """The transpose of a matrix, which is what its rows are as columns."""
    order = matrix_order(place)
    assert order is not None
    stored_transposed, step = order
    rows, columns = place.shape
    if stored_transposed:
        return Factor(place, True, rows, columns, step)
    return Factor(place, False, columns, rows, step)
