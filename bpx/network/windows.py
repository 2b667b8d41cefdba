"""`train` on a `bpx.data.Stream`: samples that are in memory one window at a time."""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bpx._validate import number, whole
from bpx.arrays.home import Home
from bpx.arrays.host import as_host, block_order, check_seed
from bpx.arrays.narrowing import check_narrowing
from bpx.errors import InputError
from bpx.model.inputs import Samples
from bpx.model.mini_batch import mini_batch
from bpx.model.reach import check_reach
from bpx.model.weights import weighted
from bpx.network.shares import reader_of, weightless
from bpx.network.windowed import arriving, first_of, staged
from bpx.training.arguments import Options, check_last_batch, job_of, scheduled
from bpx.training.course import Course
from bpx.training.loop import Loop
from bpx.training.mixed import scales_loss
from bpx.training.observers import Observer
from bpx.training.windows import Windowed

if TYPE_CHECKING:
    from bpx.data import Stream

__all__ = ["windowing"]

_FIRST = "the first samples'"


def windowing(
    network: Any,
    data: "Stream",
    options: Options,
    epochs: int | None,
    batch_size: int | None,
    chunks: int,
    strength: tuple[float, float],
    order: tuple[int | None, bool, bool],
    observers: Sequence[Observer],
) -> Loop:
    """Set up the training of a network on a stream of samples, and try out some of them.

    Parameters
    ----------
    network, options, epochs, batch_size, observers
        As for `bpx.train`.
    data : Stream
        With the network's schema.
    chunks : int
        Into how many parts each mini-batch is cut.
    strength : pair of float
        lmbda, and the penalty.
    order : triple
        The seed, and whether to shuffle and to drop a smaller last batch.

    Raises
    ------
    InputError
        If an argument, or the first samples, cannot be used.
    """
    known = data.samples
    if known == 0:
        raise InputError(f"{data.source.label} has no samples; expected at least one")
    epochs = whole("epochs", epochs, 1, None, "a whole number of at least 1")
    size = whole("batch_size", batch_size, 1, known, _sizes(known))
    seed, shuffle, drop_last = order
    if known is not None:
        check_last_batch(network.spec, known, size, drop_last=drop_last, chunks=chunks)
    drawn, arrive = check_seed(seed), partial(_arrived, network)
    with network.home.active():
        share = _penalty(*strength, known)
        first = first_of(data, network.home, arrive)
        _check_meant(network, data, first)
        job = job_of(network, first, options, epochs, share)
        rows, home = data.rows_of_window(size), network.home
        blocks = partial(_order, drawn if shuffle else None)
        windows = partial(_windows, home, data, arrive, rows, blocks)
        how = size, drawn, shuffle, drop_last
        reader = partial(reader_of, network, data, first, blocks, rows)
        own = Windowed(home, job.step, windows, rows, known, *how, reader)
        rule = scheduled(job, own.steps)
        scaled = scales_loss(network.home, job.step.precision)
        return Loop(Course(network, rule, drawn, loss_scale=scaled), job, own, observers)


def _sizes(known: int | None) -> str:
    if known is None:
        return "a whole number of at least 1"
    return f"a whole number in 1 ... {known}, the samples"


def _penalty(lmbda: float, penalty: float, known: int | None) -> float:
    """Return the coefficient of the L2 penalty."""
    for name, given in (("lmbda", lmbda), ("penalty", penalty)):
        number(name, given, "a number of at least 0", lambda v: v >= 0.0)
    if lmbda and penalty:
        raise InputError(
            f"lmbda={lmbda!r} and penalty={penalty!r} were given; expected one of them, since "
            "the penalty is lmbda / n"
        )
    if lmbda and known is None:
        raise InputError(
            f"lmbda={lmbda!r} was given, but the number of samples n of this stream is not "
            "known before they are read; give its coefficient, lmbda / n, as penalty"
        )
    return lmbda / known if lmbda and known else penalty


def _check_meant(network: Any, data: "Stream", first: Samples) -> None:
    """Refuse samples that are surely a mistake, as far as the first ones tell."""
    spec, dtype, stored = network.spec, network.home.dtype, data.first
    n = first.x.shape[0]
    check_narrowing(as_host(stored.x[:n], "x"), dtype, f"{_FIRST} x")
    if first.accuracy != "argmax":  # numbers
        check_narrowing(as_host(stored.y[:n], "y"), dtype, f"{_FIRST} y")
        check_reach(spec, first.y, f"{_FIRST} y")


def _order(seed: int | None, epoch: int) -> Any:
    """Return the order of the blocks in an epoch; without a seed, it is their own."""
    return range if seed is None else partial(block_order, seed, epoch)


def _windows(
    home: Home,
    data: "Stream",
    arrive: Any,
    rows: int,
    order: Callable[[int], Any],
    epoch: int,
    start: int,
) -> Generator[Samples, None, None]:
    """Yield the windows of an epoch."""
    weigh = []

    def arrived(part: Any) -> Samples:
        weigh.append(part.s is None or bool(part.s.any()))
        found: Samples = arrive(part)
        return found

    windows = data.windows(order(epoch), rows, home.dtype, arrived, **staged(home), start=start)
    try:
        yield from windows
    finally:
        windows.close()
    if weigh and not start and not any(weigh):
        raise weightless(data.source.label)


def _arrived(network: Any, part: Any) -> Samples:
    """Check a window and move it home, in the thread that reads ahead."""
    with arriving(network.home):
        found = mini_batch(network.home, network.spec, part.x, part.y)
        return weighted(network.home, network.spec, found, part.s, some=True)
