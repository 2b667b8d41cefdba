"""`Training`: the iterator that `train` returns, with the state between epochs."""

from collections.abc import Iterator
from typing import Any, Self

from bpx.network.resumable import Resumable
from bpx.training.loop import Loop
from bpx.training.records import Epoch, History, Stopped

__all__ = ["Training"]


class Training(Resumable, Iterator[Epoch]):
    """The training of a network, epoch by epoch, as `bpx.train` returns it.

    It is an iterator of `Epoch` records. Between them you can read, keep, save and set its
    `state`. Another training with the same data and settings that is set to this state
    continues as the first one would have, to the same bits on the same backend, device and
    number of threads. An interrupted epoch leaves no trace; the next ``next`` starts it anew.

    Examples
    --------
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> settings = {"epochs": 3, "batch_size": 1, "optimizer": bpx.Adam(0.1), "seed": 1}
    >>> net, other = bpx.Network([2, 3, 2], seed=0), bpx.Network([2, 3, 2], seed=0)
    >>> training = bpx.train(net, (x, y), **settings)
    >>> first = next(training)
    >>> resumed = bpx.train(other, (x, y), **settings)
    >>> resumed.state = training.state
    >>> [epoch.number for epoch in resumed]
    [2, 3]
    """

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop.course)
        self._loop, self._runs = loop, False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Epoch:
        self._runs = True
        try:
            epoch = self._loop()
        except BaseException as error:
            self._loop.agreement.leave(error)
            self.close()
            raise
        if epoch is None:
            self.close()
            raise StopIteration
        return epoch

    @property
    def stopped(self) -> Stopped | None:
        """Why training ended, and which epoch's weights the network has; None until it does."""
        return self._loop.attached.stopped

    @property
    def network(self) -> Any:
        """The network that is trained."""
        return self._course.network

    @property
    def records(self) -> tuple[Epoch, ...]:
        """The records so far of a run with a `checkpoint` folder, from its first epoch on.

        Without a folder it is empty: keep the records that it yields.
        """
        return tuple(self._loop.keeper.records)

    def finish(self) -> History:
        """Train to the end, and return the records: from now on or, with a folder, all."""
        records = tuple(self)
        seed = self._course.seed if self._course.is_repeatable else None
        return History(self.records or records, seed, self.stopped)

    def close(self) -> None:
        """Close the callbacks; release the run's folder, and what the engine keeps."""
        runs, self._runs = self._runs, False
        try:
            if runs:
                self._course.home.release()
                self._loop.attached.close()
        finally:
            self._loop.keeper.close()

    def __del__(self) -> None:
        if hasattr(self, "_runs"):
            self.close()

    def __repr__(self) -> str:
        course = self._course
        return f"<bpx.Training of {course.network!r}, epoch {course.epochs}>"
