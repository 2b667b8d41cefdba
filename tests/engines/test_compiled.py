"""An ordinary training is compiled: no step of it is taken as the plain loop."""

import logging

import numpy as np
import pytest

import bpx
from bpx.privacy import DPSGD
from bpx.privacy.step import PrivateStep
from bpx.training.step import TrainingStep
from tests.engines.each import params

X = np.linspace(0.0, 1.0, 33).reshape(11, 3)
Y = np.arange(11) % 2
SETTINGS = {"epochs": 2, "batch_size": 4, "optimizer": bpx.Adam()}  # 4, 4, 3


@pytest.fixture
def taken(monkeypatch, engine):
    """How many steps were taken on arrays that hold numbers, and not recorded or traced."""
    backend = bpx.Network([1, 1], backend=engine.target.spec).home.backend
    is_traced, calls = getattr(backend, "is_traced", lambda x: False), []

    def watch(kind):
        run = kind.__call__

        def call(self, state, data, rows):
            w = state.parameters.like
            calls.extend([kind] * (backend.is_array(w) and not is_traced(w)))
            return run(self, state, data, rows)

        monkeypatch.setattr(kind, "__call__", call)

    watch(TrainingStep)
    watch(PrivateStep)
    return calls


def network(engine, **settings):
    return engine.target.network([3, 5, 2], seed=0, **settings)


def trainer(net, **settings):
    made = bpx.Trainer(net, optimizer=bpx.SGD(0.1), **settings)
    for _ in range(2):
        made.step(X, Y)


ORDINARY = {
    "labels": lambda engine, **how: network(engine).fit(X, Y, **SETTINGS, **how),
    "weighted numbers": lambda engine, **how: network(engine, output="identity").fit(
        X, np.stack([Y, 0.5 * Y], axis=1), sample_weight=1.0 + X[:, 0], **SETTINGS, **how
    ),
    "bytes, dropped out": lambda engine, **how: network(engine, dropout=0.5).fit(
        (200 * X).astype("uint8"), Y, **SETTINGS, **how
    ),
    "options of layers": lambda engine, **how: engine.target.network(
        [
            bpx.Dense(3, 5, "tanh", bias=False, l1=0.1, max_norm=1.0),
            bpx.Dense(5, 2, "sigmoid", l2=0.1, max_norm=1.0),
        ],
        seed=0,
    ).fit(X, Y, **SETTINGS, **how),
    "a stream": lambda engine, **how: list(
        bpx.train(network(engine), batches=[(X, Y)] * 2, epochs=2, optimizer=bpx.SGD(0.1),
                  **how)
    ),
    "a trainer": lambda engine, **how: trainer(network(engine), **how),
    "private": lambda engine, **how: network(engine).fit(
        X, Y, privacy=DPSGD(noise_multiplier=1.0), **SETTINGS, **how
    ),
}  # fmt: skip
each = pytest.mark.parametrize("kind", ORDINARY)


@each
def test_no_step_is_taken_as_the_plain_loop(engine, taken, caplog, kind):
    with caplog.at_level(logging.WARNING, "bpx"):
        ORDINARY[kind](engine)
    assert taken == []
    assert [said for said in caplog.messages if "eagerly" in said] == []


@each
@pytest.mark.parametrize("engine", params("numpy"), indirect=True)
def test_asked_for_the_plain_loop_takes_every_step(engine, taken, kind):
    ORDINARY[kind](engine, compile=False)
    assert len(taken) >= {"a stream": 4, "a trainer": 2}.get(kind, 6)
