"""`train`: the training of a network, epoch by epoch."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bpx._validate import flag
from bpx.arrays.ranks import Communicator
from bpx.errors import InputError
from bpx.inspect.health.probe import HealthProbe
from bpx.metrics import AnyMetric, MetricName
from bpx.model.weights import ClassWeight
from bpx.network.prepare import Arguments, Trainee, prepare
from bpx.network.resuming.following import open_together
from bpx.network.resuming.opening import open_run
from bpx.network.training import Training
from bpx.optim.chain import Optimizer
from bpx.privacy.dpsgd import DPSGD
from bpx.program.contract import Precision
from bpx.training.attached import Callback
from bpx.training.observers import Observer
from bpx.training.parallel.alike import check_same
from bpx.training.parallel.choice import Ranks, chosen
from bpx.training.records import Progress
from bpx.training.stopping import EarlyStopping

__all__ = ["Trainee", "train"]


def train(
    network: Trainee,
    data: Any = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    accumulate: int = 1,
    optimizer: Optimizer,
    lmbda: float = 0.0,
    batches: Iterable[Any] | None = None,
    steps_per_epoch: int | None = None,
    penalty: float = 0.0,
    validation: Any = None,
    validation_split: float = 0.0,
    seed: int | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    compile: bool = True,  # noqa: A002 - the field's word
    precision: Precision | str = "float32",
    privacy: DPSGD | None = None,
    progress: Callable[[Progress], None] | None = None,
    health: bool | HealthProbe = False,
    observers: Sequence[Observer] = (),
    callbacks: Sequence[Callback] = (),
    early_stopping: EarlyStopping | int | None = None,
    metrics: Sequence[MetricName | AnyMetric] = (),
    sample_weight: Any = None,
    class_weight: ClassWeight | None = None,
    checkpoint: str | Path | None = None,
    every: str | None = None,
    keep: int | None = None,
    resume: bool = False,
    ranks: Ranks | str | Communicator | None = None,
) -> Training:
    """Train a network, yielding a record after each epoch.

    Training starts from the network's current weights, with a fresh optimizer state. The
    network gets new arrays at the end of each epoch, just before the record is yielded, and
    keeps those of the last finished epoch if training is interrupted, diverges or is
    abandoned.

    Parameters
    ----------
    network : Network
        Assign ``network.parameters`` between epochs and the next epoch starts from them.
    data : pair of arrays, table, DataFrame, or stream
        x of shape (n, k_0) and y: labels (n,), or numbers (n,) or (n, k_L), of any library.
        They are moved to the network's home once, and never shuffled, modified or freed. You
        can also pass a table that has the target, or a pair of a table and a target: a network
        without a schema then gets one from the table's column names. Training uses the
        samples as they were when `train` was called: arrays that can still be modified are
        copied once, and those that cannot (a JAX array, a read-only memory map) are used
        without a copy. x of dtype bool, int8 or uint8 keeps its dtype, and each mini-batch is
        cast.
    epochs : int
        The number of passes over the samples, at least 1. Optional if `batches` is an
        iterator: training then ends with it.
    batch_size : int
        Samples in a mini-batch, 1 ... n. A smaller last batch is used as it is. Not with
        `batches`.
    accumulate : int, optional
        Into how many chunks each mini-batch is cut. The z, a and delta of one chunk at a time
        are in memory; the gradient is summed over the chunks before the one update. The result
        is that of the whole mini-batch, up to rounding. Refused with `privacy`.
    optimizer : Optimizer
        `SGD`, `Adam`, `AdamW`, or another chain of transformations: see `bpx.optim`.
    lmbda : float, optional
        The L2 penalty: ``lmbda / n * w`` is added to BP4's gradient, whatever the optimizer.
        Biases have no penalty (the book's (87)).
    batches : iterable of pairs or triples, optional
        A stream, in place of `data`: mini-batches (x, y) or (x, y, sample_weight) of any sizes,
        used in the order in which they come, each fetched when its step is due. An epoch is
        one pass over the stream, or `steps_per_epoch` mini-batches; an iterator, such as a
        generator, continues in the next epoch. Options that concern all samples do not apply:
        `batch_size`, `lmbda`, `shuffle`, `drop_last`, `privacy`, `health`, `sample_weight` and
        `class_weight`. The dtype of y decides whether there is an accuracy: floating-point
        targets have none. Observers get the first mini-batch.
    steps_per_epoch : int, optional
        The number of mini-batches of a stream in an epoch.
    penalty : float, optional
        With `batches`, the coefficient of the L2 penalty, which is ``lmbda / n`` with `data`:
        ``penalty * w`` is added to BP4's gradient.
    validation : pair of arrays, triple, table, DataFrame, or stream, optional
        (x, y) or (x, y, sample_weight), evaluated after each epoch; copied as `data` is. A
        `bpx.data.Stream` is read anew each time.
    validation_split : float, optional
        In place of `validation`, the fraction of the samples to hold out for validation, in
        [0, 1). The seed draws them: from each class its share, if the targets are classes, and
        otherwise at random. Sample weights follow their samples, and n is the number of samples
        that remain. Calls with different seeds hold out different samples: in a loop of calls,
        pass a seed.
    seed : int, optional
        The seed of the order of the samples, which is the same on every backend, and of the
        random numbers in layers. By default one is drawn: see ``state.seed``, or
        `History.seed`. Each call starts at epoch 1, so calls of one epoch with the same seed
        all use the same order; in a loop of such calls, omit the seed, or continue one
        `Training`.
    shuffle : bool, optional
        If False, every epoch uses the samples in their own order.
    drop_last : bool, optional
        If True, a smaller last batch is dropped.
    compile : bool, optional
        If False, run steps eagerly instead of on the backend's engine.
    precision : str, optional
        For float32 networks, where the backend has a choice. On PyTorch and JAX,
        ``"bfloat16"`` and ``"float16"`` are the dtype of the products and of the hidden
        layers' z, a and delta; the weights, the optimizer, the last layer's z and a, and the
        cost stay float32, and float16 has a loss scale. On CuPy, ``"tf32"``, ``"float16"`` and
        ``"bfloat16"`` are the precision of the products alone.
    privacy : bpx.privacy.DPSGD, optional
        Train by DP-SGD: Poisson sampling of batches with the expected size `batch_size`,
        clipped gradients, and noise. Each record then reports the privacy spent. It is refused
        with `seed`, ``shuffle=False`` or ``drop_last=True``.
    progress : callable, optional
        Called with a `Progress` about twice a second.
    health : bool or HealthProbe, optional
        If True, each record has the network's `Health` on 500 of the training samples. This
        costs one pass over them and one more step for each epoch, and does not affect training.
        These samples count equally, whatever their weights. With `privacy`, `updates` is None.
        Like the cost, health uses the raw samples and is not private.
    observers : sequence of Observer, optional
        Values that look at the network after each epoch and add to its record: see
        `bpx.Observer`.
    callbacks : sequence of callable, optional
        Functions that are called with each epoch's record, after the observers and early
        stopping. One that returns True ends training after this epoch. If one raises, training
        ends with that exception, and the network keeps this epoch's weights. At the end, and
        after an exception, ``close()`` is called on those that have it. See `bpx.CSVLog`,
        `bpx.JSONLog` and `bpx.TensorBoard`.
    early_stopping : EarlyStopping or int, optional
        End training when the validation samples no longer improve: see `bpx.EarlyStopping`. A
        number is its patience in epochs.
    metrics : sequence of str, Metric or Total, optional
        The metrics in each record's ``validation.metrics``, besides the cost and the accuracy:
        see `bpx.metrics`. They use the validation samples at the end of the epoch, never the
        training batches; without `validation` they are refused.
    sample_weight : array of any library or array-like, shape (n,), optional
        The weights of the samples: finite numbers s_x of at least 0, not all 0. BP3 and BP4
        sum over a batch of m samples with the row weights ``s_x / m``, so that training
        minimises the mean of s_x C_x. As in Keras, this mean is the cost of a record, and the
        accuracy is ``sum(s * hit) / sum(s)``. With `privacy`, weights are refused.
    class_weight : mapping of a class to float, or "balanced", optional
        The weights of the classes, by label or, with a schema, by name. They multiply
        `sample_weight`, and a class that is not listed has the weight 1. ``"balanced"`` gives
        each sample ``n / (k * count)``, where k classes occur in y, and `count` samples have
        its class, as in scikit-learn. It needs labels, one-hot rows, or 0 and 1 for a single
        sigmoid. It does not affect the validation samples.
    checkpoint : str or Path, optional
        A folder for the run: its settings, its history, its network, and checkpoints. A run
        that was killed at any moment is continued from them, to the same bits: see `resume`.
        SIGTERM and SIGUSR1 end such a run with `Preempted`, after another checkpoint; Ctrl-C
        ends it with KeyboardInterrupt, after a checkpoint as well. Not with `batches`.
    every : str, optional
        How often to write a checkpoint: ``"1 epoch"`` by default, or ``"10 min"``, or
        ``"500 steps"``; the last two write within epochs, too. A run that is continued has
        its own `every` and `keep` as the defaults.
    keep : int, optional
        How many of the newest checkpoints to keep, 3 by default. The one at the end of the
        best epoch, by the cost on the validation samples if there are any, is kept as well.
    resume : bool, optional
        If True, continue the run in the folder, if it has a checkpoint, and begin it otherwise.
        The other arguments must be those that it was begun with; `epochs` may be larger, and
        `progress`, `callbacks`, `every` and `keep` may change. `bpx.resume` continues a run
        without them.
    ranks : str or Communicator, optional
        The processes that train this network together, each with its part of every mini-batch:
        ``"mpi"``, for those that MPI started; ``"torch"``, for those that torchrun started;
        ``"auto"``, for whichever did; or ``"off"``. With JAX, ``"devices"`` trains on all
        devices of this process. By default the choice of the environment variable
        ``BPX_RANKS``. All ranks call this with the same arguments, and get the same
        weights, which are those of one rank up to rounding. Rank 0 alone calls `progress`,
        `callbacks` and `observers`.

    Returns
    -------
    Training
        An iterator of `Epoch` records, with the training's ``state`` and ``eta``.

    Raises
    ------
    InputError
        If an argument cannot be used; raised at once, not at the first ``next``.
    DivergenceError
        If the cost or the weights become non-finite.

    Examples
    --------
    >>> net = bpx.Network([2, 3, 2], seed=0)
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> for epoch in bpx.train(net, (x, y), epochs=2, batch_size=1, optimizer=bpx.SGD(1.0)):
    ...     print(epoch.number)
    1
    2
    """
    given = Arguments(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        lmbda=lmbda,
        batches=batches,
        steps_per_epoch=steps_per_epoch,
        penalty=penalty,
        validation=validation,
        seed=seed,
        shuffle=shuffle,
        drop_last=drop_last,
        compile=compile,
        precision=precision,
        privacy=privacy,
        progress=progress,
        health=health,
        observers=observers,
        metrics=metrics,
        sample_weight=sample_weight,
        class_weight=class_weight,
        validation_split=validation_split,
        accumulate=accumulate,
        early_stopping=early_stopping,
        callbacks=callbacks,
        ranks=ranks,
    )
    resume = flag("resume", resume)
    several = chosen(ranks, network.home)
    if several is not None:
        check_same(several, {"checkpoint": "none" if checkpoint is None else "a folder"})
    if checkpoint is None:
        for name, value in (("every", every), ("keep", keep), ("resume", resume or None)):
            if value is not None:
                raise InputError(f"{name} was given without checkpoint; give a folder too")
        return prepare(network, data, given)
    if batches is not None:
        raise InputError(
            "checkpoint was given with batches, but bpx cannot rewind a stream; save "
            "training.state between epochs, with training.save_state"
        )
    make = partial(open_run, checkpoint, resume=resume, begins=True, every=every, keep=keep)
    opened = open_together(several, checkpoint, every, keep, make)
    return prepare(network, data, given, opened)
