"""The JAX backend, on any device that JAX finds: XLA compiles the training loop."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as xp
import numpy as np
from jax import lax

from bpx.errors import BackendError, advice
from bpx.program.contract import Scan, Step, check_state, eager, index
from bpx_backends.engines.jax.mesh import Devices
from bpx_backends.engines.jax.native import native
from bpx_backends.engines.shared.aligned import aligned
from bpx_backends.engines.shared.fallback import tell

name = "jax"
immutable = True
halves = ("bfloat16", "float16")


def version() -> str:
    return str(jax.__version__)


def devices() -> tuple[str, ...]:
    found = (*jax.devices(), *jax.devices("cpu"))
    return tuple(dict.fromkeys(f"{d.platform}:{d.id}" for d in found))


def device(name: str | None) -> jax.Device:
    if name is None:
        return next(iter(xp.zeros(0).devices()))
    platform, _, number = name.partition(":")
    found = {str(d.id): d for d in jax.devices(platform)}
    if (number or "0") not in found:
        raise ValueError(f"{platform!r} has no device {number!r}")
    return found[number or "0"]


def device_of(x: jax.Array) -> jax.Device | None:
    """Return the device of an array; None for a tracer, which has none yet."""
    return None if isinstance(x, jax.core.Tracer) else next(iter(x.devices()))


def is_array(x: Any) -> bool:
    return isinstance(x, jax.Array)


def is_traced(x: Any) -> bool:
    return isinstance(x, jax.core.Tracer)


def check_dtype(dtype: str) -> None:
    if dtype == "float64" and not jax.config.jax_enable_x64:
        raise ValueError(
            "float64 on JAX needs its 64-bit mode, which is off: set JAX_ENABLE_X64=1"
            + advice(
                ', or call jax.config.update("jax_enable_x64", True) before any array is made',
                " in the environment",
            )
        )


def asarray(x: Any, dtype: str, device: jax.Device) -> jax.Array:
    host = aligned(x, dtype)  # which JAX uses on a CPU without another copy
    array = jax.device_put(host, device)
    if array.dtype != host.dtype and not np.array_equal(host, array):
        raise OverflowError(f"{dtype} needs JAX's 64-bit mode, which is off: JAX_ENABLE_X64=1")
    return array


def to_host(x: jax.Array) -> np.ndarray:
    return np.asarray(x.astype(xp.float32) if x.dtype == xp.bfloat16 else x)


def engine() -> str:
    return "steps in one program, compiled by XLA"


def spread(device: jax.Device) -> Scan:
    others = [each for each in jax.local_devices(backend=device.platform) if each != device]
    if not others:
        raise BackendError(
            f"ranks='devices' was given, and JAX has one device here, "
            f"{device.platform}:{device.id}; on a CPU, set "
            "XLA_FLAGS=--xla_force_host_platform_device_count=2 before Python starts"
        )
    return Devices([device, *others], scan)


def release() -> None:
    """Do nothing: nothing is kept."""


@cache
def compiled(function: Callable[..., Any], static: int) -> Callable[..., Any]:
    jitted = jax.jit(function, static_argnums=tuple(range(static)))

    def call(*arguments: Any) -> Any:
        try:
            return jitted(*arguments)
        except jax.errors.JAXTypeError:  # a user's part reads a value
            return function(*arguments)

    return call


def active(device: jax.Device) -> AbstractContextManager[Any]:
    if device.platform == "cpu":
        return nullcontext()
    return jax.default_matmul_precision("highest")  # float32 stays float32: no implicit TF32


def _loop(
    step: Any, known: int, state: Any, data: Any, rows: Any, start: Any, stop: Any
) -> Any:
    # A loop with traced bounds takes as long on a CPU as `lax.scan` (measured), and chunks of
    # any length share one compiled program.
    if rows.shape[0] == 1:
        # XLA would see that the mini-batch is constant, and sum in a different order than in
        # a loop over several; the same step must give the same bits.
        rows = lax.optimization_barrier(xp.concatenate((rows, rows)))
    one = native(step, state, data, index(rows, 0))
    check_state(state, jax.eval_shape(one, state, data, index(rows, 0)))
    if known:
        return lax.fori_loop(0, known, lambda i, s: one(s, data, rows[start + i]), state)
    return lax.fori_loop(start, stop, lambda i, s: one(s, data, rows[i]), state)


_run = jax.jit(_loop, static_argnums=(0, 1))


@partial(jax.jit, static_argnums=0)
def _run_once(step: Any, state: Any, data: Any, rows: Any) -> Any:
    """Run the only step, without the loop, which takes XLA as long again (measured)."""
    row = lax.optimization_barrier(rows)[0]
    one = native(step, state, data, row)
    check_state(state, jax.eval_shape(one, state, data, row))
    return one(state, data, row)


@partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=3)
def _run_over(step: Any, known: int, tree: Any, large: Any, small: Any, *rest: Any) -> Any:
    """Run the same loop, and overwrite the large arrays of the state."""
    arrays = [a if b is None else b for a, b in zip(large, small, strict=True)]
    return _loop(step, known, jax.tree.unflatten(tree, arrays), *rest)


KNOWN = 64
"""The steps in a loop of known length. Only one length is used: compiling takes seconds."""


def _pieces(rows: Any, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Split the steps into loops: the number known to the compiler, the first, and the end.

    On a GPU, a loop of unknown length reads its condition on the host at every step.
    """
    if _on_gpu(rows):
        while stop - start >= KNOWN:
            yield KNOWN, start, start + KNOWN
            start += KNOWN
    if start < stop:
        yield 0, start, stop


def _on_gpu(x: jax.Array) -> bool:
    return any(each.platform in ("gpu", "cuda", "rocm") for each in x.devices())


_untraceable: set[Step] = set()
"""Steps that read a value while they are traced; they run as the plain loop."""
LARGE = 1 << 22
"""The size in bytes from which overwriting an array is worth another compilation."""


def scan(
    step: Step, state: Any, data: Any, rows: Any, start: int, stop: int, donate: bool = False
) -> Any:
    """Compile the steps from `start` to `stop` into one program, once for each shape."""
    if step not in _untraceable:
        try:
            return _scan(step, state, data, rows, start, stop, donate)
        except jax.errors.JAXTypeError as why:
            _untraceable.add(step)
            tell(why)
    return eager(step, state, data, rows, start, stop)


def _scan(
    step: Step, state: Any, data: Any, rows: Any, start: int, stop: int, donate: bool
) -> Any:
    for known, first, end in _pieces(rows, start, stop):
        state = _piece(step, known, state, donate, data, rows, first, end)
    # A single step need not be waited for: the caller's next work begins meanwhile.
    return state if rows.shape[0] == 1 else jax.block_until_ready(state)


def _piece(step: Step, known: int, state: Any, donate: bool, *rest: Any) -> Any:
    arrays, tree = jax.tree.flatten(state)
    large = [x if donate and x.nbytes >= LARGE else None for x in arrays]
    if all(x is None for x in large):
        data, rows, *_ = rest
        if rows.shape[0] == 1:
            return _run_once(step, state, data, rows)
        return _run(step, known, state, *rest)
    small = [x if y is None else None for x, y in zip(arrays, large, strict=True)]
    return _run_over(step, known, tree, large, small, *rest)
