"""The engine: graphs, slots, what is kept."""

import logging
from threading import Thread

import numpy as np
import pytest

from bpx.model.stacks import stacked
from bpx.program.contract import leaves
from bpx.training.start import first_state
from bpx.training.step import TrainingStep, zero_metrics
from tests.engines.cuda.emulation import EmulatedMachine
from tests.engines.cuda.steps import OPTIMIZERS, STEPS, agree, emulator, training


@pytest.mark.usefixtures("emulated")
def test_a_ragged_last_batch_is_another_plan():
    full, last = training(steps=6), training(steps=1, batch=3)
    engine, machines = emulator()
    state = full.state
    for run in (full, last, full, last):
        state = run.state._replace(parameters=state.parameters)
        with_state = run._replace(state=state)
        ours = engine.scan(*with_state, 0, len(run.rows))
        agree(list(leaves(ours)), with_state.eagerly(), 1e-5)
        state = ours
    assert len(machines.made) == 2


@pytest.mark.usefixtures("emulated")
def test_steps_are_unrolled_in_graphs_with_a_remainder():
    run = training(steps=60)
    engine, machines = emulator()
    agree(run.after(engine.scan, 1, 53, 60), run.eagerly(), 1e-5)
    (machine,) = machines.made
    many = 256 // len(machine.schedule.items)
    assert (52 // many, 52 % many) == (2, 2)
    assert machine.replays == 1 + (2 + 2) + 7
    assert machine.steps == 1 + 60  # one to load the kernels


@pytest.mark.usefixtures("emulated")
def test_several_networks_at_once_are_refused_by_name_and_run_in_the_plain_loop(caplog):
    run = training(hidden="tanh", output="softmax", cost="cross_entropy")
    rule, spec = OPTIMIZERS["adam"], run.step.spec
    parameters = stacked(spec, [run.state.parameters] * 3)
    state = first_state(spec, parameters, (), rule)
    state = state._replace(metrics=zero_metrics(parameters.b[0], 7, "argmax"))
    together = run._replace(state=state, step=TrainingStep(spec, rule.update, "argmax"))
    engine, machines = emulator()
    with caplog.at_level(logging.WARNING, "bpx"):
        agree(together.after(engine.scan), together.eagerly(), 0.0)
    assert [each.message for each in caplog.records] == [
        "a step cannot be compiled, so steps run eagerly, operation by operation: forward "
        "asked for matrix_transpose of arrays of shape (3, 5, 6); on CuPy, products of stacks "
        "of matrices, as with several networks at once, are not compiled"
    ]
    assert not machines.made
    agree(run.after(engine.scan), run.eagerly(), 1e-5)  # one by one they are compiled
    assert machines.made


@pytest.mark.usefixtures("emulated")
def test_without_graphs_steps_are_launched_one_by_one():
    run = training()
    engine, machines = emulator(captures=False)
    agree(run.after(engine.scan, 1, 9, STEPS), run.eagerly(), 1e-5)
    assert machines.made[0].replays == 0


@pytest.mark.usefixtures("emulated")
def test_a_refused_capture_is_told_and_the_steps_are_launched(monkeypatch, caplog):
    def refuse(self, body):
        raise RuntimeError("not while a stream is captured")

    monkeypatch.setattr(EmulatedMachine, "capture", refuse)
    run = training()
    with caplog.at_level(logging.WARNING, "bpx"):
        agree(run.after(emulator()[0].scan, 1, 9, STEPS), run.eagerly(), 1e-5)
    assert [each.message for each in caplog.records] == [
        "steps are launched one by one, since no graph can hold them: "
        "not while a stream is captured"
    ]


@pytest.mark.usefixtures("emulated")
def test_what_was_given_back_is_written_only_when_donated():
    run = training(optimizer=OPTIMIZERS["adam"])
    engine, _ = emulator()
    first = engine.scan(*run, 0, 5)
    kept = [leaf.copy() for leaf in leaves(first)]
    second = engine.scan(run.step, first, run.data, run.rows, 5, STEPS)
    for before, leaf in zip(kept, leaves(first), strict=True):
        np.testing.assert_array_equal(before, leaf)
    third = engine.scan(run.step, first, run.data, run.rows, 5, STEPS, True)
    for one, other in zip(leaves(second), leaves(third), strict=True):
        np.testing.assert_array_equal(one, other)
    assert all(a is b for a, b in zip(leaves(first), leaves(third), strict=True))


@pytest.mark.usefixtures("emulated")
def test_memory_is_given_back_and_got_again():
    run = training()
    engine, machines = emulator()
    for _ in range(2):
        agree(run.after(engine.scan), run.eagerly(), 1e-5)
        engine.release()
    assert len(machines.made) == 2


@pytest.mark.usefixtures("emulated")
def test_two_threads_at_once_come_to_the_same():
    run, found = training(), []
    engine, _ = emulator()
    threads = [
        Thread(target=lambda: found.append(run.after(engine.scan, 9, STEPS))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    for each in found:
        agree(each, run.eagerly(), 1e-5)
