"""The driver's instructions for copies and for products."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from bpx.program.operation import Operation, Value
from bpx_backends.engines.numpy.blas import Blas, form
from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.numpy.kinds import (
    COPY,
    PRODUCT_32,
    PRODUCT_64,
    SCALED_32,
    SCALED_64,
)

__all__ = [
    "FEW",
    "Instruction",
    "NoInstructionError",
    "accumulated",
    "are_alike",
    "copied",
    "products",
]

FEW = 64
"""The most matrices of a stack that are multiplied one by one."""

Instruction = tuple[int, ...]
_PRODUCTS = {"float32": PRODUCT_32, "float64": PRODUCT_64}
_SCALED = {PRODUCT_32: SCALED_32, PRODUCT_64: SCALED_64}


class NoInstructionError(Exception):
    """The driver has no instruction for an operation, which Python is then asked for."""


def are_alike(to: np.ndarray, source: np.ndarray) -> bool:
    """Whether the bytes of one can be copied to the other."""
    same = to.shape == source.shape and to.dtype == source.dtype
    return same and to.flags.c_contiguous and source.flags.c_contiguous


def copied(to: np.ndarray, source: np.ndarray) -> Instruction:
    """Return the instruction that copies the bytes of an array."""
    return COPY, address_of(to), address_of(source), to.nbytes


def products(bound: Any, op: Operation, blas: Blas) -> list[Instruction]:
    """Return the instructions for a product, or for those of a stack."""
    a, b, out = (bound.find(v) for v in (*op.values, op.result))
    kind = _PRODUCTS.get(op.result.dtype.name)
    if kind is None or any(v.dtype is not op.result.dtype for v in op.values):
        raise NoInstructionError
    if not (a.size and b.size):
        raise NoInstructionError
    run = kind, blas.address(op.result.dtype.name)
    places = bound.address(op.values[0]), bound.address(op.values[1]), bound.address(op.result)
    if a.ndim == b.ndim == out.ndim == 2:
        return [(*run, *_product(a, b, out, places))]
    if a.ndim == b.ndim == out.ndim == 3 and len(a) == len(b) == len(out) <= FEW:
        each = zip(a, b, out, strict=True)
        return [(*run, *_product(*three, map(address_of, three))) for three in each]
    raise NoInstructionError


def accumulated(bound: Any, op: Operation, blas: Blas) -> list[Instruction]:
    """Return the product that is added in place, after a copy to this place if necessary."""
    c, a, b, *factor = op.operands
    old, left, right, out = (bound.find(v) for v in (c, a, b, op.result))
    if not (left.size and right.size and are_alike(out, old)):
        raise NoInstructionError
    at_old, *places = (bound.address(v) for v in (c, a, b, op.result))
    kind, beta = _PRODUCTS[op.result.dtype.name], _bits(1.0)
    for each in factor:
        if isinstance(each, Value):
            kind, beta = _SCALED[kind], bound.address(each)
        else:
            beta = _bits(each)
    numbers = _product(left, right, out, places, op.attribute("sign"), beta)
    added = kind, blas.address(op.result.dtype.name), *numbers
    return [added] if at_old == places[-1] else [copied(out, old), added]


def _product(
    a: np.ndarray,
    b: np.ndarray,
    out: np.ndarray,
    places: Iterable[int],
    alpha: float = 1.0,
    beta: int = 0,
) -> Instruction:
    """Return what follows the kind and the function; beta is a number's bits, or an address."""
    first, second, (at_a, at_b, at_out) = form(a), form(b), places
    if first is None or second is None or not out.flags.c_contiguous:
        raise NoInstructionError
    (m, n), k = out.shape, a.shape[1]
    sizes = first.flag, second.flag, m, n, k
    return *sizes, _bits(alpha), at_a, first.step, at_b, second.step, beta, at_out, n


def _bits(number: float) -> int:
    """Return the bits of a float64 number; those of 0 are 0."""
    return int(np.float64(number).view(np.int64))
