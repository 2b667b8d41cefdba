"""CuPy and nvmath-python as far as the engine uses them, on host memory.

A kernel runs emulated, a stream does at once what it is given, or notes it while it is
captured; what the real libraries refuse then is refused here. Matrix products are computed
from cuBLASLt's descriptors alone.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar
from weakref import WeakSet

import numpy as np

from bpx.arrays import registry
from tests.engines.cuda.emulation import emulate, host_library

ALIGNMENT = 512
NAMING_CUPY = (
    "bpx_backends._cupy",
    "bpx_backends.engines.cuda.machine",
    "bpx_backends.engines.cuda.puts",
    "bpx_backends.engines.cuda.cublaslt",
    "bpx_backends.ranks.nccl",
)


class Pointer:
    """A device address, and what keeps it valid."""

    def __init__(self, ptr: int, owner: Any) -> None:
        self.ptr, self.owner = ptr, owner

    def __add__(self, offset: int) -> "Pointer":
        return Pointer(self.ptr + offset, self.owner)


def alloc(nbytes: int) -> Pointer:
    not_captured()
    block = np.full(nbytes + ALIGNMENT, 0xA5, np.uint8)
    return Pointer(block.ctypes.data + -block.ctypes.data % ALIGNMENT, block)


class MemoryPool:
    """Keeps what is given back, until it is told to free it."""

    pools: ClassVar[list["MemoryPool"]] = []

    def __init__(self) -> None:
        self.used: WeakSet[np.ndarray] = WeakSet()
        self.freed: list[int] = []  # how many blocks were in use then
        self.pools.append(self)

    def malloc(self, nbytes: int) -> Pointer:
        made = alloc(nbytes)
        owner = made.owner.view(Block)
        self.used.add(owner)
        return Pointer(made.ptr, owner)

    def free_all_blocks(self) -> None:
        self.freed.append(len(self.used))


class Block(np.ndarray):
    """Memory of a pool: it is hashed as the object that it is."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__  # type: ignore[assignment]


class Array(np.ndarray):
    """A host array with the attributes of a CuPy array."""

    def __new__(
        cls, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None
    ) -> Any:
        nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memptr = memptr or alloc(nbytes)
        # As long as may be: what is read is said by the shape and the strides.
        buffer = (ctypes.c_char * (1 << 40)).from_address(memptr.ptr)
        made = np.ndarray.__new__(cls, shape, dtype, buffer, 0, strides)
        made.pointer = memptr
        return made

    def __array_finalize__(self, of: Any) -> None:
        self.pointer = None

    @property
    def data(self) -> Pointer:
        return self.pointer or Pointer(self.ctypes.data, self)

    device = SimpleNamespace(id=0)

    def set(self, x: np.ndarray) -> None:
        self[...] = x


class Device:
    """A device: there are `count` of them."""

    count = 1

    def __init__(self, index: int) -> None:
        self.id, self.pci_bus_id = index, f"0000:{index:02x}:00.0"

    def __enter__(self) -> None: ...

    def __exit__(self, *_: Any) -> None: ...


class Stream:
    """A stream; the one that is current is `Stream.current`."""

    current: "Stream"

    def __init__(self, non_blocking: bool = False) -> None:
        self.ptr = id(self)
        self.captured: list[Callable[[], None]] | None = None
        self.before: list[Stream] = []

    def put(self, what: Callable[[], None]) -> None:
        if self.captured is None:
            what()
        else:
            self.captured.append(what)

    def record(self) -> str:
        return "event"

    def wait_event(self, event: str) -> None:
        assert event == "event"

    def synchronize(self) -> None:
        assert self.captured is None

    def begin_capture(self) -> None:
        assert self.captured is None
        self.captured = []

    def end_capture(self) -> Any:
        assert self.captured is not None
        captured, self.captured = self.captured, None
        return SimpleNamespace(launch=lambda stream: [each() for each in captured])

    def __enter__(self) -> "Stream":
        self.before.append(Stream.current)
        Stream.current = self
        return self

    def __exit__(self, *_: Any) -> None:
        Stream.current = self.before.pop()


Stream.current = Stream()


class RawModule:
    """Compiled CUDA C. Scalars are passed in their own width, as by RawKernel: none is cast."""

    def __init__(self, code: str, options: tuple[str, ...]) -> None:
        self.library = host_library(code)

    def get_function(self, name: str) -> Callable[..., None]:
        def kernel(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            *arrays, number = arguments
            assert type(number) is np.int32
            Stream.current.put(lambda: self.run(name, *grid, *block, arrays, int(number)))

        return kernel

    def run(self, name: str, grid: int, block: int, arrays: list[Any], number: int) -> None:
        if name == "advance":
            self.library.advance(ctypes.c_void_p(arrays[0].data.ptr), number)
        else:
            emulate(self.library, name, grid, block, *arrays, number)


def not_captured() -> None:
    if Stream.current.captured is not None:
        raise RuntimeError("not while a stream is captured")


def dot(a: Any, b: Any, out: Any = None) -> Any:
    not_captured()
    assert out is None or out.flags.c_contiguous
    return np.matmul(np.asarray(a), np.asarray(b), out=out)


def copyto(to: Any, x: Any) -> None:
    not_captured()
    assert to.dtype == x.dtype
    to[...] = x


def array(x: Any, order: str = "C", copy: bool = True) -> Array:
    made = Array(x.shape, x.dtype)
    made[...] = x
    return made


def zeros(shape: Any, dtype: Any) -> Array:
    made = Array(shape, dtype)
    made[...] = 0
    return made


def cupy() -> ModuleType:
    """The module."""
    made = ModuleType("cupy")
    cuda = SimpleNamespace(
        alloc=alloc,
        Stream=Stream,
        MemoryPool=MemoryPool,
        Device=Device,
        get_current_stream=lambda: Stream.current,
        runtime=SimpleNamespace(getDeviceCount=lambda: Device.count, getDevice=lambda: 0),
    )
    made.__dict__.update(
        ndarray=Array, cuda=cuda, RawModule=RawModule, dot=dot, copyto=copyto, array=array,
        empty=Array, zeros=zeros, __version__="0", __spec__=SimpleNamespace(name="cupy"),
    )  # fmt: skip
    return made


class Names:
    """An enumeration: every name is its own value, or the number given."""

    def __init__(self, **values: int) -> None:
        self.values = values

    def __getattr__(self, name: str) -> Any:
        return self.values.get(name, name)

    __getitem__ = __getattr__


class LtError(Exception):
    pass


class CublasLt(ModuleType):
    """``nvmath.bindings.cublasLt``, with its order of arguments; descriptors are objects."""

    matmul_heuristic_result_dtype = np.dtype(
        [("algo", np.uint64, 8), ("workspace_size", np.uint64), ("state", np.int32)]
    )
    MatmulDescAttribute = Names()
    MatmulPreferenceAttribute = Names()
    Epilogue = Names(BIAS=4)
    cuBLASLtError = LtError  # noqa: N815

    def __init__(self, refused: set[str] = frozenset()) -> None:
        super().__init__("cublasLt")
        self.refused = refused  # "BIAS", "ODD" or "ALL": what there is no algorithm for
        self.made: dict[int, dict[str, Any]] = {}
        self.numbers = count(1)
        self.calls = 0

    def new(self, **attributes: Any) -> int:
        number = next(self.numbers)
        self.made[number] = attributes
        return number

    def create(self) -> int:
        return self.new(what="handle")

    def matmul_desc_create(self, compute: str, scale: int) -> int:
        return self.new(what="description", compute=compute, scale=scale)

    def matrix_layout_create(self, kind: str, rows: int, columns: int, step: int) -> int:
        return self.new(what="layout", kind=kind, rows=rows, columns=columns, step=step)

    def matmul_preference_create(self) -> int:
        return self.new(what="preference")

    def destroy(self, number: int) -> None:
        self.made.pop(number)["what"]

    matmul_desc_destroy = matrix_layout_destroy = matmul_preference_destroy = destroy

    def get_matmul_desc_attribute_dtype(self, name: str) -> type:
        return {"EPILOGUE": np.uint32, "BIAS_POINTER": np.int64}.get(name, np.int32)

    def get_matmul_preference_attribute_dtype(self, name: str) -> type:
        return np.uint64 if name == "MAX_WORKSPACE_BYTES" else np.uint32

    def matmul_desc_set_attribute(self, made: int, name: str, at: int, size: int) -> None:
        self.set(made, name, at, size, self.get_matmul_desc_attribute_dtype(name))

    def matmul_preference_set_attribute(self, made: int, name: str, at: int, size: int) -> None:
        self.set(made, name, at, size, self.get_matmul_preference_attribute_dtype(name))

    def set(self, made: int, name: str, at: int, size: int, dtype: type) -> None:
        assert size == np.dtype(dtype).itemsize
        self.made[made][name] = int(read(at, dtype, (1,), (size,))[0])

    def matmul_algo_get_heuristic(
        self, handle: int, description: int, a: int, b: int, c: int, d: int, preference: int,
        wanted: int, results: int, found: int,
    ) -> None:  # fmt: skip
        assert self.made[handle]["what"] == "handle"
        assert self.made[preference]["MAX_WORKSPACE_BYTES"] > 0
        assert c == d
        assert wanted == 1
        if "ALL" in self.refused:
            raise LtError("not supported")
        bias = self.made[description].get("EPILOGUE") == self.Epilogue.BIAS
        layouts = [self.made[each] for each in (a, b)]
        odd = any("16" in x["kind"] and x["step"] % 8 for x in layouts)  # no whole 16 bytes
        wrong = {*["BIAS"] * bool(bias), *["ODD"] * odd} & set(self.refused)
        read(found, np.int32, (1,), (4,))[0] = not wrong
        self.found = results

    def matmul(
        self, handle: int, description: int, alpha: int, a: int, a_layout: int, b: int,
        b_layout: int, beta: int, c: int, c_layout: int, d: int, d_layout: int, algo: int,
        workspace: int, workspace_size: int, stream: int,
    ) -> None:  # fmt: skip
        assert stream == Stream.current.ptr
        assert workspace % 256 == 0
        given = dict(self.made[description])
        layouts = [dict(self.made[each]) for each in (a_layout, b_layout, d_layout)]
        self.calls += 1
        kind = layouts[2]["kind"]
        scales = [read(at, DTYPES[kind], (1,), (1,))[0] for at in (alpha, beta)]
        assert scales in ([1, 0], [1, 1], [-1, 1])
        assert (c, c_layout) == (d, d_layout)
        Stream.current.put(lambda: product(given, (a, b, d), layouts, *scales))


DTYPES = {"CUDA_R_32F": np.float32, "CUDA_R_64F": np.float64, "CUDA_R_16F": np.float16,
          "CUDA_R_16BF": np.uint16}  # fmt: skip


def read(address: int, dtype: Any, shape: Any, strides: Any) -> np.ndarray:
    buffer = (ctypes.c_char * (1 << 40)).from_address(address)
    return np.ndarray(shape, dtype, buffer, 0, strides)


def product(
    given: dict[str, Any],
    addresses: Any,
    layouts: list[dict[str, Any]],
    alpha: float,
    beta: float,
) -> None:
    """D = alpha op(A) op(B) + beta D, of columns, and the bias over D's rows."""
    a, b, d = (matrix(*each) for each in zip(addresses, layouts, strict=True))
    total = alpha * (wide(a.T if given["TRANSA"] else a) @ wide(b.T if given["TRANSB"] else b))
    if beta:
        total = total + beta * d
    if given.get("EPILOGUE") == CublasLt.Epilogue.BIAS:
        total = total + read(given["BIAS_POINTER"], d.dtype, (len(d), 1), (d.itemsize, 0))
    d[...] = total


def matrix(address: int, layout: dict[str, Any]) -> np.ndarray:
    dtype = np.dtype(DTYPES[layout["kind"]])
    shape, step = (layout["rows"], layout["columns"]), layout["step"]
    assert step >= layout["rows"]
    return read(address, dtype, shape, (dtype.itemsize, step * dtype.itemsize))


def wide(x: np.ndarray) -> np.ndarray:
    if x.dtype == np.uint16:
        return (x.astype(np.uint32) << 16).view(np.float32)
    return x.astype(np.float32) if x.dtype == np.float16 else x


@contextmanager
def installed(monkeypatch: Any, lt: CublasLt | None) -> Iterator[ModuleType]:
    """The engine's machine, with these imported; no nvmath-python where `lt` is None."""
    nvmath = {"nvmath": None, "nvmath.bindings.cublas": None, "nvmath.bindings.cublasLt": lt}
    if lt is not None:
        nvmath["nvmath"] = SimpleNamespace(CudaDataType=Names())
        nvmath["nvmath.bindings.cublas"] = SimpleNamespace(
            ComputeType=Names(), Operation=Names(N=0, T=1)
        )
    for each, module in nvmath.items():
        monkeypatch.setitem(sys.modules, each, module)
    with monkeypatch.context() as patch:
        machine = anew(patch, "bpx_backends.engines.cuda.machine")
    machine.find_spec = lambda _: lt
    yield machine


def anew(patch: Any, name: str, nccl: ModuleType | None = None) -> ModuleType:
    """A module, imported anew; CuPy's stand-in is nobody else's, not even afterwards."""
    import array_api_compat

    for each in NAMING_CUPY:
        package, _, own = each.rpartition(".")
        for names, name_there in ((sys.modules, each), (vars(import_module(package)), own)):
            patch.setitem(names, name_there, None)
            del names[name_there]
    # Whatever asks for an array's backend meanwhile would keep one of the stand-in.
    patch.setattr(registry, "_loaded", dict(registry._loaded))
    made = cupy()
    made.cuda.nccl = nccl
    patch.setitem(sys.modules, "cupy", made)
    patch.setitem(sys.modules, "cupy.cuda", made.cuda)
    patch.setitem(sys.modules, "array_api_compat.cupy", np)
    patch.setattr(array_api_compat, "cupy", np, raising=False)
    return import_module(name)
