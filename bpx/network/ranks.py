"""The preparation of a training on several ranks: what they have in common, and share."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bpx.arrays.home import Home
from bpx.arrays.host import check_seed
from bpx.arrays.parts import Parts
from bpx.arrays.ranks import Communicator
from bpx.arrays.transfer import to_host
from bpx.errors import InputError, option
from bpx.network.packing import Packed
from bpx.network.resuming import fingerprint, settings
from bpx.network.resuming.machine import versions
from bpx.program.contract import Scan, eager, leaves, rebuilt
from bpx.training.accumulated import Accumulated
from bpx.training.arguments import Job
from bpx.training.batches import Batches
from bpx.training.keeper import NOBODY
from bpx.training.loop import Loop
from bpx.training.parallel.agreement import Agreement
from bpx.training.parallel.alike import backend_of, check_same
from bpx.training.parallel.batches import Sharded, check_chunks
from bpx.training.parallel.divided import InParts, parts_of
from bpx.training.parallel.failing import everywhere, together
from bpx.training.parallel.keeper import Together
from bpx.training.parallel.steps import across
from bpx.training.parallel.windows import SharedWindows
from bpx.training.windows import Windowed

__all__ = ["alone", "check_alike", "check_same_samples", "check_shares", "ranked", "shared"]

_LOCAL = frozenset(("progress", "callbacks", "observers", "validation", "batches", "ranks"))
"""The arguments of `bpx.train` that may differ, or are compared as samples."""


def check_alike(ranks: Communicator, network: Packed, given: Mapping[str, Any]) -> None:
    """Refuse ranks that would train something else than rank 0.

    Raises
    ------
    InputError
        On every rank; the message names the first rank that differs, and in what.
    """
    engine = {"engine": network.home.backend.engine(), "dtype": network.home.dtype}
    layers = {"layers": [repr(each) for each in network.spec.layers]}
    parts = {"cost": network.spec.cost.name, "feedback": repr(network.spec.feedback)}
    own = {k: settings.shown(v) for k, v in given.items() if k not in _LOCAL}
    check_same(ranks, {**backend_of(network.home), **versions(network.home), **engine})
    check_same(ranks, {**layers, **parts, **own})


def check_same_samples(ranks: Communicator, job: Job) -> None:
    """Refuse ranks that have other samples than rank 0.

    Raises
    ------
    InputError
        On every rank; the message names the first rank that differs, and in what.
    """
    prints = together(ranks, lambda: fingerprint.of_training(job, None, 1))
    shapes = {
        f"the shape and the dtype of {name}": (tuple(each["shape"]), each["dtype"])
        for name, each in prints.items()
        if "shape" in each
    }
    check_same(ranks, shapes)
    check_same(ranks, {f"the values of {name}": str(each) for name, each in prints.items()})


def share_weights(ranks: Communicator, network: Any) -> None:
    """Give the network of every rank the weights, the biases and the feedback of rank 0."""
    trees = network.parameters, network.feedback
    own = [to_host(each) for each in leaves(trees)]
    sent = ranks.broadcast(own if ranks.rank == 0 else None)
    with network.home.active():
        arrays = [network.home.asarray(each, str(each.dtype)) for each in sent]
    network.publish(*rebuilt(trees, arrays))


def check_shares(ranks: Communicator, size: int | None) -> None:
    """Refuse mini-batches with fewer samples than there are ranks.

    Raises
    ------
    InputError
    """
    if isinstance(size, int) and 1 <= size < ranks.size:
        raise everywhere(
            InputError(
                f"{option('batch_size', size)} was given for {ranks.size} ranks, which share "
                f"each mini-batch; expected at least {ranks.size}, a sample for each, or fewer "
                "ranks"
            )
        )


def shared(
    ranks: Communicator, network: Any, given: Mapping[str, Any], *, resumes: bool
) -> int | None:
    """Check what the ranks must have in common, and give them the same weights and seed.

    Parameters
    ----------
    ranks, network
    given : mapping of str
        The arguments of `bpx.train`.
    resumes : bool
        Whether the training continues a run, which has its seed.

    Returns
    -------
    int or None
        The seed that all use; None for that of a run, and for one that only privacy has.

    Raises
    ------
    InputError
        On every rank, if they differ.
    """
    check_alike(ranks, network, given)
    check_shares(ranks, given["batch_size"])
    share_weights(ranks, network)
    if resumes or given["seed"] is not None or given["privacy"] is not None:
        seed: int | None = given["seed"]
        return seed
    return int(ranks.broadcast(check_seed(None)))


def alone(loop: Loop, scan: Scan | None) -> Loop:
    """Return the loop of a process that trains alone, on several devices if a scan does so."""
    if scan is None or loop.job.scan is eager:
        return loop
    return replace(loop, job=replace(loop.job, scan=scan))


def ranked(ranks: Communicator, network: Any, make: Callable[[], Loop]) -> Loop:
    """Return the loop of one rank, whose mini-batches are shared with the others.

    Parameters
    ----------
    ranks : Communicator
    network : Network
    make : callable
        ``make()`` prepares the loop of a single rank.
    """
    together(ranks, lambda: across(network.spec, ranks))  # refuses layers that cannot
    loop = together(ranks, make)
    check_same_samples(ranks, loop.job)
    together(ranks, lambda: _check_chunks(ranks, loop))
    parts = parts_of(ranks, loop.job.step, loop.course.state)
    if parts is not None:
        loop = replace(loop, job=replace(loop.job, scan=InParts(loop.job.scan, parts)))
    batches = _shared(loop.batches, ranks, network.home, parts)
    attached = loop.attached  # the very one that a checkpoint has the state of
    attached.agreement = Agreement(ranks)
    if ranks.rank > 0:
        attached.callbacks = ()
        loop = replace(loop, job=replace(loop.job, tell=_say_nothing))
    keeper: Any = loop.keeper
    if keeper is not NOBODY:
        keeper = Together(keeper, Agreement(ranks), network.home)
    return replace(loop, batches=batches, agreement=Agreement(ranks), keeper=keeper)


def _check_chunks(ranks: Communicator, loop: Loop) -> None:
    """Refuse chunks, of a mini-batch or of the last one, that a layer cannot train on."""
    if not isinstance(loop.batches, Accumulated):
        return
    whole: Any = loop.batches.whole
    if not hasattr(whole, "batch_size"):  # the caller's own mini-batches, of any sizes
        return
    samples, m = getattr(whole, "samples", loop.job.n), whole.batch_size
    last = 0 if samples is None or whole.drop_last else samples % m
    for size in (m, last or m):
        check_chunks(loop.job.step.spec, size, ranks.size, loop.batches.chunks)


def _shared(batches: Batches, ranks: Communicator, home: Home, parts: Parts | None) -> Batches:
    """Return the mini-batches of one rank; each is first shared, and then cut into chunks."""
    if isinstance(batches, Accumulated):
        return replace(batches, whole=_shared(batches.whole, ranks, home, parts))
    if isinstance(batches, Windowed):
        return Sharded(_read_together(batches, ranks), ranks, home, parts)
    mine = getattr(batches, "across", None)
    return Sharded(batches if mine is None else mine(ranks), ranks, home, parts)


def _read_together(batches: Windowed, ranks: Communicator) -> Batches:
    """Return the mini-batches of a stream of which each rank reads a part, if it can.

    It cannot if only reading tells how many samples there are, or if the ranks cannot send each
    other rows.
    """
    make = batches.reader
    assert make is not None
    reader = together(ranks, lambda: make(ranks.rank, ranks.size))
    counts = None if reader is None else reader.counts
    check_same(
        ranks,
        {
            "the samples of a window": batches.rows,
            "the samples of its blocks": counts,
        },
    )
    if reader is None or not hasattr(ranks, "exchange"):
        return batches
    exchanging: Any = ranks
    return SharedWindows(batches, reader, exchanging)


def _say_nothing(_: Any) -> None:
    """Leave it to rank 0 to tell how far a training has come."""
