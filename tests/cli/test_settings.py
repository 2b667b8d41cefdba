"""The settings of a run: what the data choose, and the command that repeats it."""

import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest

import bpx
from tests.cli.invoked import COLUMNS, costs, history, invoke, learned, ok, refused, settings


def test_a_run_leaves_a_folder_that_says_how_to_repeat_it(blobs):
    words = ["--optimizer", "sgd", "--momentum", 0.5, "--nesterov", "--lmbda", 0.1]
    ok("train", blobs, *words, "--target", "kind", "--epochs", 3, "--out", "deep/run")
    assert sorted(os.listdir("deep/run")) == [
        ".lock",
        "checkpoints",
        "history.csv",
        "history.jsonl",
        "model.safetensors",
        "run.toml",
    ]
    written = settings("deep/run")
    assert written["layers"] == [3, 100, 3]
    assert (written["output"], written["cost"]) == ("softmax", "cross_entropy")
    assert written["eta"] == 0.1
    assert written["samples"] == {"train": 72, "validation": 18}
    assert written["versions"]["bpx"] == bpx.__version__
    assert "deep" not in json.dumps(written)
    assert list(history("deep/run")[0]) == COLUMNS
    assert [row["epoch"] for row in history("deep/run")] == ["1", "2", "3"]

    program, *again = shlex.split(written["command"])
    assert program == "bpx"
    ok(*again, "--out", "again")
    assert learned("again") == learned("deep/run")
    assert costs("again") == pytest.approx(costs("deep/run"), rel=1e-5)
    assert settings("again") == written


@pytest.mark.parametrize("rule", ["dfa", "brsf", "kp"])
def test_a_run_by_another_feedback_can_be_repeated(blobs, rule):
    words = ["--feedback", rule, "--layers", "3,8,8,3", "--lmbda", 0.1, "--epochs", 2]
    output = ok("train", blobs, *words, "--out", "run")
    assert f"feedback {rule}" in output
    assert settings("run")["feedback"] == rule
    _, *again = shlex.split(settings("run")["command"])
    assert f"--feedback {rule}" in " ".join(again)
    ok(*again, "--out", "again")
    first, second = (bpx.load(f"{run}/model.safetensors") for run in ("run", "again"))
    assert first.spec.feedback == bpx.feedback.FEEDBACKS[rule]
    for one, other in zip(first.feedback, second.feedback, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    ok("evaluate", "run", blobs)


@pytest.mark.parametrize(
    ("y", "outputs", "output", "cost"),
    [
        (np.arange(60) % 4, 4, "softmax", "cross_entropy"),
        (np.arange(60) % 2, 1, "sigmoid", "cross_entropy"),
        (np.linspace(-1, 1, 60), 1, "identity", "quadratic"),
        (np.eye(3)[np.arange(60) % 3], 3, "softmax", "cross_entropy"),
        (np.ones((60, 2)), 2, "sigmoid", "cross_entropy"),
        (np.linspace(-1, 1, 120).reshape(60, 2), 2, "identity", "quadratic"),
    ],
)
def test_the_targets_choose_the_output_and_the_cost(y, outputs, output, cost):
    np.savez("data.npz", x=np.ones((60, 2)), y=y)
    ok("train", "data.npz", "--epochs", 1, "--out", "run")
    written = settings("run")
    assert written["layers"] == [2, 30, outputs]
    assert (written["output"], written["cost"]) == (output, cost)


@pytest.mark.parametrize(
    ("given", "output", "cost"),
    [
        (["--cost", "quadratic"], "sigmoid", "quadratic"),
        (["--cost", "binary_cross_entropy"], "sigmoid", "binary_cross_entropy"),
        (["--cost", "cross_entropy"], "softmax", "cross_entropy"),
        (["--output", "sigmoid"], "sigmoid", "cross_entropy"),
        (["--output", "tanh"], "tanh", "quadratic"),
    ],
)
def test_one_of_output_and_cost_chooses_the_other(blobs, given, output, cost):
    ok("train", blobs, "--epochs", 1, "--out", "run", *given)
    assert (settings("run")["output"], settings("run")["cost"]) == (output, cost)


def test_whole_numbers_that_are_no_classes():
    np.savetxt("prices.csv", np.c_[np.linspace(0, 1, 40), np.arange(40) * 100], "%g", ",")
    assert "--task classes or --task numbers" in refused("train", "prices.csv")
    ok("train", "prices.csv", "--layers", "1,30,1", "--epochs", 1, "--out", "run")
    assert settings("run")["output"] == "identity"


def test_targets_of_another_width_than_the_outputs():
    np.savez("data.npz", x=np.eye(6), y=np.linspace(0, 1, 18).reshape(6, 3))
    assert "expected --layers 6,4,3" in refused("train", "data.npz", "--layers", "6,4,2")


def test_outputs_that_no_class_has_are_told(blobs):
    words = ["train", "blobs.npz", "--epochs", 1, "--seed", 1, "--quiet"]
    said = invoke(*words, "--layers", "3,4,7", "--out", "wide")
    assert said.exit_code == 0
    assert "3,4,7 has 7 outputs, but the targets of" in said.output
    assert "are classes from 0 to 2: the other outputs have no samples" in said.output
    assert "--layers 3,4,3 has" in said.output
    assert "Warning" not in ok(*words, "--layers", "3,4,3", "--out", "fitting")


def test_a_rate_of_dropout_for_each_hidden_layer(blobs):
    words = ["--layers", "3,5,4,3", "--dropout", "0.1,0.2", "--epochs", 1, "--seed", 3]
    assert "dropout 0.1, 0.2" in ok("train", blobs, *words, "--out", "first")
    assert settings("first")["dropout"] == [0.1, 0.2]
    model = Path("first/model.safetensors").read_bytes()
    ok("train", "--config", "first/run.toml", "--out", "again")
    assert Path("again/model.safetensors").read_bytes() == model
    net = bpx.load("first/model.safetensors")
    assert [each.rate for each in net.spec.layers if each.kind == "dropout"] == [0.1, 0.2]
    assert "such as 0.1,0.2" in refused("train", blobs, "--dropout", "half", code=2)


@pytest.mark.parametrize(
    ("cost", "layers", "y", "output"),
    [
        ("poisson", "2,1", [0.0, 3.0, 2.5, 7.0], "exponential"),
        ("huber(delta=0.5)", "2,1", [0.5, 3.0, 2.0, 7.0], "identity"),
        ("quantile(0.1, 0.9)", "2,2", [[0.5], [3.0], [2.0], [7.0]], "identity"),
        ("hinge", "2,1", [0, 1, 1, 0], "identity"),
        ("categorical_hinge", "2,3", [0, 1, 2, 0], "identity"),
        ("focal", "2,3", [0, 1, 2, 0], "softmax"),
        ("focal", "2,1", [0, 1, 1, 0], "sigmoid"),
        ("cross_entropy(label_smoothing=0.1)", "2,3", [0, 1, 2, 0], "softmax"),
        ("kl_divergence", "2,3", [0, 1, 2, 0], "softmax"),
    ],
)
def test_a_cost_chooses_the_output_that_it_is_stable_after(cost, layers, y, output):
    x = np.arange(8.0).reshape(4, 2) / 8
    np.savez("data.npz", x=x, y=np.array(y))
    words = ["--cost", cost, "--epochs", 1, "--validation-fraction", 0, "--out", "run"]
    if cost == "quantile(0.1, 0.9)":  # the command line takes as many columns as outputs
        np.savez("data.npz", x=x, y=np.repeat(y, 2, axis=1))
    ok("train", "data.npz", "--layers", layers, *words)
    assert settings("run")["output"] == output
    net = bpx.load("run/model.safetensors")
    assert net.spec.cost == bpx.costs.get(cost, net.spec.output)
