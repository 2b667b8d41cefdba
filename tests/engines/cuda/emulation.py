"""Generated CUDA C without a GPU: compiled by NVRTC, and run on the host as C++."""

import atexit
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, PackagePath, files
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from bpx.program.operation import Value
from bpx.program.program import apply
from bpx_backends.engines.cuda.items import Call, Item, Launch, Product, Sum
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.products import Factor, Gemm, gemm
from bpx_backends.engines.cuda.schedule import Schedule
from bpx_backends.engines.cuda.source import kernel_name, source

HERE = Path(__file__).parent
FLAGS = [
    "-std=c++20", "-O1", "-shared", "-fPIC", "-fno-strict-aliasing", "-U_FORTIFY_SOURCE", "-w"
]  # fmt: skip


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="bpx-cuda-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def compiler() -> str | None:
    """A C++ compiler of the host that knows C++20; None if there is none."""
    for name in ("g++", "clang++"):
        if shutil.which(name) and not _compile(name, "nothing", "").returncode:
            return name
    return None


def _compile(name: str, stem: str, source: str) -> "subprocess.CompletedProcess[str]":
    text = _folder() / f"{stem}.cpp"
    text.write_text(f'#include "{HERE / "emulation.h"}"\n{source}')
    command = [name, *FLAGS, "-o", os.fspath(_folder() / f"{stem}.so"), os.fspath(text)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


_BUSY = Lock()
"""One kernel runs at a time, and one source is compiled, whichever thread asks."""


def host_library(source: str) -> ctypes.CDLL:
    """CUDA C as a library of the host."""
    with _BUSY:
        return _library(source)


@cache
def _library(source: str) -> ctypes.CDLL:
    name = compiler()
    assert name is not None
    stem = hashlib.sha256(source.encode()).hexdigest()[:16]
    done = _compile(name, stem, source)
    assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(os.fspath(_folder() / f"{stem}.so"))
    integer, address = ctypes.c_int, ctypes.c_void_p
    loaded.emulate.argtypes = [
        address, integer, integer, address, address, integer, integer
    ]  # fmt: skip
    return loaded


def emulate(
    library: ctypes.CDLL, kernel: str, blocks: int, threads: int, arena: Any, slots: Any,
    step: int, *, reverse: bool = False,
) -> None:  # fmt: skip
    """Launch a kernel on host arrays."""
    address = ctypes.cast(getattr(library, kernel), ctypes.c_void_p)
    with _BUSY:
        stuck = library.emulate(
            address, blocks, threads, arena.ctypes.data, slots.ctypes.data, step, reverse
        )
    assert not stuck, f"{kernel}: threads of block {stuck - 1} wait for ones that never come"


@cache
def nvrtc() -> ctypes.CDLL | None:
    """NVIDIA's runtime compiler, of a wheel or the system's; None if it is not installed."""
    for wheel in ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"):
        try:
            found = files(wheel) or []
        except PackageNotFoundError:
            continue
        # Some releases look for their builtins by name alone: they must be there already.
        for each in _named(found, "libnvrtc-builtins.so"):
            ctypes.CDLL(each, mode=ctypes.RTLD_GLOBAL)
        for each in _named(found, "libnvrtc.so"):
            return ctypes.CDLL(each)
    return None


def _named(found: Iterable[PackagePath], name: str) -> Iterator[str]:
    return (os.fspath(each.locate()) for each in found if each.name.startswith(name))


def compiled(source: str, architecture: str = "sm_90") -> int:
    """The size of the machine code that NVRTC makes of a source; its log, if it makes none."""
    library = nvrtc()
    assert library is not None
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"bpx.cu", 0, None, None)
    # As CuPy compiles: it also flushes subnormal numbers to zero.
    options = [f"--gpu-architecture={architecture}".encode(), b"--std=c++17", b"-ftz=true"]
    failed = library.nvrtcCompileProgram(
        program, len(options), (ctypes.c_char_p * len(options))(*options)
    )
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    assert not failed, log.value.decode()
    library.nvrtcGetCUBINSize(program, ctypes.byref(size))
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return size.value


class EmulatedMachines:
    """Gives machines of the host: `bpx_backends.engines.cuda.contract.Machines`."""

    def __init__(self, *, reverse: bool = False, captures: bool = True) -> None:
        self.reverse, self.captures = reverse, captures
        self.made: list[EmulatedMachine] = []
        self.lock = Lock()

    def key(self, x: Any) -> str:
        return "host"

    @contextmanager
    def on(self, device: str) -> Iterator[None]:
        with self.lock:
            yield

    def make(self, device: str, made: Any) -> "EmulatedMachine":
        schedule = made(bias=True)
        captures = self.captures and schedule.capturable
        self.made.append(EmulatedMachine(schedule, captures, self.reverse))
        return self.made[-1]

    def release(self) -> None:
        """There is no pool."""


class EmulatedMachine:
    """A schedule on host memory, with guards around it; a graph is the list of its steps."""

    GUARD = 4096

    def __init__(self, schedule: Schedule, captures: bool, reverse: bool) -> None:
        self.schedule, self.captures, self.reverse = schedule, captures, reverse
        self.library = host_library(source(schedule.launches))
        size = schedule.layout.size
        block = np.full(size + 2 * self.GUARD + 256, 0xA5, np.uint8)
        first = self.GUARD - (block.ctypes.data + self.GUARD) % -256
        self.arena = block[first : first + size]
        self.guards = block[:first], block[first + size :]
        self.slots = np.zeros(2 + len(schedule.plan.program.data), np.int64)
        self.graph: list[Any] | None = None
        self.replays = self.steps = 0
        constants: dict[Value, Any] = {}
        for op in schedule.plan.constants:
            operands = [constants.get(v, v) for v in op.operands]
            constants[op.result] = apply(np, op, operands)
            self.write(schedule.layout.places[op.result], constants[op.result])

    def fresh(self, place: Place) -> np.ndarray:
        return np.empty(place.shape, place.dtype.name)

    def usable(self, x: np.ndarray) -> np.ndarray:
        aligned = np.empty(x.nbytes + 64, np.uint8)
        first = -aligned.ctypes.data % 64
        copy = aligned[first : first + x.nbytes].view(x.dtype).reshape(x.shape)
        copy[...] = x
        return copy

    @contextmanager
    def active(self) -> Iterator[None]:
        yield
        assert all((guard == 0xA5).all() for guard in self.guards), "written outside the arena"

    def point(self, first: int, arrays: Sequence[np.ndarray]) -> None:
        self.slots[:] = [first, *(each.ctypes.data for each in arrays)]

    def write(self, place: Place, x: np.ndarray) -> None:
        self.array(place)[...] = x

    def read(self, x: np.ndarray, place: Place) -> None:
        x[...] = self.array(place)

    def step(self, number: int, part: range) -> None:
        if self.graph is not None:
            assert not any(isinstance(self.schedule.items[i], Sum) for i in part)
            self.graph.append((self.step, number, part))
            return
        self.steps += part.start == 0
        for i in part:
            self.put(i, self.schedule.items[i], number)

    def put(self, i: int, item: Item, number: int) -> None:
        if isinstance(item, Launch):
            before = sum(isinstance(each, Launch) for each in self.schedule.items[:i])
            self.launch(kernel_name(before), item, number)
        elif isinstance(item, Product):
            self.multiply(gemm(item))
        elif isinstance(item, Sum):
            item.group.all_reduce(self.array(item.place))
        else:
            self.call(item)

    def launch(self, name: str, item: Launch, number: int) -> None:
        emulate(
            self.library, name, item.blocks, item.threads, self.arena, self.slots, number,
            reverse=self.reverse,
        )  # fmt: skip

    def advance(self, steps: int) -> None:
        if self.graph is not None:
            self.graph.append((self.advance, steps))
        else:
            self.slots[0] += steps

    def capture(self, body: Callable[[], None]) -> Callable[[], None]:
        self.graph = []
        body()
        captured, self.graph = self.graph, None

        def replay() -> None:
            self.replays += 1
            for function, *given in captured:
                function(*given)

        return replay

    def multiply(self, product: Gemm) -> None:
        """As cuBLAS does: column-major, from addresses, flags and leading dimensions alone."""
        a, b, d = (self.columns(each) for each in (product.a, product.b, product.d))
        total = product.alpha * (widened(a) @ widened(b))
        if product.beta:
            total += product.beta * d
        if product.bias is not None:
            total += self.array(product.bias).reshape(-1, 1)
        d[...] = total

    def columns(self, factor: Factor) -> np.ndarray:
        place = factor.place
        size = place.dtype.itemsize
        stored = np.ndarray(
            (factor.rows, factor.columns), DTYPES.get(place.dtype.name, place.dtype.name),
            self.arena, place.offset, (size, factor.step * size),
        )  # fmt: skip
        return stored.T if factor.transposed else stored

    def call(self, item: Call) -> None:
        operands = [self.array(v) if isinstance(v, Place) else v for v in item.operands]
        self.array(item.out)[...] = apply(np, item.operation, operands)

    def array(self, place: Place) -> np.ndarray:
        size = place.dtype.itemsize
        return np.ndarray(
            place.shape, DTYPES.get(place.dtype.name, place.dtype.name), self.arena,
            place.offset, [stride * size for stride in place.strides],
        )  # fmt: skip


DTYPES = {"bfloat16": "uint16"}


def widened(x: np.ndarray) -> np.ndarray:
    """Half precision as float32; what is bfloat16 comes as its bits."""
    if x.dtype == np.uint16:
        return (x.astype(np.uint32) << 16).view(np.float32)
    return x.astype(np.float32) if x.dtype == np.float16 else x
