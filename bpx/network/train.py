"""`train`: a network's training, private and looked at where that is asked for.

What only such a training needs is imported when one is asked for.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bpx.arrays.host import check_seed
from bpx.errors import InputError
from bpx.inspect.health.probe import HealthProbe
from bpx.metrics import Metric, MetricName
from bpx.model.weights import ClassWeight
from bpx.network.streams import refuse, streaming
from bpx.network.tables import by_label, training_arrays
from bpx.network.training import Training
from bpx.optim.chain import Optimizer
from bpx.privacy.accounting import Account
from bpx.privacy.dpsgd import DPSGD, check_privacy
from bpx.program.contract import Precision
from bpx.training.arguments import Job, Options, check_batch_size, checked
from bpx.training.batches import Batches, Shuffled
from bpx.training.course import Course, Trainable
from bpx.training.loop import Loop
from bpx.training.observers import Observer, check_observers
from bpx.training.records import Progress

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["Trainee", "train"]


class Trainee(Trainable, Account, Protocol):
    """What `train` asks of a network."""

    schema: "Schema | None"


def train(
    network: Trainee,
    data: Any = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimizer: Optimizer,
    lmbda: float = 0.0,
    batches: Iterable[Any] | None = None,
    steps_per_epoch: int | None = None,
    penalty: float = 0.0,
    validation: Any = None,
    seed: int | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    compile: bool = True,  # noqa: A002 - the field's word
    precision: Precision | str = "float32",
    privacy: DPSGD | None = None,
    progress: Callable[[Progress], None] | None = None,
    health: bool | HealthProbe = False,
    observers: Sequence[Observer] = (),
    metrics: Sequence[MetricName | Metric] = (),
    sample_weight: Any = None,
    class_weight: ClassWeight | None = None,
) -> Training:
    """Train a network, yielding a record after each epoch.

    The network is trained from its current weights, with a fresh optimizer state. It is
    given new arrays at the end of each epoch, just before the record is yielded, and keeps
    those of the last finished epoch if training is interrupted, diverges, or is left.

    Parameters
    ----------
    network : Network
        Weights that the caller sets between epochs are taken up.
    data : pair of arrays, or table or DataFrame
        x of shape (n, k_0) and y: labels (n,), or numbers (n,) or (n, k_L). Of any library;
        brought to the network's home once; never shuffled, written or freed. Or a table that
        has the target of the network's schema, or a pair of a table and a target. A network
        without a schema remembers the names of a table's columns. Training works on the
        samples as they were when `train` was called: those that somebody could still write
        are copied, once, and those that nobody can (an array of JAX, a read-only memory map)
        are used as they are. x of dtype bool, int8 or uint8 stays so, and each mini-batch is
        cast.
    epochs : int
        How often to go through the samples, at least 1. May be left out where `batches` is an
        iterator: training then ends with it.
    batch_size : int
        Samples in a mini-batch, 1 ... n. A ragged last batch is trained on as it is. Not with
        `batches`.
    optimizer : Optimizer
        `SGD`, `Adam`, `AdamW`, or another chain of transformations: see `bpx.optim`.
    lmbda : float, optional
        The L2 penalty: ``lmbda / n * w`` is added to BP4's gradient, whatever the optimizer;
        the biases are left out (the book's (87)).
    batches : iterable of pairs or triples, optional
        A stream, in place of `data`: mini-batches (x, y) or (x, y, sample_weight) of any sizes,
        taken in the order in which they come, each when its step is due. An epoch goes through
        all of it, or through `steps_per_epoch` mini-batches; an iterator, such as a generator,
        is gone on with in the next epoch. Of the options, those that are about all samples have
        no place: `batch_size`, `lmbda`, `shuffle`, `drop_last`, `privacy`, `health`,
        `sample_weight` and `class_weight`. What counts as right is told by the dtype of y:
        floating-point targets have no accuracy. Observers are shown the first mini-batch.
    steps_per_epoch : int, optional
        How many mini-batches of a stream are an epoch.
    penalty : float, optional
        With `batches`, the coefficient of the L2 penalty, which is what ``lmbda / n`` is with
        `data`: ``penalty * w`` is added to BP4's gradient.
    validation : pair of arrays, triple, or table or DataFrame, optional
        (x, y) or (x, y, sample_weight), evaluated after each epoch. Kept as `data` are.
    seed : int, optional
        Of the order of the samples, which is the same on every backend, and of what layers
        draw. Left out, one is drawn: see ``state.seed``, or `History.seed`. Each call begins
        with epoch 1, so calls of one epoch with the same seed all have the same order; in a
        loop of them leave it out, or go on with one `Training`.
    shuffle : bool, optional
        If False, every epoch takes the samples in their own order.
    drop_last : bool, optional
        If True, a ragged last batch is left out of the epoch.
    compile : bool, optional
        If False, plain eager calls instead of the backend's engine.
    precision : str, optional
        What the matrix products of float32 networks are computed in, where the backend has a
        choice: ``"tf32"``, ``"float16"`` or ``"bfloat16"``, on CuPy. Their sums, all else that
        is computed, and all that is stored, are float32.
    privacy : bpx.privacy.DPSGD, optional
        Train by DP-SGD: batches by Poisson sampling, of which `batch_size` is the expected
        size, clipped gradients, and noise. Each record then tells what has been spent. With
        `seed`, ``shuffle=False`` or ``drop_last=True`` it is refused.
    progress : callable, optional
        Called with a `Progress` about twice a second.
    health : bool or HealthProbe, optional
        If True, each record has the network's `Health` on 500 of the training samples. That
        costs a pass over them and a step more for each epoch, and leaves the training as it is.
        Its samples count alike, whatever their weights.
        Of private training there are no updates in it, and, as the cost, it is computed from
        the samples as they are.
    observers : sequence of Observer, optional
        What is to look at the network after each epoch, and to have its say in the record: see
        `bpx.Observer`.
    metrics : sequence of str or Metric, optional
        What is to be in each record's ``validation.metrics``, besides the cost and the
        accuracy: see `bpx.metrics`. Of the validation samples at the end of the epoch, never of
        the batches that are trained on; without `validation` it is refused.
    sample_weight : array of any library or array-like, shape (n,), optional
        How much each sample counts: finite numbers s_x of at least 0, not all 0. BP3 and BP4
        sum over a batch of m samples with the row weights ``s_x / m``, so that training
        descends the mean of s_x C_x. As in Keras, this mean is the cost of a record, and the
        accuracy is ``sum(s * hit) / sum(s)``. With `privacy`, weights are refused.
    class_weight : mapping of a class to float, or "balanced", optional
        How much the samples of each class count, by its label or, with a schema, by the name
        that the target has; it multiplies their `sample_weight`, and a
        class that is not named has the weight 1. ``"balanced"`` gives each sample
        ``n / (k * count)``, where k classes occur in y, and `count` samples are of its own, as
        in scikit-learn. It needs labels, one-hot rows, or 0 and 1 for a single sigmoid, and
        leaves the validation samples as they are.

    Returns
    -------
    Training
        An iterator of `Epoch` records, with the training's ``state`` and ``eta``.

    Raises
    ------
    InputError
        If an argument cannot be used: at once, not at the first ``next``.
    DivergenceError
        If the cost or the weights turn non-finite.

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
    if batches is not None:
        of_samples = {
            "data": data,
            "batch_size": batch_size,
            "lmbda": lmbda or None,
            "shuffle": None if shuffle else shuffle,
            "drop_last": drop_last or None,
            "privacy": privacy,
            "health": health or None,
            "sample_weight": sample_weight,
            "class_weight": class_weight,
        }
        refuse("with batches", of_samples)
        cut = epochs, steps_per_epoch
        return Training(streaming(network, batches, options, *cut, penalty, seed, watching))
    if data is None:
        raise InputError("data was left out; expected (x, y), or a stream as batches=...")
    refuse("without batches", {"steps_per_epoch": steps_per_epoch, "penalty": penalty or None})
    drawn = check_seed(privacy.seed if isinstance(privacy, DPSGD) else seed)
    if epochs is None or batch_size is None:
        missing = "epochs" if epochs is None else "batch_size"
        raise InputError(f"{missing} was left out; expected a whole number of at least 1")
    class_weight = by_label(schema, class_weight)
    given = {"sample_weight": sample_weight, "class_weight": class_weight}
    with network.home.active():
        job = checked(network, samples, options, epochs=epochs, lmbda=lmbda, **given)
        size = check_batch_size(batch_size, job.n)
        weights = [name for name, value in given.items() if value is not None]
        check_privacy(privacy, job.n, seed, shuffle, drop_last, weights)
        own = _batches(network, job, privacy, size, (drawn, shuffle, drop_last))
        look = _look(health, job, privacy, size, drawn)
        course = Course(network, job.optimizer, drawn, own.start())
    network.schema = schema
    return Training(Loop(course, job, own, (*look, *watching)))


def _batches(
    network: Trainee,
    job: Job,
    privacy: DPSGD | None,
    size: int,
    order: tuple[int, bool, bool],
) -> Batches:
    """Those of an epoch. `order`: the seed, whether to shuffle, whether to drop the last."""
    if privacy is not None:
        from bpx.privacy.batches import sampled

        return sampled(network, job.step, job.data, size, privacy)
    return Shuffled(network.home, job.step, job.data, size, *order)


def _look(
    health: bool | HealthProbe, job: Job, privacy: DPSGD | None, size: int, seed: int
) -> tuple[Observer, ...]:
    """The observer that `health` asks for, if any; with privacy it takes no step of its own."""
    if health is False or health is None:
        return ()
    from bpx.inspect.health.look import prepare

    batch = size if privacy is None else None
    return (prepare(health, job.home, job.step, job.n, batch, seed),)
