"""Signals that are noted, and handlers that are restored."""

import signal
import threading

import pytest

from bpx.network.resuming.signals import Signals

NAMES = [name for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name)]


@pytest.fixture
def signals():
    before = {n: signal.getsignal(getattr(signal, n)) for n in (*NAMES, "SIGINT")}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    found = Signals()
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
