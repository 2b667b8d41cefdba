"""Steps are recorded and planned once for each set of shapes, or run as the plain loop."""

import logging
from threading import Barrier, Thread
from time import sleep

import numpy as np
import pytest

import bpx
from bpx.errors import RecordingError
from bpx.program.contract import eager
from bpx_backends.engines.numpy.replay import prepare, replay
from bpx_backends.engines.shared import planned
from bpx_backends.engines.shared.planned import Planned
from tests.program.planned import ROWS


class Doubled:
    """A step; any two are equal."""

    def __call__(self, state, data, rows):
        xp = bpx.namespace(state[0])
        return (2.0 * state[0] + xp.take(data[0], rows, axis=0),)

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return 0


class Asking(Doubled):
    """A step that asks for a number."""

    def __call__(self, state, data, rows):
        return (state[0] + float(state[0][0, 0]) + 1.0,)


class Scan:
    """A scan, and the plans that were made for it."""

    def __init__(self, takes=0.0):
        self.plans, self.takes = [], takes
        self.scan = Planned(self.prepare, replay)

    def prepare(self, plan):
        self.plans.append(plan)
        sleep(self.takes)
        return prepare(plan)

    def run(self, step, k=3, dtype="float64", start=0, stop=3):
        state = (np.ones((2, k), dtype),)
        data = (np.arange(5.0 * k).reshape(5, k).astype(dtype),)
        (found,) = self.scan(step, state, data, ROWS, start, stop)
        (expected,) = eager(step, state, data, ROWS, start, stop)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_equal_steps_of_equal_shapes_are_planned_once():
    scan = Scan()
    for _ in range(3):
        scan.run(Doubled())
    scan.run(Doubled(), start=1, stop=2)
    assert len(scan.plans) == 1


def test_a_plan_that_is_refused_runs_as_the_plain_loop_and_says_why(caplog):
    """Of those shapes alone: the step may be planned for others."""
    scan = Scan()

    def prepare(plan):
        if plan.program.state[0].shape == (2, 4):
            raise RecordingError("it has four columns")
        return scan.prepare(plan)

    scan.scan = Planned(prepare, replay)
    with caplog.at_level(logging.WARNING, "bpx"):
        scan.run(Doubled(), k=4)
        scan.run(Doubled(), k=4)
        scan.run(Doubled())
    assert len(scan.plans) == 1
    (said,) = caplog.records
    assert said.message.endswith(
        "steps run eagerly, operation by operation: it has four columns"
    )


@pytest.mark.parametrize("other", [{"k": 4}, {"dtype": "float32"}])
def test_other_shapes_and_dtypes_are_other_plans(other):
    scan = Scan()
    for _ in range(2):
        scan.run(Doubled())
        scan.run(Doubled(), **other)
    assert len(scan.plans) == 2


def test_no_steps_are_no_work():
    scan, state = Scan(), (np.ones((2, 3)),)
    assert scan.scan(Doubled(), state, (np.ones((5, 3)),), ROWS, 2, 2) is state
    assert not scan.plans


def test_the_plan_that_is_longest_unused_is_forgotten(monkeypatch):
    monkeypatch.setattr(planned, "KEPT", 2)
    scan = Scan()
    for k in (1, 2, 1, 3, 1):  # 2 is forgotten when 3 comes
        scan.run(Doubled(), k)
    assert len(scan.plans) == 3
    scan.run(Doubled(), 2)
    assert len(scan.plans) == 4


def test_what_cannot_be_recorded_runs_as_the_plain_loop_and_is_told_once(caplog):
    scan = Scan()
    with caplog.at_level(logging.WARNING, "bpx"):
        for k in (3, 3, 4):
            scan.run(Asking(), k)
    assert not scan.plans
    (message,) = caplog.messages
    assert "Asking" in message


class Narrowing(Doubled):
    """A step that does not keep its state's dtype."""

    def __call__(self, state, data, rows):
        xp = bpx.namespace(state[0])
        return (xp.astype(state[0], xp.float32),)


def test_a_step_that_drifts_is_refused_and_not_tried_as_the_plain_loop(caplog):
    with pytest.raises(bpx.MixedArraysError, match="one training step turned"):
        Scan().run(Narrowing())
    assert not caplog.records


def test_of_two_threads_with_equal_steps_one_plans():
    scan, both = Scan(takes=0.1), Barrier(2)

    def run():
        both.wait()
        scan.run(Doubled())

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scan.plans) == 1


class Halved(Doubled):
    """A step that computes in float16."""

    def __call__(self, state, data, rows):
        xp = bpx.namespace(state[0])
        half = xp.astype(state[0], xp.float16)
        return (xp.astype(half + half, state[0].dtype),)


def test_16_bits_are_for_engines_that_have_them(caplog):
    scan = Scan()
    with caplog.at_level(logging.WARNING, "bpx"):
        scan.run(Halved())
    assert not scan.plans
    (told,) = caplog.records
    assert "float16 is no dtype of this engine" in told.getMessage()
    scan.scan = Planned(scan.prepare, replay, halves=True)
    scan.run(Halved())
    assert len(scan.plans) == 1
    assert len(caplog.records) == 1
