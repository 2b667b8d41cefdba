"""`Backend`: the interface of a backend."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from bpx.program.contract import Step

__all__ = ["Backend"]


class Backend(Protocol):
    """What bpx needs from an array library, in addition to the Array API standard.

    A backend is a module or an object with these names. ``xp`` is its namespace of
    standard functions; a *host* array is a NumPy array; a *device* is the library's own
    device object. `device` and `check_dtype` raise the library's own errors, whose messages
    `select` puts into a `BackendError`. A backend may also have ``is_traced(x)``: whether `x`
    stands for values that are not known yet, as inside ``jax.jit``; and ``session()``, which
    returns a `scan` for one training that may keep what its calls have in common; and
    ``spread(device)``, which returns a `scan` on that device and all others of its kind.
    """

    @property
    def name(self) -> str:
        """The name by which it is chosen, ``[a-z0-9_]+``."""

    @property
    def xp(self) -> Any:
        """The namespace of the standard's functions."""

    def version(self) -> str:
        """The library's version."""

    def devices(self) -> tuple[str, ...]:
        """The names of the usable devices."""

    def device(self, name: str | None, /) -> Any:
        """Return the device of that name; None means the library's default."""

    def device_of(self, x: Any, /) -> Any:
        """Return the device that holds `x`; None if it is undetermined (a JAX tracer)."""

    def is_array(self, x: Any, /) -> bool:
        """Whether `x` is an array of this library."""

    def check_dtype(self, dtype: str, /) -> None:
        """Raise if arrays of this dtype cannot be stored."""

    def asarray(self, x: Any, dtype: str, device: Any, /) -> Any:
        """Copy a host array to new, C-contiguous memory on `device`."""

    def to_host(self, x: Any, /) -> Any:
        """Return the values as a host array, which may share memory and be read-only."""

    def engine(self) -> str:
        """Say in a few words how `scan` runs the steps here, for ``bpx info``."""

    def active(self, device: Any, /) -> AbstractContextManager[Any]:
        """Return a context in which operations on this device's arrays can run."""

    def release(self) -> None:
        """Release what an engine kept for further chunks, after training ends."""

    def scan(
        self,
        step: Step,
        state: Any,
        data: Any,
        rows: Any,
        start: int,
        stop: int,
        donate: bool = False,
        /,
    ) -> Any:
        """Run a training step for many mini-batches: see `bpx.program.contract`."""
