"""A schedule on a GPU, through CuPy.

With nvmath-python, cuBLASLt computes the products, and steps are captured in CUDA graphs.
Without it, CuPy computes them, which it cannot do during a capture, so the kernels are
launched one by one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from logging import getLogger
from re import findall
from threading import Lock
from typing import Any

import cupy
import numpy as np
from array_api_compat import cupy as xp

from bpx.errors import BackendError
from bpx.program.operation import Value
from bpx.program.program import apply
from bpx_backends.engines.cuda.contract import Machine
from bpx_backends.engines.cuda.cublaslt import LtProducts, NoAlgorithmError
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.precision import HALF, Shapes
from bpx_backends.engines.cuda.puts import Puts
from bpx_backends.engines.cuda.schedule import Schedule
from bpx_backends.engines.cuda.source import kernel_name, source

__all__ = ["CupyMachine", "CupyMachines", "engine"]

_log = getLogger("bpx")

_VECTOR_BYTES = 32
"""The widest vector that a kernel loads: four float64."""
_OPTIONS = ("--std=c++17",)
_CUDA_CORE = (0, 5)
"""The oldest cuda-core that nvmath-python 1.0 can be imported with."""


def engine() -> str:
    """Describe the engine for a bug report."""
    if problem := _problem():
        return (
            "recorded steps, launched one by one, with kernels of its own and products by "
            f"CuPy; nvmath-python, which CUDA graphs need, {problem}"
        )
    return "recorded steps, replayed as CUDA graphs: kernels of its own, cuBLASLt's products"


def _problem() -> str | None:
    """Say why nvmath-python cannot be used, and what to do; None if it can be imported."""
    if find_spec("nvmath") is None:
        return "is not installed"
    try:
        import_module("nvmath.bindings.cublasLt")
    except Exception as why:  # a broken library may raise anything
        return f"cannot be used: {why}{_advice()}"
    return None


def _advice() -> str:
    """Advise on an old cuda-core, which other packages install too and which breaks nvmath."""
    try:
        found = version("cuda-core")
    except PackageNotFoundError:
        return "; cuda-core is missing: pip install 'cuda-core>=0.5'"
    if tuple(map(int, findall(r"\d+", found)[:2])) >= _CUDA_CORE:
        return ""
    return f"; cuda-core {found} is too old: pip install --upgrade 'cuda-core>=0.5'"


class CupyMachines:
    """Make machines, and hold the stream, workspace and lock that those of one device share."""

    def __init__(self, precision: str) -> None:
        self.precision = precision
        self._devices: dict[int, _Device] = {}
        self._lock = Lock()

    def key(self, x: Any) -> int:
        """Return the device of an array."""
        return int(x.device.id)

    @contextmanager
    def on(self, device: int) -> Iterator[None]:
        """Reserve the device for this thread, since its machines share a stream."""
        with self._lock, cupy.cuda.Device(device):
            shared = self._devices.get(device) or _Device(self.precision)
            self._devices[device] = shared
        with shared.lock, cupy.cuda.Device(device):
            yield

    def make(self, device: int, made: Callable[..., Schedule]) -> "CupyMachine":
        """Make a machine for a schedule, with biases in its products if possible."""
        shared = self._devices[device]
        if shared.products is None:
            return CupyMachine(made(bias=False), shared, None)
        wide: frozenset[Shapes] = frozenset()
        while True:
            try:
                return self._by_lt(partial(made, wide=wide), shared)
            except NoAlgorithmError as why:
                # Keep only text: a kept log record must not hold the device's memory.
                refused, told = why.shapes, str(why)
            if self.precision not in HALF or refused in wide:
                return self._without_lt(made, shared, told)
            _log.warning(
                "precision=%r: %s; this product is computed in float32", self.precision, told
            )
            wide |= {refused}

    def _by_lt(self, made: Callable[..., Schedule], shared: "_Device") -> "CupyMachine":
        try:
            return CupyMachine(made(bias=True), shared, shared.products)
        except NoAlgorithmError:
            return CupyMachine(made(bias=False), shared, shared.products)

    def _without_lt(
        self, made: Callable[..., Schedule], shared: "_Device", why: str
    ) -> "CupyMachine":
        if self.precision != "float32":
            raise BackendError(
                f"precision={self.precision!r} is not available here: {why}; train in float32"
            )
        _log.warning("CuPy's own matrix products are used: %s", why)
        return CupyMachine(made(bias=False), shared, None)

    def release(self) -> None:
        """Give the devices back the memory that no machine uses any more."""
        for device, shared in list(self._devices.items()):
            with cupy.cuda.Device(device):
                shared.pool.free_all_blocks()


class _Device:
    """The objects that the machines of a device share."""

    def __init__(self, precision: str) -> None:
        self.lock = Lock()
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.products = _products(precision)
        # The arenas' own pool: freeing its unused memory affects none of the caller's.
        self.pool = cupy.cuda.MemoryPool()


def _products(precision: str) -> LtProducts | None:
    """Return cuBLASLt's products, or None to use CuPy's own."""
    if find_spec("nvmath") is None:
        if precision != "float32":
            raise _needed(precision, "is not installed")
        return None
    try:
        return LtProducts(precision)
    except Exception as why:  # a broken library may raise anything
        if precision != "float32":
            raise _needed(precision, f"cannot be used: {why}{_advice()}") from why
        _log.warning(
            "nvmath-python cannot be used, so CuPy's own products are: %s", f"{why}{_advice()}"
        )
        return None


def _needed(precision: str, why: str) -> BackendError:
    return BackendError(
        f"precision={precision!r} needs nvmath-python, which {why}; install it with: "
        "pip install 'cupy-cuda13x[ctk]' nvmath-python; with CUDA 12: "
        "pip install 'cupy-cuda12x[ctk]' nvmath-python"
    )


class CupyMachine(Machine):
    """A schedule with its memory, its kernels and its stream: see `Machine`."""

    def __init__(
        self, schedule: Schedule, shared: _Device, products: LtProducts | None
    ) -> None:
        self.schedule, self.stream = schedule, shared.stream
        self.captures = products is not None and schedule.capturable
        # Nothing is allocated during a capture, since a graph has only these addresses.
        size = schedule.layout.size
        self._arena = cupy.ndarray((size,), np.uint8, memptr=shared.pool.malloc(size))
        self._slots = cupy.zeros((2 + len(schedule.plan.program.data),), np.int64)
        # CuPy keeps a compiled source until the process ends.
        module = cupy.RawModule(code=source(schedule.launches), options=_OPTIONS)
        self._advance = module.get_function("advance")
        names = map(kernel_name, range(len(schedule.launches)))
        kernels = map(module.get_function, names)
        puts = Puts(self._arena, self._slots, self.stream, products)
        self._view = puts.view
        self._items = [puts.put(item, kernels) for item in schedule.items]
        self._write_constants()
        self._kept: Any = None

    def _write_constants(self) -> None:
        constants: dict[Value, Any] = {}
        for op in self.schedule.plan.constants:
            operands = [constants[v] if isinstance(v, Value) else v for v in op.operands]
            constants[op.result] = apply(xp, op, operands)
            self.write(self.schedule.layout.places[op.result], constants[op.result])
        cupy.cuda.get_current_stream().synchronize()

    def fresh(self, place: Place) -> Any:
        """Return a new array for the caller, from its pool and stream."""
        return cupy.empty(place.shape, place.dtype.name)

    def usable(self, x: Any) -> Any:
        """Return the array, or a contiguous and aligned copy."""
        if x.flags.c_contiguous and x.data.ptr % _VECTOR_BYTES == 0:
            return x
        return cupy.array(x, order="C", copy=True)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Use the machine's stream after the caller's work, and wait for it at the end."""
        self.stream.wait_event(cupy.cuda.get_current_stream().record())
        try:
            with self.stream:
                yield
        finally:
            self.stream.synchronize()

    def point(self, first: int, arrays: Sequence[Any]) -> None:
        """Fill the slots."""
        addresses = [first, *(each.data.ptr for each in arrays)]
        self._kept = np.array(addresses, np.int64)  # kept until the copy is done
        self._slots.set(self._kept)

    def write(self, place: Place, x: Any) -> None:
        """Copy an array into the arena."""
        cupy.copyto(self._view(place), x)

    def read(self, x: Any, place: Place) -> None:
        """Copy a place into the caller's array."""
        cupy.copyto(x, self._view(place))

    def step(self, number: int, part: range) -> None:
        """Put a part of one step on the stream."""
        for i in part:
            self._items[i](number)

    def advance(self, steps: int) -> None:
        """Increase the slot's number."""
        self._advance((1,), (1,), (self._slots, np.int32(steps)))

    def capture(self, body: Callable[[], None]) -> Callable[[], None]:
        """Capture what `body` puts on the stream as a graph."""
        self.stream.begin_capture()
        try:
            body()
        finally:
            graph = self.stream.end_capture()
        stream = self.stream
        return lambda: graph.launch(stream)
