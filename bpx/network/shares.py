"""How a `bpx.data.Stream` is read by several ranks that train on it together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bpx._typing import Array
from bpx.arrays.home import select
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.model.inputs import Samples
from bpx.model.mini_batch import mini_batch
from bpx.model.weights import weighted
from bpx.training.step import Data

if TYPE_CHECKING:
    from bpx.data import Stream

__all__ = ["StreamReader", "reader_of", "weightless"]


@dataclass(frozen=True)
class StreamReader:
    """How one of the ranks reads a stream: see `bpx.training.parallel.windows.Reader`.

    Attributes
    ----------
    network : Network
    sharing : bpx.data.streams.shared.Sharing
    order : callable
        ``order(epoch)`` returns the order of the blocks, as for `Stream.windows`.
    none : Data
        No sample, on the host, with the shapes and dtypes of all.
    label : str
        The stream in messages.
    """

    network: Any
    sharing: Any
    order: Callable[[int], Any]
    none: Data
    label: str

    @property
    def counts(self) -> Sequence[int]:
        """The number of samples of each block."""
        found: Sequence[int] = self.sharing.counts
        return found

    def epoch(self, number: int, start: int) -> Any:
        """Begin to read an epoch, from the window with the number `start` on."""
        dtype = self.network.home.dtype
        return self.sharing.epoch(self.order(number), dtype, self._arrived, start)

    def weightless(self) -> Exception:
        """Return the error of an epoch in which every sample has the weight 0."""
        return weightless(self.label)

    def _arrived(self, part: Any) -> Data:
        """Check what this rank has read of a window, on the host, where it is sent from."""
        spec, host = self.network.spec, select("numpy", self.network.home.dtype)
        found = mini_batch(host, spec, part.x, part.y)
        x, y, _, s = weighted(host, spec, found, part.s, some=True)
        return Data(x, y, s)


def reader_of(
    network: Any,
    data: "Stream",
    first: Samples,
    order: Callable[[int], Any],
    rows: int,
    rank: int,
    size: int,
) -> StreamReader | None:
    """Return how one of several ranks reads a stream in windows of so many samples.

    None if each of them must read all of it, since only reading tells how much there is.

    Parameters
    ----------
    network, data, order
        As for `StreamReader`.
    first : Samples
        Some first samples, at home.
    rows, rank, size : int
    """
    sharing = data.shared(rows, rank, size)
    if sharing is None:
        return None
    none = Data(_none(first.x), _none(first.y), None if first.s is None else _none(first.s))
    return StreamReader(network, sharing, order, none, data.source.label)


def _none(x: Array) -> Array:
    """Return no row, on the host, of the shape and dtype of x."""
    none: Array = to_host(x)[:0]
    return none


def weightless(label: str) -> InputError:
    """Return the error of samples that all have the weight 0."""
    return InputError(
        f"sample_weight of {label} is 0 for every sample; expected finite weights, one of them "
        "above 0"
    )
