"""The loop over the epochs of a training, which records each epoch and decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bpx.errors import InputError
from bpx.model.evaluate import Evaluation
from bpx.program.preparation import clock
from bpx.training.arguments import Job
from bpx.training.attached import Attached
from bpx.training.batches import Batches
from bpx.training.chunks import Chunks
from bpx.training.course import Course
from bpx.training.divergence import check_parameters, check_scale
from bpx.training.keeper import NOBODY, Keeper, Place, Start
from bpx.training.observers import Observer, observed
from bpx.training.parallel.agreement import ALONE, Agreement
from bpx.training.parallel.evaluating import evaluated_by
from bpx.training.records import Epoch, Sums
from bpx.training.step import State

__all__ = ["Loop"]


@dataclass
class Loop:
    """A network's training, one epoch for each call: ``loop() -> Epoch``, or None at the end.

    Attributes
    ----------
    course : Course
        The network's course. If it is set to another state, the next epoch starts from that.
    job : Job
    batches : Batches
        The mini-batches of the job's data.
    observers : sequence of Observer
        Observers with different names.
    keeper : Keeper
        Looks at the training between its chunks and epochs.
    begin : Start or None
        The place in the next epoch to continue from.
    attached : Attached
        Early stopping and callbacks.
    agreement : Agreement
        What the ranks of a training agree upon, if there are several.
    """

    course: Course
    job: Job
    batches: Batches
    observers: Sequence[Observer] = ()
    keeper: Keeper = NOBODY
    begin: Start | None = None
    attached: Attached = field(default_factory=Attached)
    agreement: Agreement = ALONE
    chunks: Chunks = field(init=False)

    def __post_init__(self) -> None:
        job = self.job
        kind = job.step.accuracy, job.tell, job.weighted
        self.chunks = Chunks(job.scan, *kind, self.keeper, self.agreement)

    def __call__(self) -> Epoch | None:
        """Train for one more epoch, and publish the new arrays to the network.

        Raises
        ------
        DivergenceError
            If the cost or the weights become non-finite. The network and the course are then
            as they were before the epoch.
        """
        done, epochs = self.course.epochs, self.job.epochs
        with self.keeper.attending():
            last = epochs is not None and done >= epochs
            ends = last or self.attached.stops(done)
            if ends and self.attached.ended(done):
                return None
            self.keeper.before(ends=ends)
            if not ends:
                return self._epoch()
            self.attached.finish(done, "epochs")
            self.keeper.ended(self.attached.stopped)
            return None

    def _epoch(self) -> Epoch | None:
        course, job = self.course, self.job
        number = course.epochs + 1
        with job.home.active():
            found = self._run(course.state, number)
            if found is None:
                self.attached.finish(course.epochs, "stream")
                return None
            state, sums, steps = found
            if not steps:
                raise InputError(
                    f"epoch {number} had no mini-batch; expected at least one: choose a "
                    "smaller batch_size, or omit drop_last"
                )
            seconds, rate = sums.seconds, sums.rate
            public = course.public(state)
            check_parameters(state.parameters, number)
            check_scale(state.loss_scale, number)
            if public.parameters is not state.parameters:
                check_parameters(public.parameters, number)
            validation = self._validated(public)  # an interruption here leaves no trace
            told = self.batches.finish()
            course.reached(state, steps=steps, epochs=1)
            course.heed(sums.means[0] if validation is None else validation.cost)
            public = public._replace(optimizer=course.state.optimizer)
            seen = {**told, **self._observed(public, number)}
            eta = course.eta
        epoch = Epoch(number, *sums.means, validation, seconds, rate, seen, eta)
        self.keeper.recorded(epoch)
        self.attached.after(epoch)
        return epoch

    def _run(self, state: State, number: int) -> tuple[State, Sums, int] | None:
        """Return the state, the sums and the step count of an epoch, or None at the end."""
        began, begin, done = clock(), self._begin(state), self.course.steps
        batches = self.batches(number) if begin is None else self.batches(number, begin.stretch)
        if batches is None:
            return None
        sums, steps = Sums(number, batches.samples, began), 0
        for index, stretch in enumerate(batches.stretches, batches.first):
            if index == batches.first:
                steps = stretch.before  # those of the stretches that are left out
            steps += stretch.stop - stretch.start
            if begin is not None and index < begin.stretch:
                continue
            if begin is not None:
                state, sums = begin.state, begin.sums
            state, sums = self.chunks(state, stretch, sums, index, begin, done=done)
            begin = None
        if begin is not None:
            raise InputError(
                f"epoch {number} ends before its step {begin.steps}, where the training is "
                "continued; expected the samples that it was begun with"
            )
        return state, sums, steps

    def _begin(self, state: State) -> Place | None:
        """Return the place in the epoch to continue from, unless the caller set a state."""
        if self.begin is None or self.begin.of is not state:
            return None
        return self.begin.place

    def _validated(self, state: State) -> Evaluation | None:
        job = self.job
        if job.validation is None:
            return None
        of = job.step.spec, state.parameters, job.validation, job.metrics
        return evaluated_by(self.agreement.ranks, *of)

    def _observed(self, state: State, number: int) -> dict[str, Any]:
        """Return the observers' values, which the first of several ranks gets for all."""
        if not self.observers and self.agreement is ALONE:
            return {}
        return self.agreement.led(
            lambda: observed(self.observers, state, self.job.data, number)
        )
