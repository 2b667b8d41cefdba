"""Ranks that are threads of this process: what needs no launcher is tested with them."""

import pickle
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import accumulate, pairwise
from threading import Barrier, BrokenBarrierError

import numpy as np
import pytest

from bpx.arrays.registry import namespace
from bpx.errors import InputError, Preempted
from bpx.program.operation import rows_of
from bpx.training.parallel import keeper
from bpx.training.parallel.failing import is_everywhere

SECONDS = 60  # how long a rank waits for the others before a test gives up


class Threads:
    """The `Communicator` of one of several threads."""

    name = "threads"

    def __init__(self, rank, places, barrier):
        self.rank, self.size = rank, len(places)
        self._places, self._barrier = places, barrier
        self.messages, self.received, self.aborted = [], [], False

    def all_reduce(self, x):
        self.messages.append(tuple(x.shape))
        own, *others = self._exchange(namespace(x).asarray(x, copy=True))
        for each in others:
            own = own + each
        x[...] = own

    def reduce_scatter(self, x, own):
        begin, end = rows_of(self.rank, self.size, x.shape[0])
        whole = namespace(x).asarray(x, copy=True)
        self.all_reduce(whole)
        own[...] = whole[begin:end, ...]

    def swap_rows(self, x, others):
        begin, end = rows_of(self.rank, self.size, x.shape[0])
        self.messages.append(tuple(x.shape))
        arrays = self._exchange(namespace(x).asarray(x, copy=True))
        others[...] = arrays[1 - self.rank][begin:end, ...]

    def all_gather(self, own, x):
        self.messages.append(tuple(x.shape))
        parts = self._exchange(namespace(own).asarray(own, copy=True))
        x[...] = namespace(own).concat(parts)

    def gather(self, value):
        return [pickle.loads(each) for each in self._exchange(pickle.dumps(value))]

    def broadcast(self, value):
        sent = pickle.dumps(value if self.rank == 0 else None)
        return pickle.loads(self._exchange(sent)[0])

    def exchange(self, rows, counts):
        assert sum(counts) == len(rows)
        sent = [rows[a:b].copy() for a, b in pairwise(accumulate(counts, initial=0))]
        found = np.concatenate([each[self.rank] for each in self._exchange(sent)])
        self.received.append(found.shape)
        return found

    def abort(self):
        self.aborted = True
        self._barrier.abort()

    def _exchange(self, value):
        self._places[self.rank] = value
        self._barrier.wait(SECONDS)
        found = list(self._places)
        self._barrier.wait(SECONDS)
        return found


def communicators(size):
    places, barrier = [None] * size, Barrier(size)
    return [Threads(rank, places, barrier) for rank in range(size)]


def on_ranks(size, function):
    """Call ``function(ranks)`` in a thread for each rank; return the results, by rank.

    The first error that is not the end of the others is raised.
    """
    made = communicators(size)

    def run(ranks):
        try:
            return function(ranks)
        except BaseException:
            ranks._barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        calls = [pool.submit(copy_context().run, run, each) for each in made]
        errors = [call.exception() for call in calls]
    found = [each for each in errors if each is not None]
    own = [each for each in found if not isinstance(each, BrokenBarrierError)]
    if found:
        first = (own or found)[0]
        for rank, error in enumerate(errors):
            first.add_note(f"rank {rank}: {error!r}")
        raise first
    return [call.result() for call in calls]


def told_to_all(size, function):
    """Return the message of the InputError that ``function(ranks)`` raises on every rank."""

    def run(ranks):
        with pytest.raises(InputError) as caught:
            function(ranks)
        assert is_everywhere(caught.value)
        return str(caught.value)

    (message,) = set(on_ranks(size, run))
    return message


def interrupt(monkeypatch, at, size, run):
    """Call ``run(ranks)`` on so many ranks, each of which hears SIGTERM at its at-th look.

    They look after every step.
    """
    looks = Counter()

    def asked(self):
        rank = self.agreement.ranks.rank
        looks[rank] += 1
        return signal.SIGTERM if looks[rank] == at else None

    def preempted(ranks):
        with pytest.raises(Preempted):
            run(ranks)

    with monkeypatch.context() as patched:
        patched.setattr(keeper.Together, "_asked", asked)
        patched.setattr("bpx.training.chunks.CHUNK_SECONDS", 0.0)
        on_ranks(size, preempted)
