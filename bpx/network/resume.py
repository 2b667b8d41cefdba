"""`resume`: continue a run from its folder, without the script that began it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from bpx.arrays.ranks import Communicator
from bpx.errors import FileFormatError, InputError, advice
from bpx.io.runs import MODEL
from bpx.metrics import METRICS, AnyMetric, MetricName
from bpx.network.load import load
from bpx.network.prepare import Arguments, prepare
from bpx.network.resuming.following import open_together
from bpx.network.resuming.opening import Opened, open_run
from bpx.network.resuming.settings import OWN
from bpx.network.resuming.values import restored
from bpx.network.training import Training
from bpx.optim.chain import Optimizer
from bpx.training.attached import Callback
from bpx.training.observers import Observer
from bpx.training.parallel.choice import Ranks, hosts
from bpx.training.records import Progress
from bpx_backends import BackendName

__all__ = ["resume"]

_NAMES = {each.name for each in fields(Arguments)}


def resume(
    folder: str | Path,
    data: Any,
    *,
    epochs: int | None = None,
    validation: Any = None,
    sample_weight: Any = None,
    optimizer: Optimizer | None = None,
    observers: Sequence[Observer] = (),
    callbacks: Sequence[Callback] = (),
    metrics: Sequence[MetricName | AnyMetric] | None = None,
    progress: Callable[[Progress], None] | None = None,
    custom: Mapping[str, Any] | None = None,
    backend: BackendName | str | None = None,
    every: str | None = None,
    keep: int | None = None,
    ranks: Ranks | str | Communicator | None = None,
) -> Training:
    """Continue a run that `Network.fit` or `bpx.train` began with a `checkpoint` folder.

    The network, the state of training and all settings come from the newest checkpoint that is
    whole; the samples do not, and must be the same. On the same backend, device, versions and
    number of threads, the run ends with the same bits as one that was never interrupted: the
    weights, the state of the optimizer, and all of every record but the times. On another
    backend it continues with the same batches and masks.

    Parameters
    ----------
    folder : str or Path
        The run's folder.
    data : pair of arrays, table, DataFrame, or stream
        The samples that the run was begun with, as for `bpx.train`. Other samples are refused.
    epochs : int, optional
        The number of all epochs, if it is to change; at least as many as have finished.
    validation, sample_weight : optional
        Those that the run was begun with.
    optimizer : Optimizer, optional
        The same optimizer, if it is one of your own; bpx rebuilds its own ones.
    observers : sequence of Observer, optional
        Observers with the same names. One that has ``restore(value)`` gets what its ``saved()``
        returned.
    callbacks : sequence of callable, optional
        As for `bpx.train`; no file holds them. A warning says so if the run had some, and none
        are given.
    metrics : sequence of str, Metric or Total, optional
        The same metrics, if one of them is your own.
    progress : callable, optional
        As for `bpx.train`.
    custom : mapping of str, optional
        The parts of the network that are your own, as for `bpx.load`.
    backend : str, optional
        By default, the backend of the run.
    every, keep : optional
        As for `bpx.train`; by default, those of the run.
    ranks : str or Communicator, optional
        As for `bpx.train`: any number of ranks continues what any other began.

    Returns
    -------
    Training
        With the `network`. Iterate it, or call its `finish`, which returns the records of all
        epochs, those before the interruption included.

    Raises
    ------
    InputError
        If the folder has no run, another process trains in it, or an argument does not fit the
        run.
    FileFormatError
        If no checkpoint in it is whole.
    BackendError
        If the backend cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> net, run = bpx.Network([2, 3, 2], seed=0), f"{folder.name}/run"
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> settings = {"batch_size": 1, "optimizer": bpx.Adam(0.1), "seed": 1}
    >>> history = net.fit(x, y, epochs=2, checkpoint=run, **settings)
    >>> training = bpx.resume(run, (x, y), epochs=5)
    >>> len(training.finish())
    5
    >>> folder.cleanup()
    """
    several = hosts(ranks)  # the backend of the run is not known yet
    make = partial(open_run, folder, resume=True, begins=False, every=every, keep=keep)
    opened = open_together(several, folder, every, keep, make)
    try:
        assert opened.found is not None
        state = opened.found.state
        network = load(
            opened.run.place(opened.found.number) / MODEL,
            backend=backend or state["machine"]["backend"],
            custom=custom,
        )
        settings = _settings(opened, optimizer, metrics)
    except BaseException:
        opened.close()
        raise
    if epochs is not None:
        settings["epochs"] = epochs
    given = Arguments(
        **settings,
        validation=validation,
        sample_weight=sample_weight,
        observers=observers,
        callbacks=callbacks,
        progress=progress,
        ranks=ranks,
    )
    return prepare(network, data, given, opened)


def _settings(
    opened: Opened, optimizer: Optimizer | None, metrics: Sequence[Any] | None
) -> dict[str, Any]:
    """Return the settings of the run as arguments of `bpx.train`."""
    assert opened.found is not None
    saved = dict(opened.found.state["settings"])
    del saved["observers"]
    own = [name for name, value in saved.items() if value == {OWN: True}]
    given = {} if optimizer is None else {"optimizer": optimizer}
    if lacking := [name for name in own if name not in given]:
        raise InputError(
            f"{opened.name} was trained with {lacking[0]} of your own, which no file can hold; "
            + advice(
                "pass optimizer=... to resume"
                if lacking[0] == "optimizer"
                else "continue it with fit(..., checkpoint=folder, resume=True)",
                "continue it in Python, with bpx.resume",
            )
        )
    names = saved.pop("metrics")
    if metrics is None and (unknown := [name for name in names if name not in METRICS]):
        raise InputError(
            f"{opened.name} was trained with the metric {unknown[0]!r}, which is not built in; "
            + advice("pass metrics=[...] to resume", "continue it in Python, with bpx.resume")
        )
    if foreign := [name for name in saved if name not in _NAMES]:
        raise FileFormatError(
            f"{opened.name} has the setting {foreign[0]!r}, which this version of bpx lacks; "
            "continue it with the version that began it"
        )
    try:
        found = {name: restored(value) for name, value in saved.items() if name not in given}
    except FileFormatError as error:
        raise FileFormatError(
            f"the settings of {opened.name} cannot be used: {error}; "
            + advice("pass optimizer=... to resume", "continue it with the version that began")
        ) from error
    return {**found, **given, "metrics": names if metrics is None else metrics}
