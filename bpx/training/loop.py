"""The loop over the epochs of a training, which records each epoch and decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from bpx.model.evaluate import Evaluation, evaluate
from bpx.training.arguments import Job
from bpx.training.attached import Attached
from bpx.training.batches import Batches
from bpx.training.chunks import Chunks
from bpx.training.course import Course
from bpx.training.divergence import check_parameters
from bpx.training.observers import Observer, observed
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
    attached : Attached
        Early stopping and callbacks.
    """

    course: Course
    job: Job
    batches: Batches
    observers: Sequence[Observer] = ()
    attached: Attached = field(default_factory=Attached)
    chunks: Chunks = field(init=False)

    def __post_init__(self) -> None:
        job = self.job
        self.chunks = Chunks(job.scan, job.step.accuracy, job.tell, job.weighted)

    def __call__(self) -> Epoch | None:
        """Train for one more epoch, and publish the new arrays to the network.

        Raises
        ------
        DivergenceError
            If the cost or the weights become non-finite. The network and the course are then
            as they were before the epoch.
        """
        course, job = self.course, self.job
        last = job.epochs is not None and course.epochs >= job.epochs
        if last or self.attached.stops(course.epochs):
            self.attached.finish(course.epochs, "epochs")
            return None
        number = course.epochs + 1
        with job.home.active():
            found = self._run(course.state, number)
            if found is None:
                self.attached.finish(course.epochs, "stream")
                return None
            state, sums, steps = found
            seconds, rate = sums.seconds, sums.rate
            public = course.public(state)
            check_parameters(state.parameters, number)
            if public.parameters is not state.parameters:
                check_parameters(public.parameters, number)
            told = self.batches.finish()
            course.reached(state, steps=steps, epochs=1)
            validation = self._validated(public)
            course.heed(sums.means[0] if validation is None else validation.cost)
            public = public._replace(optimizer=course.state.optimizer)
            seen = {**told, **observed(self.observers, public, job.data, number)}
            eta = course.eta
        epoch = Epoch(number, *sums.means, validation, seconds, rate, seen, eta)
        self.attached.after(epoch)
        return epoch

    def _run(self, state: State, number: int) -> tuple[State, Sums, int] | None:
        """Return the state, the sums and the step count of an epoch, or None at the end."""
        began, batches = perf_counter(), self.batches(number)
        if batches is None:
            return None
        sums, steps = Sums(number, batches.samples, began), 0
        for stretch in batches.stretches:
            state, sums = self.chunks(state, stretch, sums)
            steps += stretch.stop - stretch.start
        return state, sums, steps

    def _validated(self, state: State) -> Evaluation | None:
        job = self.job
        if job.validation is None:
            return None
        return evaluate(job.step.spec, state.parameters, job.validation, job.metrics)
