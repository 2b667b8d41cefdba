"""The keeper of a run: it writes the folder's files between the steps of a training."""

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from logging import getLogger
from math import isfinite
from time import perf_counter
from typing import Any

from bpx.errors import InputError, Preempted, advice
from bpx.io import tensors
from bpx.io.runs import Content
from bpx.network.packing import Packed, packed
from bpx.network.resuming import states
from bpx.network.resuming.files import Records
from bpx.network.resuming.opening import Opened
from bpx.network.resuming.signals import Signals
from bpx.training.course import Course
from bpx.training.keeper import Place
from bpx.training.observers import Observer
from bpx.training.records import Epoch, Stopped

__all__ = ["Keeping"]

_log = getLogger("bpx")
_TROUBLE = (OSError, InputError)


class Keeping:
    """The `Keeper` of a run with a folder.

    Parameters
    ----------
    opened : Opened
    network : Packed
    course : Course
    observers : sequence of Observer
    settled : mapping of str to JSON values
        The entries of each ``state.json`` that stay the same.
    records : sequence of Epoch
        The records of the epochs so far.
    within : bool
        Whether checkpoints within an epoch are possible.
    """

    def __init__(
        self,
        opened: Opened,
        network: Packed,
        course: Course,
        observers: Sequence[Observer],
        settled: Mapping[str, Any],
        records: Sequence[Epoch],
        *,
        within: bool = True,
    ) -> None:
        self.opened, self.network, self.course = opened, network, course
        self.observers, self.settled = observers, settled
        self.history = Records(opened.run, records)
        self.shared = False
        self._within, self._signals = within, Signals(self._end_between)
        found = opened.found
        self._number = max(opened.run.numbers(), default=0)
        self._scores = self._known()
        self._begun = found.state["step"] if found else 0  # in the epoch that is continued
        self._at = self._position(self._begun)
        self._tried = (perf_counter(), *self._at) if found else None
        at_epoch = found is not None and found.state["within"] is None
        self._kept = course.state if at_epoch else None
        self._of = course.state

    # What the loop calls

    @property
    def records(self) -> Sequence[Epoch]:
        """The records of all epochs so far, those of an earlier process included."""
        return self.history.records

    def most(self) -> int | None:
        """The steps until the next checkpoint, if steps are what is counted."""
        every = self.opened.every
        if every.unit != "steps" or self._tried is None or not self._within:
            return None
        return max(1, int(self._tried[2] + every.number) - self._at[1])

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Heed signals during the block, with the folder locked.

        Raises
        ------
        InputError
            If another process has the folder, or has continued the run since this one left it.
        """
        if self.opened.lock() and max(self.opened.run.numbers(), default=0) != self._number:
            self.opened.close()
            raise InputError(
                f"{self.opened.name} has been continued elsewhere since this training ended; "
                "continue it with bpx.resume"
            )
        self._signals.install()
        with self._signals.inside():
            yield

    @property
    def asked(self) -> int | None:
        """The signal that asks to end."""
        return self._signals.asked

    def between(self, place: Place) -> None:
        """Write a checkpoint within an epoch if it is time, or if a signal asks to end."""
        asked = self.asked
        self.look(place, asked, write=self.due(place, asked))

    def due(self, place: Place, asked: int | None) -> bool:
        """Whether it is time for a checkpoint within an epoch, or a signal asks to end."""
        self._at = self._position(place.steps)
        return self._within and (bool(asked) or (self._is_due() and not place.ends))

    def look(self, place: Place, asked: int | None, *, write: bool) -> None:
        """Write a checkpoint within an epoch or not, and then end if a signal asks for it."""
        written = write and self._write(place)
        if asked:
            self._end(asked, written)

    def before(self, *, ends: bool) -> None:
        """Write a checkpoint before an epoch if it is time, or after the last one."""
        self.start(self.asked, ends=ends)

    def start(self, asked: int | None, *, ends: bool) -> None:
        """Do what `before` does, with the signal that is to be heeded."""
        if self.course.state is not self._of:  # the epoch is not continued, but begins
            self._begun = 0
        self._at = self._position(self._begun)
        written = self._kept is self.course.state
        if not written and not self._begun and (self._is_due(at_epoch=True) or ends or asked):
            written = self._write(None)
        if asked:
            self._end(asked, written or self._begun > 0)

    def recorded(self, epoch: Epoch) -> None:
        """Write the network and the record of a finished epoch."""
        self._begun = 0
        self.history.add(epoch, self._public)

    def ended(self, stopped: Stopped | None) -> None:
        """Write the network, if it has got the weights of an earlier epoch."""
        if stopped is not None and stopped.weights != stopped.epoch:
            self.history.replace(self._public)

    def close(self) -> None:
        """Restore the handlers of signals, and release the folder."""
        asked, self._signals.asked = self._signals.asked, None
        self._signals.restore()
        self.opened.close()
        if asked:  # it came after the last step, and is for whoever handles it now
            signal.raise_signal(asked)

    # How

    def _position(self, within: int = 0) -> tuple[int, int]:
        """The number of finished epochs, and of all steps."""
        return self.course.epochs, self.course.steps + within

    def _is_due(self, *, at_epoch: bool = False) -> bool:
        if self._tried is None:
            return True
        every, (time, epochs, steps) = self.opened.every, self._tried
        if every.unit == "seconds":
            return perf_counter() - time >= every.number
        if every.unit == "steps":
            return self._at[1] - steps >= every.number
        return at_epoch and self._at[0] - epochs >= every.number

    def _write(self, place: Place | None) -> bool:
        """Write a checkpoint; if that fails, say so, go on, and return False."""
        self._tried = (perf_counter(), *self._at)
        number, score = self._number + 1, self._score() if place is None else None
        kept: dict[str, Any] = {}
        state = self._state(place, score, kept)
        try:
            self.history.sync()
            content = Content(self._packed(place), self._optimizer(place, kept), state)
            self.opened.run.write(number, content)
        except _TROUBLE as error:
            self._number = max([self._number, *self.opened.run.numbers()])
            _log.warning(
                "no checkpoint could be written in %s (%s); training goes on, the earlier "
                "checkpoints are kept, and the next one is tried when it is due",
                self.opened.name,
                getattr(error, "strerror", None) or error,
            )
            return False
        self._number = number
        self._kept = self.course.state if place is None else None
        self._scores[number] = score
        self._remove()
        return True

    def _remove(self) -> None:
        """Remove all checkpoints but the last ones and the best."""
        scored = [n for n, score in self._scores.items() if score is not None]
        best = min(scored, key=lambda n: (self._scores[n], n), default=None)
        keep = {*sorted(self._scores)[-self.opened.keep :], best}
        for number in [n for n in self._scores if n not in keep]:
            self.opened.run.remove(number)
            del self._scores[number]

    def _known(self) -> dict[int, float | None]:
        """The earlier checkpoints of this run that are whole, with their scores."""
        found: dict[int, float | None] = {}
        if self.opened.found is None:
            return found
        for number in self.opened.run.numbers():
            try:
                state = self.opened.run.read(number)
            except InputError:
                continue  # which stays as it is: a warning has named it
            if state["run"] == self.settled["run"]:
                found[number] = state["score"]
        return found

    def _score(self) -> float | None:
        """The cost by which the best checkpoint is chosen."""
        if not self.history.records:
            return None
        last = self.history.records[-1]
        cost = last.cost if last.validation is None else last.validation.cost
        return cost if isfinite(cost) else None

    def _public(self) -> bytes:
        """The network as it is: an optimizer may give it averages of what it trains on."""
        network = self.network
        with self.course.home.active():
            return packed(network, network.parameters, network.feedback)

    def _packed(self, place: Place | None) -> bytes:
        state = self.course.state if place is None else place.state
        with self.course.home.active():
            return packed(self.network, state.parameters, state.feedback)

    def _optimizer(self, place: Place | None, kept: Mapping[str, Any]) -> bytes:
        with self.course.home.active():
            return tensors.packed({**states.arrays(self.course, place), **kept}, {})

    def _state(
        self, place: Place | None, score: float | None, kept: dict[str, Any]
    ) -> dict[str, Any]:
        """The contents of ``state.json``; arrays of observers are put into `kept`."""
        return {
            **self.settled,
            **states.numbers(self.course, place),
            "score": score,
            "lost": self.history.lost(self.course.epochs),
            "observers": {each.name: states.of_observer(each, kept) for each in self.observers},
        }

    def _end_between(self, asked: int) -> None:
        """End the run in the caller's code, which does not ask for the next epoch.

        No checkpoint is written here: what the caller does with the last record is not done.
        If other ranks wait for this one, the signal waits for the next epoch.
        """
        if self.shared:
            return
        self._signals.asked = None
        self.close()
        self._end(asked, self._kept is self.course.state)

    def _end(self, asked: int, written: bool) -> None:
        self._signals.asked = None
        if asked == signal.SIGINT:
            raise KeyboardInterrupt
        name, where = signal.Signals(asked).name, self.opened.name
        kept = "a checkpoint was written" if written else "its last checkpoint is an older one"
        how = "; continue it with " + advice(
            f"fit(..., checkpoint={where!r}, resume=True) or bpx.resume({where!r}, ...)",
            f"bpx resume {where}",
        )
        if not self._scores:
            kept, how = "no checkpoint could be written", "; begin it again"
        message = f"{name} ended the run in {where}, and {kept}{how}"
        _log.warning("%s", message)
        raise Preempted(message, where)
