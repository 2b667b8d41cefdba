"""Beginning a run, or continuing one: its loop gets a keeper, and its folder its settings."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from logging import getLogger
from typing import TYPE_CHECKING, Any

from bpx.errors import InputError, advice, option
from bpx.io import layers
from bpx.network.packing import Packed
from bpx.network.resuming import fingerprint, settings, shown
from bpx.network.resuming.files import read_records
from bpx.network.resuming.following import Followed, Following
from bpx.network.resuming.keeping import Keeping
from bpx.network.resuming.machine import machine
from bpx.network.resuming.opening import EVERY, KEEP, Opened
from bpx.network.resuming.resumption import Resumption, read, tell_differences
from bpx.training.arguments import Job
from bpx.training.loop import Loop
from bpx.training.observers import Observer

if TYPE_CHECKING:
    from bpx.data import Schema, Stream

__all__ = ["earlier_of", "keeping", "kept"]

_log = getLogger("bpx")
_SETTINGS = (
    "batch_size",
    "optimizer",
    "lmbda",
    "shuffle",
    "drop_last",
    "compile",
    "precision",
    "privacy",
    "health",
    "class_weight",
    "validation_split",
    "accumulate",
    "early_stopping",
)
"""The arguments of `bpx.train` that a run keeps, besides its samples and its seed."""

_USUAL = {"every": EVERY, "keep": KEEP}


def earlier_of(
    network: Packed, opened: Opened | None, *, of_stream: bool
) -> tuple[Resumption | None, "Schema | None"]:
    """Return the checkpoint to continue from, if any, and the schema of the training."""
    if opened is None or opened.found is None:
        return None, network.schema
    fingerprint.check_kind(opened.name, opened.found.state["samples"], of_stream)
    earlier = read(opened, network.spec, network.home.dtype)
    earlier.check_schema(network.schema)
    return earlier, network.schema or earlier.schema


def kept(
    loop: Loop,
    opened: Opened | None,
    earlier: Resumption | None,
    network: Packed,
    schema: "Schema | None",
    given: Mapping[str, Any],
    watching: Sequence[Observer],
    stream: "Stream | None" = None,
) -> Loop:
    """Return the loop, of a run if it has a folder; the network gets the schema."""
    adopting: Any = network  # whose protocol has no `publish`
    arrays = network.parameters, network.feedback
    before, network.schema = network.schema, schema
    if opened is None:
        return loop
    try:
        return keeping(loop, opened, earlier, network, given, watching, stream)
    except BaseException:
        network.schema = before
        adopting.publish(*arrays)
        raise


def keeping(
    loop: Loop,
    opened: Opened,
    earlier: Resumption | None,
    network: Packed,
    given: Mapping[str, Any],
    watching: Sequence[Observer],
    stream: "Stream | None" = None,
) -> Loop:
    """Return the loop of a run with a folder: from its beginning, or from a checkpoint.

    Parameters
    ----------
    loop : Loop
        The same training without a folder.
    opened : Opened
    earlier : Resumption or None
        The checkpoint to continue from.
    network : Packed
        The network of the loop.
    given : mapping of str
        The arguments of `bpx.train`.
    watching : sequence of Observer
        The caller's own observers.
    stream : Stream, optional
        The samples, if they come from a stream.

    Raises
    ------
    InputError
        If the settings or the samples are others than those of the run, or a file cannot hold
        a layer. The network is then unchanged.
    """
    private = given["privacy"] is not None
    if private and opened.every.unit != "epochs":
        raise InputError(
            f"{option('every', f'{opened.every.number:g} {opened.every.unit}')} was given with "
            "privacy, whose samples and noise cannot be drawn again within an epoch; expected "
            "a number of epochs, such as '1 epoch'"
        )
    attached: Any = loop.attached  # which has a state, as an observer may have
    stopping = [] if attached.stopping is None else [attached.stopping]
    stateful = (*watching, *stopping, attached)
    layers.described(network.spec)  # refuses one that no file can hold, before the first step
    names = _SETTINGS if stream is None else (*_SETTINGS, "penalty")
    chosen = _chosen(loop.job, {name: given[name] for name in names}, watching)
    samples = fingerprint.of_training(loop.job, stream, given["batch_size"])
    home = machine(loop.job.home)
    written = {"every": opened.interval, "keep": opened.keep}
    follows = isinstance(opened, Followed)
    if earlier is None:
        identity, records = os.urandom(8).hex(), []
        if not follows:
            shown.write(
                opened.run,
                loop,
                network,
                {**_shown(given, names), **written},
                {"run": identity, "samples": samples},
            )
    else:
        state = earlier.state
        identity = state["run"]
        settings.check_same(opened.name, state["settings"], chosen)
        fingerprint.check_same(opened.name, state["samples"], samples)
        _check_epochs(opened, state, loop.job.epochs)
        tell_differences(opened, state["machine"], home)
        _tell_missing(opened, state.get("callbacks", ()), given["callbacks"])
        goes_on = loop.job.epochs != state["settings"]["epochs"]
        begin = earlier.restore(loop.course)
        loop = replace(loop, begin=begin)
        # More epochs are wanted although a callback may have asked to stop.
        earlier.restore_observers(stateful[:-1] if goes_on else stateful)
        adopting: Any = network  # whose protocol has a seed that training only reads
        adopting.mechanisms, adopting.seed = earlier.mechanisms, earlier.saved.seed
        records = read_records(opened.run, state["epoch"], state.get("lost", ()))
        changed = {k: v for k, v in written.items() if v != state.get(k, _USUAL[k])}
        if goes_on:
            changed["epochs"] = loop.job.epochs
        if changed and not follows:
            shown.change(opened.run, changed)
    if follows:
        return replace(loop, keeper=Following(opened, records))
    settled = {
        "run": identity,
        "settings": {**settings.described(chosen), "epochs": loop.job.epochs},
        "samples": samples,
        "machine": home,
        "callbacks": [_called(each) for each in given["callbacks"]],
        **written,
    }
    keeper = Keeping(
        opened,
        network,
        loop.course,
        stateful,
        settled,
        records,
        within=not private,
    )
    return replace(loop, keeper=keeper)


def _chosen(job: Job, given: Mapping[str, Any], watching: Sequence[Observer]) -> dict[str, Any]:
    return {
        **given,
        "metrics": [metric.name for metric in job.metrics],
        "observers": [observer.name for observer in watching],
    }


def _shown(given: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The settings for people; the drawn seed of private training would repeat nothing."""
    seed = {"seed": None} if given["privacy"] is not None else {}
    return {**seed, **{name: given[name] for name in names}}


def _called(callback: Any) -> str:
    return str(getattr(callback, "__name__", type(callback).__name__))


def _tell_missing(opened: Opened, before: Sequence[str], now: Sequence[Any]) -> None:
    """Warn that callbacks of the run, which no file holds, are not called any more."""
    if before and not now:
        _log.warning(
            "%s was trained with callbacks (%s), and continues without any: no file holds "
            "them; pass callbacks=[...] to have them called",
            opened.name,
            ", ".join(before),
        )


def _check_epochs(opened: Opened, state: Mapping[str, Any], epochs: int | None) -> None:
    if epochs is not None and epochs < state["epoch"]:
        raise InputError(
            f"{option('epochs', epochs)} was given, but {opened.name} has already finished "
            f"{state['epoch']}; expected at least as many"
            + advice(", or continue from an earlier run in another folder", "")
        )
