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
from tests.engines.cuda.steps import (
    OPTIMIZERS,
    STEPS,
    agree,
    emulator,
    of_rank,
    parameters_of,
    training,
)
from tests.ranked_programs import drawn
from tests.ranks import communicators, on_ranks


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


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    ("size", "captures", "settings"),
    [
        (2, True, {"batch": 6, "optimizer": OPTIMIZERS["adam"]}),
        (3, True, {"batch": 7, "optimizer": OPTIMIZERS["momentum"], "weighted": True}),
        (2, False, {"batch": 6, "norm": "batch", "dropout": 0.2}),
    ],
)
def test_ranks_train_as_one(size, captures, settings):
    run = training(dtype="float64", **settings)

    def trained(ranks):
        engine, _ = emulator(captures=captures)
        found = of_rank(run, ranks).after(engine.scan, 1, 9, STEPS)
        return parameters_of(run, found), ranks.messages

    expected = parameters_of(run, run.eagerly())
    first, *others = on_ranks(size, trained)
    for parameters, messages in (first, *others):
        agree(parameters, expected, 1e-12)
        assert messages == first[1]
        for x, y in zip(parameters, first[0], strict=True):
            assert x.tobytes() == y.tobytes()


@pytest.mark.usefixtures("emulated")
def test_no_graph_holds_a_sum_and_no_step_is_summed_that_is_discarded():
    """A rank whose graphs are gone captures them again alone, and sums what the others do."""
    (alone,) = communicators(1)
    run = training(batch=6)
    engine, machines = emulator()
    for _ in range(2):
        ours = of_rank(run, alone).after(engine.scan, 1, 9, STEPS)
        agree(parameters_of(run, ours), parameters_of(run, run.eagerly()), 1e-5)
        engine.release()
    assert len(alone.messages) == 2 * STEPS
    sizes = [w.size for w in parameters_of(run, run.eagerly())]
    assert set(alone.messages) == {(sum(-(-size // 16) * 16 for size in sizes[:-1]) + 4,)}
    for machine in machines.made:
        kinds = list(machine.schedule.parts.values())
        assert kinds == [False, True, False]
        assert machine.replays == 2 * STEPS  # before the sum and after it


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("seed", [0, 2, 9, 25])
def test_random_programs_with_several_messages(seed):
    state = tuple(np.random.default_rng(seed).normal(size=(3, 4, 4)))
    rows, step = np.array([[0, 1], [1, 0]], "int32"), drawn(seed)
    expected = step(step(state, (), rows[0]), (), rows[1])
    engine, machines = emulator()
    found = engine.scan(step, state, (), rows, 0, 2)
    assert sum(machines.made[0].schedule.parts.values()) > 1
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)
