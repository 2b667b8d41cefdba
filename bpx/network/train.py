"""`train`: the training of a network, with privacy and health on request.

The modules that only privacy or health needs are imported on request.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bpx.arrays.host import check_seed
from bpx.errors import InputError
from bpx.inspect.health.probe import HealthProbe
from bpx.metrics import AnyMetric, MetricName
from bpx.model.weights import ClassWeight
from bpx.network.streams import refuse, streaming
from bpx.network.tables import by_label, training_arrays
from bpx.network.training import Training, training_of
from bpx.network.windows import is_stream, windowing
from bpx.optim.chain import Optimizer
from bpx.privacy.accounting import Account
from bpx.privacy.dpsgd import DPSGD, check_privacy
from bpx.program.contract import Precision
from bpx.training.accumulated import check_accumulate
from bpx.training.arguments import (
    Job,
    Options,
    check_batch_size,
    check_last_batch,
    checked,
    scheduled,
)
from bpx.training.attached import Callback
from bpx.training.batches import Batches, Shuffled
from bpx.training.course import Course, Trainable
from bpx.training.held_out import check_validation_split
from bpx.training.loop import Loop
from bpx.training.observers import Observer, check_observers
from bpx.training.records import Progress
from bpx.training.stopping import EarlyStopping

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["Trainee", "train"]


class Trainee(Trainable, Account, Protocol):
    """The interface that `train` expects of a network."""

    schema: "Schema | None"


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
    data : pair of arrays, or table or DataFrame
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
    validation : pair of arrays, triple, or table or DataFrame, optional
        (x, y) or (x, y, sample_weight), evaluated after each epoch; copied as `data` is.
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
        The precision of the matrix products of float32 networks, where the backend has a
        choice: ``"tf32"``, ``"float16"`` or ``"bfloat16"``, on CuPy. Their sums, all other
        computations, and everything stored are float32.
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
    watching = check_observers(observers, taken=("health", "privacy"))
    samples, validation, schema = training_arrays(
        network.schema, network.spec, data, validation
    )
    options = Options(optimizer, validation, compile, precision, progress, metrics)
    chunks = check_accumulate(accumulate, network.spec, batch_size, privacy is not None)
    of_all = {
        "privacy": privacy,
        "health": health or None,
        "sample_weight": sample_weight,
        "class_weight": class_weight,
        "validation_split": validation_split or None,
    }
    if batches is not None:
        of_samples = {
            "data": data,
            "batch_size": batch_size,
            "lmbda": lmbda or None,
            "shuffle": None if shuffle else shuffle,
            "drop_last": drop_last or None,
            **of_all,
        }
        refuse("with batches", of_samples)
        cut = epochs, steps_per_epoch
        loop = streaming(network, batches, options, *cut, penalty, seed, watching)
        return training_of(loop, chunks, early_stopping, callbacks)
    if data is None:
        raise InputError("data is missing; expected (x, y), or a stream as batches=...")
    if is_stream(data):
        refuse("with a bpx.data.Stream", {"steps_per_epoch": steps_per_epoch, **of_all})
        order, strength = (seed, shuffle, drop_last), (lmbda, penalty)
        loop = windowing(network, data, options, epochs, batch_size, strength, order, watching)
        return training_of(loop, chunks, early_stopping, callbacks)
    refuse("without batches", {"steps_per_epoch": steps_per_epoch, "penalty": penalty or None})
    drawn = check_seed(privacy.seed if isinstance(privacy, DPSGD) else seed)
    held = check_validation_split(validation_split, drawn, validation, privacy is not None)
    if epochs is None or batch_size is None:
        missing = "epochs" if epochs is None else "batch_size"
        raise InputError(f"{missing} is missing; expected a whole number of at least 1")
    class_weight = by_label(schema, class_weight)
    given = {"sample_weight": sample_weight, "class_weight": class_weight}
    with network.home.active():
        job = checked(network, samples, options, epochs=epochs, lmbda=lmbda, held=held, **given)
        size = check_batch_size(batch_size, job.n)
        check_last_batch(network.spec, job.n, size, drop_last=drop_last, chunks=chunks)
        weights = [name for name, value in given.items() if value is not None]
        check_privacy(privacy, job.n, seed, shuffle, drop_last, weights)
        own = _batches(network, job, privacy, size, (drawn, shuffle, drop_last))
        look = _look(health, job, privacy, size, drawn)
        rule = scheduled(job, own.steps, private=privacy is not None)
        course = Course(network, rule, drawn, own.start())
    loop = Loop(course, job, own, (*look, *watching))
    training = training_of(loop, chunks, early_stopping, callbacks)
    network.schema = schema
    return training


def _batches(
    network: Trainee,
    job: Job,
    privacy: DPSGD | None,
    size: int,
    order: tuple[int, bool, bool],
) -> Batches:
    """Make the batches; `order` is the seed, and whether to shuffle and to drop the last."""
    if privacy is not None:
        from bpx.privacy.batches import sampled

        return sampled(network, job.step, job.data, size, privacy)
    return Shuffled(network.home, job.step, job.data, size, *order)


def _look(
    health: bool | HealthProbe, job: Job, privacy: DPSGD | None, size: int, seed: int
) -> tuple[Observer, ...]:
    """Make the observer for `health`, if any; with privacy it takes no extra step."""
    if health is False or health is None:
        return ()
    from bpx.inspect.health.look import prepare

    batch = size if privacy is None else None
    return (prepare(health, job.home, job.step, job.n, batch, seed),)
