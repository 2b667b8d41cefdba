"""What looks at each record of a training, and may end it: early stopping, and callbacks."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

from bpx.errors import InputError
from bpx.training.parallel.agreement import ALONE, Agreement
from bpx.training.records import Epoch, Stopped
from bpx.training.stopping import Stopping

__all__ = ["Attached", "Callback", "check_callbacks"]

Callback: TypeAlias = Callable[[Epoch], Any]
"""A function of an epoch's record, such as `bpx.CSVLog`; it returns True to end training."""


@dataclass
class Attached:
    """What is attached to a training.

    Attributes
    ----------
    stopping : Stopping or None
    callbacks : sequence of Callback
    stopped : Stopped or None
        Why training has ended; None if it has not.
    agreement : Agreement
        Of several ranks, the first one calls the callbacks, for all.
    """

    stopping: Stopping | None = None
    callbacks: Sequence[Callback] = ()
    stopped: Stopped | None = None
    agreement: Agreement = ALONE
    name = "callbacks"
    _asked: int | None = None  # the epoch after which a callback asked to stop

    def after(self, epoch: Epoch) -> None:
        """Look at a finished epoch, whose weights the network has."""
        self.stopped = self._asked = None
        if self.stopping is not None and epoch.validation is not None:
            self.stopping(epoch.number, epoch.validation)
        if self.agreement.led(lambda: self._any_asks(epoch)):
            self._asked = epoch.number

    def _any_asks(self, epoch: Epoch) -> bool:
        """Call all callbacks; return whether one of them asks to stop."""
        answers = [_is_true(each, _called(each, epoch)) for each in self.callbacks]
        return any(answers)

    def stops(self, epochs: int) -> bool:
        """Whether training ends after so many epochs, before it has run all of them."""
        early = self.stopping is not None and self.stopping.stops(epochs)
        return early or self._asked == epochs

    def saved(self) -> int | None:
        """Return the epoch after which a callback asked to stop, if one did."""
        return self._asked

    def restore(self, value: int) -> None:
        """Continue from what `saved` returned."""
        self._asked = value

    def ended(self, epochs: int) -> bool:
        """Whether training has ended after so many epochs."""
        return self.stopped is not None and self.stopped.epoch == epochs

    def finish(self, epochs: int, reason: str) -> None:
        """End the training, once: give the network its best weights."""
        if self.ended(epochs):
            return
        if self.stops(epochs):
            early = self.stopping is not None and self.stopping.stops(epochs)
            reason = "early_stopping" if early else "callback"
        best = None if self.stopping is None else self.stopping.finish(epochs)
        self.stopped = Stopped(reason, epochs, epochs if best is None else best)

    def close(self) -> None:
        """Close the callbacks that can be closed, all of them, even if one raises."""
        with ExitStack() as stack:
            for callback in self.callbacks:
                if callable(close := getattr(callback, "close", None)):
                    stack.callback(close)


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Return the callbacks of `train`.

    Raises
    ------
    InputError
        If they are not a list of callables.
    """
    if not isinstance(callbacks, tuple | list):
        raise InputError(
            f"callbacks={callbacks!r} was given; expected a list of functions of an epoch's "
            "record"
        )
    for each in callbacks:
        if isinstance(each, type) or not callable(each):
            raise InputError(
                f"callbacks has {each!r}; expected a function that is called with each epoch's "
                "record" + (": make one of it" if isinstance(each, type) else "")
            )
    return tuple(callbacks)


def _called(callback: Callback, epoch: Epoch) -> Any:
    try:
        return callback(epoch)
    except StopIteration as error:  # it would end the loop over the epochs without a word
        raise RuntimeError(
            f"the callback {callback!r} raised StopIteration; return True to end training"
        ) from error


def _is_true(callback: Callback, answer: Any) -> bool:
    """Whether it is True, or a library's true: a number, such as a count, asks for nothing."""
    if not isinstance(answer, bool) and "bool" not in str(getattr(answer, "dtype", "")):
        return False
    shape = tuple(getattr(answer, "shape", ()))
    if prod(shape) != 1:
        raise InputError(
            f"the callback {callback!r} returned booleans of shape {shape}; expected True to "
            "end training: reduce them, such as with any() or all()"
        )
    return bool(answer)
