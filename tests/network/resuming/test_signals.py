"""Signals that are noted, and handlers that are restored."""

import os
import signal
import subprocess
import sys
import threading
from time import sleep

import pytest

from bpx.network.resuming import signals as module
from bpx.network.resuming.signals import Signals

NAMES = [name for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name)]


class LateError(Exception):
    pass


def late(number):
    raise LateError(number)


@pytest.fixture
def signals():
    before = {n: signal.getsignal(getattr(signal, n)) for n in (*NAMES, "SIGINT")}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    found = Signals(late)
    yield found
    found.restore()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_is_noted_and_nothing_else_happens(signals, name):
    number, heard = getattr(signal, name), []
    signal.signal(number, lambda *_: heard.append(1))
    mine = signal.getsignal(number)
    signals.install()
    signals.install()
    signal.raise_signal(number)
    assert (signals.asked, heard) == (number, [])
    signals.restore()
    assert signal.getsignal(number) is mine


def test_what_is_ignored_stays_so(signals):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signals.install()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_ctrl_c_waits_inside_once(signals):
    signals.install()
    with signals.inside():
        signal.raise_signal(signal.SIGINT)
        assert signals.asked == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signals.asked is None  # it has been heeded, and is not passed on again


def test_ctrl_c_interrupts_the_caller_at_once(signals):
    signals.install()
    with signals.inside():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signals.asked is None


def test_a_handler_of_the_users_own_keeps_ctrl_c(signals):
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    signals.install()
    with signals.inside():
        signal.raise_signal(signal.SIGINT)
    assert (heard, signals.asked) == ([1], None)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_another_thread_changes_no_handler(signals):
    before = [signal.getsignal(getattr(signal, name)) for name in (*NAMES, "SIGINT")]
    thread = threading.Thread(target=lambda: (signals.install(), signals.restore()))
    thread.start()
    thread.join()
    assert [signal.getsignal(getattr(signal, n)) for n in (*NAMES, "SIGINT")] == before


def test_between_two_epochs_the_caller_has_some_time(signals, monkeypatch):
    monkeypatch.setattr(module, "GRACE", 0.2)
    signals.install()
    signal.raise_signal(signal.SIGTERM)
    with signals.inside():  # in time
        sleep(0.4)
        assert signals.asked == signal.SIGTERM
        signals.asked = None
    sleep(0.4)
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(LateError):
        sleep(30.0)


def test_a_signal_that_came_inside_is_not_forgotten_between_epochs(signals, monkeypatch):
    monkeypatch.setattr(module, "GRACE", 0.05)
    signals.install()
    with signals.inside():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(LateError):
        sleep(30.0)


def test_a_second_signal_between_epochs_does_not_wait(signals):
    signals.install()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(LateError):
        signal.raise_signal(signal.SIGTERM)


def test_nothing_is_sent_after_the_handlers_are_restored(signals, monkeypatch):
    heard, monkey = [], monkeypatch
    monkey.setattr(module, "GRACE", 0.05)
    signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    signals.install()
    signal.raise_signal(signal.SIGTERM)
    signals.restore()
    sleep(0.2)
    assert heard == []


def test_one_that_another_thread_ended_passes_its_signals_on(signals):
    heard = []
    signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    before = signal.getsignal(signal.SIGTERM)
    signals.install()
    thread = threading.Thread(target=signals.restore)
    thread.start()
    thread.join()
    signal.raise_signal(signal.SIGTERM)
    assert (heard, signals.asked) == ([1], None)
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_two_may_end_in_either_order(signals):
    heard, inner = [], Signals(late)
    signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    before = signal.getsignal(signal.SIGTERM)
    signals.install()
    inner.install()
    signals.restore()
    signal.raise_signal(signal.SIGTERM)
    assert (inner.asked, signals.asked, heard) == (signal.SIGTERM, None, [])
    inner.restore()
    signal.raise_signal(signal.SIGTERM)
    assert (heard, signals.asked) == ([1], None)
    assert signal.getsignal(signal.SIGTERM) is before


def test_one_that_goes_on_notes_signals_again(signals):
    signals.install()
    signals.restore()
    signals.install()
    signal.raise_signal(signal.SIGTERM)
    assert signals.asked == signal.SIGTERM


def test_a_timer_that_is_cancelled_late_sends_nothing(signals):
    """As if it had just begun to send the signal when the next epoch was asked for."""
    heard = []
    signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    signals.install()
    signal.raise_signal(signal.SIGTERM)
    timer = signals._timer
    signals.restore()
    thread = threading.Thread(target=timer.function, args=timer.args)
    thread.start()
    thread.join()
    assert heard == []


FORKED = """
import os, signal, sys
sys.path[:] = {path!r}
from bpx.network.resuming.signals import Signals
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signals = Signals(print)
signals.install()
child = os.fork()
if child == 0:
    signal.raise_signal(signal.SIGTERM)
    os._exit(0)
_, status = os.waitpid(child, 0)
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM, status
assert signals.asked is None
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_can_be_terminated():
    """Such as a worker that loads samples, of which the training knows nothing."""
    words = [sys.executable, "-c", FORKED.format(path=sys.path)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
