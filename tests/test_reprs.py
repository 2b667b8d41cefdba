"""What is printed of a value is a line that says what it is, without addresses."""

import re

import numpy as np
import pytest

import bpx

TABLE = {"age": 0.5 + np.arange(40.0) / 7.0, "bought": ["no", "yes"] * 20}


def own(z):
    return z


def values():
    net = bpx.Network(
        [784, 30, 10], hidden="relu", output="softmax", cost="cross_entropy", seed=0
    )
    trace = net.backprop(np.ones((3, 784), "float32"), np.array([1, 2, 3]))
    mine = bpx.Elementwise("mine", lambda z: z, lambda z, a: 0.0 * z + 1.0)
    halved = bpx.optim.Transformation(lambda parameters: (), lambda u, s, p: (u, s))
    return {
        "trace": trace,
        "forward": net.forward(np.ones((3, 784), "float32")),
        "gradients": trace.gradients,
        "parameters": net.parameters,
        "history": net.fit(
            np.ones((3, 784), "float32"),
            np.array([1, 2, 3]),
            epochs=20,
            batch_size=3,
            optimizer=bpx.SGD(0.1),
            seed=0,
        ),
        "no history": bpx.training.records.History((), None),
        "table": bpx.data.as_table(TABLE),
        "column": bpx.data.as_table(TABLE)["age"],
        "schema": bpx.data.Schema.fit(TABLE, target="bought"),
        "state": bpx.Trainer(net, optimizer=bpx.Adam(), seed=0).state,
        "spec": net.spec,
        "own spec": bpx.Network(
            [2, 1], hidden=mine, output=mine, feedback=lambda w, d, B: d[0]
        ).spec,
        "layer": bpx.Dense(2, 3, "relu"),
        "initializer": bpx.Initializer("own", own, own),
        "chain": bpx.optim.chain(halved, bpx.optim.clip_by_global_norm(1.0), bpx.AdamW()),
        "schedule": bpx.optim.warmup_cosine(0.1, warmup=2, steps=9),
        "joined": bpx.optim.join_schedules(
            [bpx.optim.linear_warmup(0.1, steps=5), bpx.optim.cosine_decay_schedule(0.1)], [9]
        ),
        "learning rates": bpx.learning_rate_range(
            bpx.Network([3, 2], seed=0),
            (np.eye(3, dtype="float32"), np.array([0, 1, 1])),
            batch_size=3,
            optimizer=bpx.SGD(0.1),
            steps=5,
            seed=0,
        ),
        "seeds": bpx.seeds(
            bpx.Network([3, 2], seed=0),
            (np.eye(3, dtype="float32"), np.array([0, 1, 1])),
            n=2,
            epochs=1,
            batch_size=3,
            optimizer=bpx.SGD(0.1),
        ),
        "plateau": bpx.optim.reduce_on_plateau(0.1),
        "optimizer": bpx.Adam(bpx.optim.warmup_cosine(0.1, warmup=2, steps=9)),
        **bpx.activations.ACTIVATIONS,
        **bpx.costs.COSTS,
        **bpx.feedback.FEEDBACKS,
        **bpx.metrics.METRICS,
    }


@pytest.mark.parametrize("name", values())
def test_it_is_a_line_without_addresses(name):
    printed = repr(values()[name])
    assert "0x" not in printed
    assert "\n" not in printed
    assert len(printed) < 400


def test_they_say_what_they_are():
    found = values()
    assert re.fullmatch(
        r"<bpx.History of 20 epochs, cost \d\S* to \d\S*, seed 0>", repr(found["history"])
    )
    assert repr(found["no history"]) == "<bpx.History of 0 epochs, seed None>"
    assert repr(found["column"]) == "<bpx.data.Column 'age', number, 40 rows>"
    assert repr(found["schema"]) == "<bpx.data.Schema of 1 columns, 1 inputs>"
    assert repr(found["trace"]) == "<bpx.Trace of 3 samples through [784, 30, 10]>"
    assert repr(found["forward"]) == "<bpx.Forward of 3 samples through [784, 30, 10]>"
    shapes = "w (30, 784) (10, 30), b (30,) (10,)>"
    assert repr(found["parameters"]) == f"<bpx.Parameters {shapes}"
    assert repr(found["gradients"]) == f"<bpx.Gradients {shapes}"
    assert repr(found["layer"]) == "Dense(n_in=2, n_out=3, activation=<bpx.Elementwise 'relu'>)"
    assert "<bpx.optim.Transformation clipped 1.0>" in repr(found["chain"])
    assert repr(found["state"]).startswith("<bpx.TrainingState after 0 epochs, 0 steps, seed 0")
