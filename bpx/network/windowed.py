"""The answers of a network to a `bpx.data.Stream`, window by window, in the samples' order."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.model.inputs import Placed, Samples, inputs, rows_at_once, samples
from bpx.model.mini_batch import mini_batch
from bpx.model.outputs import joined, outputs
from bpx.model.spec import Spec
from bpx.model.weights import weighted
from bpx.model.windowed import WindowedSamples
from bpx.network.streams import refuse

if TYPE_CHECKING:
    from bpx.data import Schema, Stream

__all__ = [
    "Answerer",
    "answers",
    "arriving",
    "first_of",
    "is_stream",
    "joined_answers",
    "refuse_with_stream",
    "samples_of",
    "staged",
]

LOOKED_AT = 4096
"""The number of samples that are looked at before all are read."""


_INSTEAD = {
    "y": "give the targets to bpx.data.stream",
    "sample_weight": "give it to bpx.data.stream",
    "class_weight": "give each sample its weight, as sample_weight of bpx.data.stream",
    "validation_split": "give validation=(x, y), or a stream of other samples",
    "steps_per_epoch": "an epoch is one pass over the samples",
}


class Answerer(Placed, Protocol):
    """The read-only interface of a `Network` with a schema."""

    @property
    def schema(self) -> "Schema | None":
        """How tables become samples."""


def is_stream(data: Any) -> bool:
    """Whether `data` is a `bpx.data.Stream`; this imports nothing."""
    return hasattr(data, "windows") and hasattr(data, "rows_of_window")


def refuse_with_stream(given: Mapping[str, Any]) -> None:
    """Refuse arguments that do not apply with a stream; see `bpx.network.streams.refuse`."""
    refuse("with a bpx.data.Stream", given, _INSTEAD)


def staged(home: Home) -> dict[str, Any]:
    """Return how `Stream.windows` makes host arrays, from which a copy to the home is fast."""
    make = getattr(home.backend, "pinned", None)
    return {} if make is None else {"empty": partial(make, home.device)}


@contextmanager
def arriving(home: Home) -> Iterator[None]:
    """Return the context in which a window moves home, in the thread that reads ahead.

    A GPU computes meanwhile: the window is copied from pinned memory, beside the steps. Its
    memory can be freed any time after the next window was asked for, since the caller has then
    read on the host what it computed from it.
    """
    aside = getattr(home.backend, "aside", None)
    with home.active(), nullcontext() if aside is None else aside(home.device):
        yield


def first_of(data: "Stream", home: Home, arrive: Callable[[Any], Samples]) -> Samples:
    """Return the first samples of a stream, in memory of their own."""
    rows = min(LOOKED_AT, data.rows_of_window(1))
    windows = data.windows(range, rows, home.dtype, arrive)
    try:
        found: Samples = next(windows)
    finally:
        windows.close()
    return found


def samples_of(
    network: Placed, data: "Stream", schema: "Schema | None", name: str = ""
) -> WindowedSamples:
    """Return the samples of a stream for evaluation.

    Parameters
    ----------
    network, data
    schema : Schema or None
        That of the network.
    name : str, optional
        What the messages call the samples, with a space at the end: ``"validation "``.

    Raises
    ------
    InputError
        If the stream has no samples, or no targets.
    """
    data = data.with_schema(schema)
    rows, home = _rows(network.spec, data), network.home
    arrive = partial(_arrived, home, network.spec, name)

    def windows(as_numbers: bool) -> Any:
        of_window = partial(arrive, as_numbers)
        return data.windows(range, rows, home.dtype, of_window, **staged(home))

    def span(as_numbers: bool, begin: int, end: int) -> Any:
        most, of_window = max(1, min(rows, end - begin)), partial(arrive, as_numbers)
        return data.span(begin, end, most, home.dtype, of_window, **staged(home))

    look = partial(first_of, data, home, partial(arrive, False))
    return WindowedSamples(data, f"{name}{data.source.label}", windows, look, span)


def answers(
    network: Answerer, data: "Stream", of: Callable[[Array], Array] | None = None
) -> Iterator[Any]:
    """Yield a^L, or ``of(a^L)``, for each window, a host array.

    Raises
    ------
    InputError
        If the samples cannot be used, or are more or fewer than the stream said.
    """
    spec, home, parameters = network.spec, network.home, network.parameters
    data, done = data.with_schema(network.schema).only_x, 0
    arrive = partial(_inputs_arrived, home, spec)
    windows = data.windows(range, _rows(spec, data), home.dtype, arrive, **staged(home))
    try:
        for x in windows:
            done += x.shape[0]
            with home.active():
                a = outputs(spec, parameters, x)
                found = to_host(a if of is None else of(a))
            yield found
    finally:
        windows.close()
    if data.samples not in (None, done):
        raise InputError(
            f"{data.source.label} has {done} samples, not {data.samples} as before; it changed "
            "while it was read"
        )


def joined_answers(network: Answerer, data: "Stream", of: Callable[[Array], Array]) -> Any:
    """Return ``of(a^L)`` for all samples, a host array."""
    parts, n = answers(network, data, of), data.samples
    if n is None:
        found = list(parts)
        parts, n = iter(found), sum(each.shape[0] for each in found)
    return joined(parts, n)


def _rows(spec: Spec, data: "Stream") -> int:
    """The samples of a window: whole parts of those computed at once, as of arrays."""
    rows = data.rows_of_window(rows_at_once(spec))
    return rows if data.samples is None else min(rows, data.samples)


def _inputs_arrived(home: Home, spec: Spec, part: Any) -> Array:
    with arriving(home):
        return inputs(home, spec, part.x)


def _arrived(home: Home, spec: Spec, name: str, as_numbers: bool, part: Any) -> Samples:
    names = f"{name}x", f"{name}y"
    with arriving(home):
        if as_numbers:
            found = mini_batch(home, spec, part.x, part.y)._replace(accuracy=None)
        else:
            found = samples(home, spec, part.x, part.y, names)
        return weighted(home, spec, found, part.s, name=f"{name}sample_weight", some=True)
