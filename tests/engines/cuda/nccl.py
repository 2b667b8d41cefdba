"""NCCL as far as ranks use it, through CuPy's module, on host memory.

What it is given is noted; the sums are another's, which adds host arrays over the ranks.
"""

import ctypes
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tests.engines.cuda.fakes import Stream

KINDS = {
    "NCCL_INT8": 0,
    "NCCL_UINT8": 1,
    "NCCL_INT32": 2,
    "NCCL_UINT32": 3,
    "NCCL_INT64": 4,
    "NCCL_UINT64": 5,
    "NCCL_FLOAT16": 6,
    "NCCL_FLOAT32": 7,
    "NCCL_FLOAT64": 8,
    "NCCL_BFLOAT16": 9,
}
"""As CuPy 14.2 has them."""
DTYPES = {2: "int32", 4: "int64", 6: "float16", 7: "float32", 8: "float64"}
NAME = bytes(range(128))


class Nccl(ModuleType):
    """``cupy.cuda.nccl``; ``add(x)`` adds a host array over the ranks, in its place."""

    NCCL_SUM = 0

    def __init__(self, add: Any = lambda x: None) -> None:
        super().__init__("cupy.cuda.nccl")
        self.__dict__.update(KINDS)
        self.add, self.available = add, True
        self.calls: list[Any] = []
        self.NcclCommunicator = self.communicator

    def get_unique_id(self) -> bytes:
        self.calls.append("get_unique_id")
        return NAME

    def communicator(self, size: int, name: bytes, rank: int) -> Any:
        assert name == NAME
        assert 0 <= rank < size
        self.calls.append(("init", size, rank))
        return SimpleNamespace(
            allReduce=self.all_reduce, destroy=lambda: self.calls.append("destroy")
        )

    def all_reduce(
        self, source: int, target: int, count: int, kind: int, op: int, stream: int
    ) -> None:
        assert {type(each) for each in (source, target, count, kind, op, stream)} == {int}
        assert source == target
        assert op == self.NCCL_SUM
        assert stream == Stream.current.ptr
        assert Stream.current.captured is None
        self.calls.append(("sum", source, count, kind))
        if kind in DTYPES:
            dtype = np.dtype(DTYPES[kind])
            size = count * dtype.itemsize
            self.add(np.frombuffer((ctypes.c_char * size).from_address(source), dtype))
