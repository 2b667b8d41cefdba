"""`Trainer`: one training step at a time, on mini-batches that the caller makes."""

from dataclasses import replace
from typing import Any, Literal, NamedTuple, overload

from bpx._typing import Array
from bpx._validate import flag, number
from bpx.arrays.host import check_seed
from bpx.arrays.registry import compiled, namespace
from bpx.errors import InputError
from bpx.model.inputs import Samples
from bpx.model.mini_batch import mini_batch, row_weights
from bpx.model.passes import learned
from bpx.model.trace import Trace
from bpx.network.resumable import Resumable
from bpx.network.tables import arrays
from bpx.network.train import Trainee
from bpx.optim.chain import Optimizer, check_optimizer
from bpx.optim.descent import check_descends
from bpx.optim.limits import penalised
from bpx.optim.scheduled import watching
from bpx.program.contract import Precision, Step, after, eager
from bpx.training.accumulated import AccumulatedStep, check_accumulate, check_enough, chunk_size
from bpx.training.course import Course
from bpx.training.mixed import MixedStep, scales_loss
from bpx.training.step import Data, State, TrainingStep
from bpx.training.stream import WholeBatches
from bpx.training.trial import step_of
from bpx.training.zeros import Zeros

__all__ = ["StepResult", "Trainer"]


class StepResult(NamedTuple):
    """The cost and the accuracy of a training step, before its update.

    Attributes
    ----------
    cost : array, shape ()
        The mean of C_x over the mini-batch, or the sum of r_x C_x with row weights. It is at
        the network's home: converting it to a number waits for the device.
    accuracy : array, shape (), or None
        The fraction of right answers, with row weights sum_x r_x hit_x / sum_x r_x; None for
        floating-point targets.
    """

    cost: Array
    accuracy: Array | None


class Trainer(Resumable):
    """One training step at a time, for your own loops, such as reinforcement learning.

    Each step is the same as in `bpx.train`: the same rule, state and seed give the same bits.
    The network has the new weights after each step.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
        As for `bpx.train`.
    penalty : float, optional
        The coefficient of the L2 penalty: ``penalty * w`` is added to BP4's gradient. It
        corresponds to ``lmbda / n`` in `bpx.train`; a single step has no n.
    seed : int, optional
        The seed of random layers such as `Dropout`. By default one is drawn: see
        ``state.seed``.
    compile : bool, optional
        If False, run steps eagerly instead of on the backend's engine.
    precision : str, optional
        As for `bpx.train`.
    accumulate : int, optional
        Into how many chunks each mini-batch is cut, as for `bpx.train`: the z, a and delta of
        one chunk at a time are in memory. A `trace` has those of the whole mini-batch.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([2, 3, 2], seed=0)
    >>> trainer = bpx.Trainer(net, optimizer=bpx.Adam(0.01))
    >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0]], dtype="float32"), np.array([0, 1])
    >>> for _ in range(3):
    ...     cost, accuracy = trainer.step(x, y)
    >>> trainer.state.steps
    3
    """

    def __init__(
        self,
        network: Trainee,
        *,
        optimizer: Optimizer,
        penalty: float = 0.0,
        seed: int | None = None,
        compile: bool = True,  # noqa: A002 - as in `bpx.train`
        precision: Precision | str = "float32",
        accumulate: int = 1,
    ) -> None:
        check_optimizer(optimizer)
        check_descends(optimizer)
        self._chunks = check_accumulate(accumulate, network.spec, None, private=False)
        if watching(optimizer):
            raise InputError(
                "reduce_on_plateau was given to a Trainer, which has no epochs whose cost it "
                "could follow; give a number as the learning rate, and assign trainer.eta"
            )
        penalty = number("penalty", penalty, "a number of at least 0", lambda v: v >= 0.0)
        with network.home.active():
            rule = penalised(optimizer, penalty)
            # A state that is set later replaces a seed that nobody chose: it has its own keys.
            how = {"any_seed": seed is None, "loss_scale": scales_loss(network.home, precision)}
            course = Course(network, rule, check_seed(seed), **how)
        super().__init__(course)
        self._how = flag("compile", compile), precision
        self._scan = network.home.scan() if self._how[0] else eager
        self._schema = network.schema
        self._steps: dict[Any, TrainingStep] = {}
        self._whole, self._zeros = WholeBatches(network.home), Zeros()

    @overload
    def step(
        self, x: Any, y: Any, r: Any = None, *, trace: Literal[False] = False
    ) -> StepResult: ...
    @overload
    def step(self, x: Any, y: Any, r: Any = None, *, trace: Literal[True]) -> Trace: ...
    def step(self, x: Any, y: Any, r: Any = None, *, trace: bool = False) -> StepResult | Trace:
        """Take one training step: forward, BP1, BP2, BP3, BP4, and the update.

        Parameters
        ----------
        x : array of any library, or array-like, shape (m, k_0)
            The mini-batch. The values of NumPy arrays and of lists are checked; those of other
            libraries' arrays are not, since that would wait for the device.
        y : array of any library, or array-like, shape (m,) or (m, k_L)
            Integers or booleans as labels; or numbers.
        r : array or array-like of shape (m,) or (m, 1), or float, optional
            The row weights of BP3 and BP4, which weight each sample in their sums, in place of
            1/m.
        trace : bool, optional
            If True, return a `Trace` of the step: every z, a and delta, in training mode, the
            costs, and the gradients without the penalty, in arrays of its own. This takes one
            more pass; the new weights have the same bits.

        Returns
        -------
        StepResult, or Trace
            For the weights before the step. A non-finite cost raises no error here.

        Raises
        ------
        InputError
            If an argument, or a part of the network, cannot be used.
        """
        course, trace = self._course, flag("trace", trace)
        with course.home.active():
            samples = self._arrived(x, y, r)
            step, state, data = self._step(samples), course.state, Data(*samples[:2], samples.s)
            m, weighted = data.x.shape[0], data.s is not None
            run, width = self._in_chunks(step, m)
            zero = self._zeros(state.parameters, width, step.accuracy, weighted)
            state, rows = state._replace(metrics=zero), self._whole(m)
            seen = _trace(step, state, data, rows[0, ...]) if trace else None
            scan = after(course.steps, self._scan)
            following = scan(run, state, data, rows, 0, 1)
            result = seen or _result(step, following, m)
        course.reached(following, steps=1)
        return result

    def _arrived(self, x: Any, y: Any, r: Any) -> Samples:
        network = self._course.network
        x, y = arrays(self._schema, x, y)
        arrived = mini_batch(network.home, network.spec, x, y)
        check_enough(network.spec, arrived.x.shape[0], self._chunks)
        if r is None:
            return arrived
        return arrived._replace(s=row_weights(network.home, r, arrived.x.shape[0]))

    def _step(self, samples: Samples) -> TrainingStep:
        """Return the step for samples of this kind, which is tried out on the first ones."""
        weighted = samples.s is not None
        kind = samples.accuracy, weighted, samples.y.ndim
        if kind not in self._steps:
            course = self._course
            step = step_of(course.network, samples, course.optimizer, *self._how)
            self._steps[kind] = replace(step, summed=weighted)
        return self._steps[kind]

    def _in_chunks(self, step: TrainingStep, m: int) -> tuple[Step, int]:
        """Return the step in chunks, and the number of samples that it computes at once."""
        if self._chunks == 1:
            return step, m
        chunks = AccumulatedStep(step, self._chunks, step.update)
        return chunks, chunk_size(m, self._chunks)

    def __repr__(self) -> str:
        course = self._course
        return f"<bpx.Trainer of {course.network!r}, step {course.steps}>"


def _result(step: TrainingStep, after: State, m: int) -> StepResult:
    sums = compiled(_means, 1, after.metrics.cost)
    result: StepResult = sums(None if step.summed else m, *after.metrics)
    return result


def _means(m: int | None, cost: Array, hits: Array | None, weights: Array | None) -> StepResult:
    """The means over m samples; None for sums of weighted samples."""
    xp = namespace(cost)
    total, right = xp.sum(cost, axis=-1), None if hits is None else xp.sum(hits, axis=-1)
    if m is None:
        return StepResult(total, None if right is None else right / xp.sum(weights, axis=-1))
    return StepResult(total / m, None if right is None else right / m)


def _trace(step: TrainingStep, state: State, data: Data, rows: Array) -> Trace:
    if isinstance(step, MixedStep):
        raise InputError(
            f"trace=True was given to a Trainer with precision={step.precision!r}, whose "
            "deltas are scaled; omit it, or make a Trainer with precision='float32'"
        )
    r = step.row_weights(data.s, rows.shape[0])
    weights = None if data.s is None else r
    made = step.passes(state, *step.picked(data, rows), weights)
    gradient = learned(made.run, r, made.deltas)
    return Trace(made.layers, made.deltas, step.costs(made), gradient)
