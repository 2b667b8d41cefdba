"""Ctrl-C is held back, and heard afterwards."""

import signal
import threading

import pytest

from bpx_backends.engines.shared.interrupts import uninterrupted
from tests.engines.numpy.processes import needs_numba, run


def interrupt():
    signal.raise_signal(signal.SIGINT)


def test_what_is_within_ends_first():
    done = []

    @uninterrupted()
    def within():
        interrupt()
        interrupt()
        done.append(True)

    with pytest.raises(KeyboardInterrupt):
        within()
    assert done
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_an_error_within_is_the_context_of_the_interrupt():
    @uninterrupted()
    def within():
        interrupt()
        raise ValueError("too late")

    with pytest.raises(KeyboardInterrupt) as found:
        within()
    assert isinstance(found.value.__context__, ValueError)


def test_the_callers_handler_is_called_once_and_stays():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *given: heard.append(given[0]))
    try:
        with uninterrupted(), uninterrupted():
            interrupt()
            assert not heard
        assert heard == [signal.SIGINT]
        interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(heard) == 2


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with uninterrupted():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_signals_alone():
    handlers = []

    def within():
        with uninterrupted():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


INTERRUPTED = """
import signal, sys
import bpx, numpy as np

class Once:
    def find_spec(self, name, path=None, target=None):
        if name == NAME and not done:
            done.append(name)
            signal.raise_signal(signal.SIGINT)

done = []
sys.meta_path.insert(0, Once())

def trained():
    net = bpx.Network([3, 4, 2], seed=0, backend="numpy")
    x, y = np.ones((8, 3)), np.arange(8) % 2
    net.fit(x, y, epochs=1, batch_size=2, optimizer=bpx.SGD(1.0), seed=0)

try:
    trained()
except KeyboardInterrupt:
    trained()
    print("trained", *done)
"""


@needs_numba
@pytest.mark.parametrize("name", ["llvmlite.binding", "numba.core.compiler", "numba.np.ufunc"])
def test_a_training_that_was_interrupted_while_numba_is_imported_can_be_repeated(
    name, tmp_path
):
    text = INTERRUPTED.replace("NAME", repr(name))
    ran = run(text, BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    assert ran.stdout.split() == ["trained", name]
