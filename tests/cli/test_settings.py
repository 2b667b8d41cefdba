"""The settings of a run: what the data choose, and the command that repeats it."""

import json
import os
import shlex

import numpy as np
import pytest

import bpx
from tests.cli.invoked import COLUMNS, costs, history, learned, ok, refused, settings


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
