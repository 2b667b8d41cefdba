"""What a backend must offer."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from bpx.program.contract import Step

__all__ = ["Backend"]


class Backend(Protocol):
    """What bpx needs of an array library, beside the Array API standard.

    A backend is a module or an object with these names. ``xp`` is its namespace of
    standard functions; a *host* array is a NumPy array; a *device* is the library's own
    device object. `device` and `check_dtype` raise the library's own words, which the
    selector puts into a `BackendError`. A backend may also have ``is_traced(x)``: whether `x`
    stands for values that are not there yet, as inside ``jax.jit``.
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
        """The device of that name; for None the library's default."""

    def device_of(self, x: Any, /) -> Any:
        """The device that holds `x`; None if that is not settled (a JAX tracer)."""

    def is_array(self, x: Any, /) -> bool:
        """Whether `x` is an array of this library."""

    def check_dtype(self, dtype: str, /) -> None:
        """Raise if arrays of that dtype cannot be stored."""

    def asarray(self, x: Any, dtype: str, device: Any, /) -> Any:
        """A host array, copied to new memory on `device`, C-contiguous."""

    def to_host(self, x: Any, /) -> Any:
        """The same values as a host array, which may share memory and be read-only."""

    def engine(self) -> str:
        """How `scan` runs the steps here, in a few words, for ``bpx info``."""

    def active(self, device: Any, /) -> AbstractContextManager[Any]:
        """A context in which operations on that device's arrays may run."""

    def release(self) -> None:
        """Let go of what an engine kept for the next chunk: training has ended."""

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
