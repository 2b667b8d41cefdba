"""What `Trainer` and `Training` share: a state that can be read, set, saved and read again."""

from pathlib import Path

from bpx.io import states
from bpx.training.course import Course, TrainingState

__all__ = ["Resumable"]


class Resumable:
    """A training whose state can be had and set."""

    def __init__(self, course: Course) -> None:
        self._course = course

    @property
    def state(self) -> TrainingState:
        """All that the training goes on from: see `TrainingState`. Its arrays stay as they are.

        What is assigned may be of arrays from anywhere: they are copied to the network's home,
        and the network has its parameters at once.

        Raises
        ------
        InputError
            If it is no state of such a training, naming what differs; nothing has changed then.
        """
        return self._course.snapshot

    @state.setter
    def state(self, state: TrainingState) -> None:
        self._course.restore(state)

    @property
    def eta(self) -> float | tuple[float, ...] | None:
        """The learning rate of the next step; None if the optimizer has none.

        A number can be assigned between steps, unless it follows a schedule.
        """
        return self._course.eta

    @eta.setter
    def eta(self, eta: float) -> None:
        self._course.eta = eta

    def save_state(self, path: str | Path) -> None:
        """Write `state` to a safetensors file, at once or not at all."""
        states.save(path, *self._course.described())

    def load_state(self, path: str | Path) -> None:
        """Set `state` to what `save_state` wrote.

        Raises
        ------
        InputError
            If there is no such file, or it is of a training of another network, optimizer,
            dtype or seed; nothing has changed then.
        FileFormatError
            If the file is truncated or foreign.
        """
        self._course.restore(self._course.state_of(path, *states.read(path)))
