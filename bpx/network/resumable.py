"""The base of `Trainer` and `Training`: a state that can be read, set, saved and loaded."""

from pathlib import Path

from bpx.io import states
from bpx.training.course import Course
from bpx.training.snapshot import TrainingState

__all__ = ["Resumable"]


class Resumable:
    """A training run with a state that can be read and set."""

    def __init__(self, course: Course) -> None:
        self._course = course

    @property
    def state(self) -> TrainingState:
        """All that training continues from: see `TrainingState`. Its arrays never change.

        You can assign a state with arrays of any library: they are copied to the network's
        home, and the network adopts the parameters, or their average, at once.

        Raises
        ------
        InputError
            If the state does not fit this training. The message names the difference, and
            nothing has changed.
        """
        return self._course.snapshot

    @state.setter
    def state(self, state: TrainingState) -> None:
        self._course.restore(state)

    @property
    def eta(self) -> float | tuple[float, ...] | None:
        """The learning rate of the next step; None if the optimizer has none.

        You can assign a number between steps, unless the rate follows a schedule.
        """
        return self._course.eta

    @eta.setter
    def eta(self, eta: float) -> None:
        self._course.eta = eta

    def save_state(self, path: str | Path) -> None:
        """Write `state` to a safetensors file, atomically."""
        states.save(path, *self._course.described())

    def load_state(self, path: str | Path) -> None:
        """Set `state` from a file that `save_state` wrote.

        Raises
        ------
        InputError
            If there is no such file, or its training had another network, optimizer, dtype or
            seed. Nothing has changed.
        FileFormatError
            If the file is truncated or foreign.
        """
        self._course.restore(self._course.state_of(path, *states.read(path)))
