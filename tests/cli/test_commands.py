"""The commands: what they say, and what goes wrong."""

import os

import numpy as np
import pytest

import bpx
from tests.cli.invoked import history, interrupt, invoke, ok, refused


def test_ctrl_c_before_training_says_so(blobs, monkeypatch):
    monkeypatch.setattr(bpx.data, "read_table", interrupt)
    result = invoke("train", blobs)
    assert result.exit_code == 130
    assert result.output == "Interrupted: nothing was written.\n"


# Evaluating and predicting


def test_evaluate_gives_the_numbers_of_the_summary(digits):
    output = ok("train", digits, "--epochs", 2, "--out", "run")
    test = next(line.split()[-2] for line in output.splitlines() if line.startswith("test "))
    for network in ("run", "run/model.safetensors"):
        said = ok("evaluate", network, digits)
        assert "digits: 252 test samples" in said
        assert f"accuracy  {test} %" in said
    share = float(history("run")[-1]["validation_accuracy"])
    assert f"{100 * share:.2f} %" in ok("evaluate", "run", digits, "--split", "validation")


def test_evaluate_takes_the_target_of_the_run():
    table = np.c_[np.arange(60) % 3, np.eye(3)[np.arange(60) % 3]]
    np.savetxt("first.csv", table, "%g", ",")
    ok("train", "first.csv", "--target", 0, "--epochs", 20, "--eta", 0.05, "--out", "run")
    assert "accuracy  100.00 %" in ok("evaluate", "run", "first.csv")


def test_evaluate_on_numbers_gives_no_accuracy():
    np.savez("data.npz", x=np.eye(8), y=np.linspace(-1, 1, 8))
    ok("train", "data.npz", "--epochs", 1, "--validation-fraction", 0, "--out", "run")
    said = ok("evaluate", "run", "data.npz")
    assert "cost" in said
    assert "accuracy" not in said


# What goes wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "digit"], "did you mean 'digits'?"),
        (["train", "missing.csv"], "missing.csv does not exist"),
        (["train", "inputs.npy"], "inputs.npy has no targets"),
        (["train", "blobs.csv", "--hidden", "rellu"], "did you mean 'relu'?"),
        (["train", "blobs.csv", "--cost", "squared"], "there is no cost 'squared'"),
        (["train", "blobs.csv", "--init", "he"], "there is no initializer 'he'"),
        (["train", "blobs.csv", "--feedback", "fda"], "there is no feedback 'fda'"),
        (["train", "blobs.csv", "--backend", "nunpy"], "did you mean 'numpy'?"),
        (["train", "blobs.csv", "--dtype", "float16"], "float32 or float64"),
        (["train", "blobs.csv", "--layers", "784,30,3"], "expected --layers 3,30,3"),
        (["train", "blobs.csv", "--layers", "3,30,2"], "expected --layers 3,30,3"),
        (["train", "blobs.csv", "--batch-size", "100"], "--batch-size 100"),
        (["train", "blobs.csv", "--batch-size", "0"], "--batch-size 0"),
        (["train", "blobs.csv", "--epochs", "0"], "--epochs 0"),
        (["train", "blobs.csv", "--eta", "-1"], "--eta -1.0"),
        (["train", "blobs.csv", "--seed", "-1"], "--seed -1"),
        (["train", "blobs.csv", "--dropout", "1"], "--dropout 1.0 was given"),
        (["train", "blobs.csv", "--early-stopping", "-1"], "--early-stopping -1 was given"),
        (["train", "blobs.csv", "--out", ""], "--out '' was given; expected a new or empty"),
        (["train", "blobs.csv", "--out", "a" * 300], "cannot be written: "),
        (
            ["train", "blobs.csv", "--target", "sort"],
            "has no column 'sort'; it has 4: a, b, c, kind",
        ),
        (["train", "blobs.csv", "--data", "."], "--data . was given with the file"),
        (["train", "digits", "--target", "0"], "digits has its own targets"),
        (["train", "mnist", "--data", "nowhere"], "'nowhere', which is not a folder"),
        (["train", "blobs.csv", "--out", "blobs.csv"], "is a file"),
        (["train", "blobs.csv", "--out", "blobs.csv/run"], "cannot be written"),
        (["evaluate", "nothing", "blobs.csv"], "nothing does not exist"),
        (["evaluate", ".", "blobs.csv"], "has no model.safetensors"),
        (["evaluate", "blobs.csv", "blobs.csv"], "not a safetensors file"),
        (["predict", "nothing", "inputs.csv"], "nothing does not exist"),
        (["predict", "nothing", "inputs.csv", "--out", "out.txt"], ".csv or .npy"),
    ],
)
def test_a_mistake_gets_a_sentence(blobs, words, message):
    before = sorted(os.listdir())
    assert message in refused(*words)
    assert sorted(os.listdir()) == before


def test_an_unknown_backend_in_the_environment(blobs):
    said = refused("train", blobs, env={"BPX_BACKEND": "nonsense"})
    assert "there is no backend 'nonsense'" in said


def test_the_version():
    assert ok("--version") == f"bpx {bpx.__version__}\n"
