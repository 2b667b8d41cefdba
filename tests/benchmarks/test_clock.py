"""Measurements: how long they last, and what stands between two events."""

import pytest

from benchmarks import clock, cuda, training


def test_a_measurement_fills_its_window():
    calls = []
    counted = clock.each(lambda: calls.append(1), lambda run: 0.25 * len(run()), 1.0)
    assert counted == 0.25
    assert len(calls) == 1 + 4
    times = iter([0.4, 0.4, 0.4])
    assert training.microseconds(None, 10, 1.0, lambda run: next(times)) == pytest.approx(4e4)


class _Device:
    """Stands in for a GPU, and keeps what it was told."""

    def __init__(self):
        self.log = []
        self.synchronize = lambda: self.log.append("synchronize")

    def event(self):
        return self

    def record(self):
        self.log.append("record")

    def milliseconds(self, start, stop):
        return 500.0


def test_the_events_stand_on_an_idle_device(monkeypatch):
    device = _Device()
    monkeypatch.setattr(cuda, "_cuda", lambda: device)
    assert clock.CLOCKS["events"](lambda: device.log.append("run")) == 0.5
    expected = ["synchronize", "record", "run", "synchronize", "record", "synchronize"]
    assert device.log == expected
