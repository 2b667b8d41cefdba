"""What puts the items of a schedule on a GPU's stream, through CuPy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cupy
import numpy as np
from array_api_compat import cupy as xp

from bpx.program.program import apply
from bpx_backends.engines.cuda.cublaslt import LtProducts
from bpx_backends.engines.cuda.items import Call, Item, Launch, Product, Sum
from bpx_backends.engines.cuda.layout import Place

__all__ = ["Put", "Puts"]

Put = Callable[[int], None]
"""Puts an item of the step with a given number on the stream."""


@dataclass(frozen=True, eq=False)
class Puts:
    """Makes what puts items on a stream, on which it is later called.

    None of it refers to a machine, so the memory of one is freed with its last user.

    Attributes
    ----------
    arena, slots : cupy.ndarray
        The memory of the schedule: see `bpx_backends.engines.cuda.layout`.
    stream : cupy.cuda.Stream
    products : LtProducts or None
        None to use CuPy's own.
    """

    arena: Any
    slots: Any
    stream: Any
    products: LtProducts | None

    def put(self, item: Item, kernels: Iterator[Any]) -> Put:
        """Return what puts an item there; a launch takes the next of the kernels."""
        if isinstance(item, Launch):
            return self._launch(next(kernels), (item.blocks,), (item.threads,))
        if isinstance(item, Product):
            return self._product(item)
        return self._sum(item) if isinstance(item, Sum) else self._call(item)

    def view(self, place: Place) -> Any:
        """Return the array at a place of the arena."""
        itemsize = place.dtype.itemsize
        return cupy.ndarray(
            place.shape,
            place.dtype.name,
            memptr=self.arena.data + place.offset,
            strides=tuple(stride * itemsize for stride in place.strides),
        )

    def _launch(self, kernel: Any, grid: tuple[int], block: tuple[int]) -> Put:
        arena, slots = self.arena, self.slots
        return lambda number: kernel(grid, block, (arena, slots, np.int32(number)))

    def _product(self, product: Product) -> Put:
        stream = self.stream
        if self.products is not None:
            multiply = self.products.prepare(product, self.arena.data.ptr)
            return lambda number: multiply(stream.ptr)
        a, b, out = (self.view(place) for place in (product.a, product.b, product.out))
        if product.onto:
            return lambda number: out.__iadd__(product.onto * cupy.dot(a, b))
        return lambda number: cupy.dot(a, b, out=out)

    def _call(self, call: Call) -> Put:
        operands = [self.view(v) if isinstance(v, Place) else v for v in call.operands]
        out = self.view(call.out)

        def put(number: int) -> None:
            out[...] = apply(xp, call.operation, operands)

        return put

    def _sum(self, each: Sum) -> Put:
        group, vector = each.group, self.view(each.place)
        return lambda number: group.all_reduce(vector)
