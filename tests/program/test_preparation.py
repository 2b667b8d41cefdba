"""A clock that stands still while something is prepared."""

from threading import Thread

import pytest

from bpx.program import preparation
from bpx.program.preparation import clock, preparing


@pytest.fixture
def time(monkeypatch):
    """The time, which only the test moves on."""
    now = [0.0]
    monkeypatch.setattr(preparation, "perf_counter", lambda: now[0])
    return now


def test_the_clock_stands_still_while_something_is_prepared(time):
    began = clock()
    time[0] += 1.0
    with preparing():
        time[0] += 2.0
        with preparing():
            time[0] += 4.0
        time[0] += 8.0
    time[0] += 16.0
    assert clock() - began == 17.0


def test_it_goes_on_after_an_error(time):
    began = clock()

    def prepare():
        with preparing():
            time[0] += 1.0
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        prepare()
    time[0] += 2.0
    assert clock() - began == 2.0


def test_another_thread_has_its_own(time):
    began = clock()

    def prepare():
        with preparing():
            time[0] += 1.0

    thread = Thread(target=prepare)
    thread.start()
    thread.join()
    assert clock() - began == 1.0
