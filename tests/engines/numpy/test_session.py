"""A scan for one training: the same bits as the engine's own, with one table for all calls."""

from itertools import pairwise
from threading import Thread

import numpy as np
import pytest

import bpx
from bpx.program.contract import leaves
from bpx_backends.engines.numpy import blas, engine, native, session
from tests.peers import random_samples

pytest.importorskip("numba", reason="numba is not installed")

PLAIN = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"}
RULES = {
    "plain": bpx.SGD(0.1),
    "momentum": bpx.SGD(0.1, momentum=0.9),
    "adam": bpx.Adam(),
    "free": bpx.optim.ScheduleFreeAdamW(),
    "scheduled": bpx.Adam(bpx.optim.cosine_decay_schedule(0.1, steps=50)),
}


@pytest.fixture(autouse=True)
def _with_numba(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "on")
    if blas.find() is None:
        pytest.skip("NumPy's BLAS has none of the known names")


def made(rule="adam", **settings):
    net = bpx.Network([4, 7, 3], seed=0, backend="numpy", **PLAIN, **settings)
    return net, bpx.Trainer(net, optimizer=RULES[rule], seed=0)


def batches(net, sizes):
    x, y = random_samples(net, 40)
    return [(x[i : i + m], y[i : i + m]) for i, m in enumerate(sizes)]


def arrays(trainer):
    return [np.array(x) for x in leaves(trainer.state.arrays)]


@pytest.fixture
def bound(monkeypatch):
    """How often plans were bound to arrays."""
    found, bind = [], native.table
    monkeypatch.setattr(native, "table", lambda *given: found.append(1) or bind(*given))
    return found


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.5}, {"norm": "batch"}])
@pytest.mark.parametrize("rule", RULES)
def test_it_has_the_bits_of_the_engine(rule, settings, monkeypatch):
    found = []
    for make in (engine.session, lambda: engine.scan):
        monkeypatch.setattr("bpx_backends._numpy.session", make)
        net, trainer = made(rule, **settings)
        results = [trainer.step(*each) for each in batches(net, [8, 8, 5, 8, 5, 8])]
        costs = [result.cost for result in results]
        found.append([*arrays(trainer), *net.weights, *costs])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_plan_is_bound_once_for_many_steps(bound):
    net, trainer = made()
    for each in batches(net, [8] * 30):
        trainer.step(*each)
    assert len(bound) == 2  # for the first step of a call, and for all others
    for each in batches(net, [5, 8] * 10):
        trainer.step(*each)
    assert len(bound) == 4  # for the mini-batches of the other size


def test_a_plan_is_bound_once_for_many_epochs(bound):
    net = bpx.Network([4, 7, 3], seed=0, backend="numpy", **PLAIN)
    x, y = random_samples(net, 24)
    net.fit(x, y, epochs=50, batch_size=24, optimizer=bpx.Adam(), seed=0)
    assert len(bound) == 2


def test_arrays_that_were_handed_out_never_change():
    net, trainer = made()
    kept = []
    for each in batches(net, [8] * 30):
        trainer.step(*each)
        kept += [(x, np.array(x)) for x in (*net.weights, *leaves(trainer.state.arrays))]
    for x, then in kept:
        np.testing.assert_array_equal(x, then)


def test_what_the_caller_sets_between_two_steps_is_used():
    found = []
    for compiled in (True, False):
        net = bpx.Network([4, 7, 3], seed=0, backend="numpy", dtype="float64", **PLAIN)
        trainer = bpx.Trainer(net, optimizer=bpx.Adam(), seed=0, compile=compiled)
        one, two, three, four = batches(net, [8] * 4)
        trainer.step(*one)
        trainer.eta = 0.5
        trainer.step(*two)
        net.parameters = [w + 1.0 for w in net.weights], [b - 1.0 for b in net.biases]
        trainer.step(*three)
        net.weights[0][...] = 0.25  # in place
        trainer.step(*four)
        found.append(arrays(trainer))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_samples_may_be_one_array_or_lie_within_each_other():
    """The table of such a call must not be taken for one of samples that lie apart."""
    found = []
    for first in (0, 1, 2):
        net = bpx.Network([4, 7, 4], seed=0, backend="numpy")
        trainer = bpx.Trainer(net, optimizer=bpx.SGD(1.0), seed=0)
        x = np.random.default_rng(0).random((8, 4), dtype="float32")
        samples = [(x, x), (x, x.copy()), (np.concatenate((x, x))[:8], x)]
        for each in samples[first:] + samples[:first]:
            trainer.step(*each)
        found.append(arrays(trainer))
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


def step(state, data, rows):
    (a, b), (x,) = state, data
    xp = bpx.namespace(a)
    return a + b, b * 2.0 + xp.sum(xp.take(x, rows, axis=0), axis=0)


def scanned(scan, state, starts, donate):
    data = (np.arange(12.0).reshape(6, 2),)
    rows = np.array([[0, 1], [2, 3], [4, 5], [1, 1]], np.int32)
    for start, stop in pairwise(starts):
        state = scan(step, state, data, rows, start, stop, donate and start > 0)
    return state


@pytest.mark.parametrize("donate", [False, True])
def test_it_is_a_scan_for_any_state(donate):
    state = np.ones(2), np.full(2, 3.0)
    expected = scanned(engine.scan, state, [0, 4], donate=False)
    found = scanned(engine.session(), state, [0, 1, 1, 3, 4], donate)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(state[0], np.ones(2))


def test_arrays_of_a_state_that_are_one_are_taken_apart():
    run, (x, y) = engine.session(), (np.ones(2), np.full(2, 3.0))
    for state in ((x, x), (x, y), (y, y)):
        expected = scanned(engine.scan, state, [0, 3], donate=False)
        for one, other in zip(scanned(run, state, [0, 3], False), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_state_whose_elements_are_not_adjacent_is_read_anew():
    wide, run = np.ones((2, 2)), engine.session()
    state = wide[:, 0], wide[:, 1]
    for number in (1.0, 5.0):
        wide[...] = number
        expected = scanned(engine.scan, state, [0, 2], donate=False)
        for one, other in zip(scanned(run, state, [0, 2], False), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_two_threads_may_use_one_session(monkeypatch):
    run, found = engine.session(), {}
    state = np.ones(2), np.full(2, 3.0)

    def work(i):
        for _ in range(50):
            found[i] = scanned(run, state, [0, 1, 2, 3, 4], donate=False)

    threads = [Thread(target=work, args=(i,)) for i in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    expected = scanned(engine.scan, state, [0, 4], donate=False)
    for after in found.values():
        for one, other in zip(after, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_call_within_a_call_uses_the_engine_itself(monkeypatch):
    run, state = engine.session(), (np.ones(2), np.full(2, 3.0))
    expected, within, walk = scanned(engine.scan, state, [0, 1], donate=False), [], session.run

    def again(*given):
        if not within:
            within.append(None)
            within[0] = scanned(run, state, [0, 1], donate=False)
        return walk(*given)

    monkeypatch.setattr(session, "run", again)
    for after in (scanned(run, state, [0, 1], donate=False), within[0]):
        for one, other in zip(after, expected, strict=True):
            np.testing.assert_array_equal(one, other)
