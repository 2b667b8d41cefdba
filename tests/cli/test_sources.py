"""Where samples come from: which are held out, and which are evaluated on."""

import numpy as np
import pytest

import bpx
from tests.cli.invoked import history, ok, refused, settings


def test_evaluate_finds_the_samples_that_a_run_held_out(trained, blobs):
    share = float(history("run")[-1]["validation_accuracy"])
    said = ok("evaluate", trained, blobs, "--split", "validation")
    assert "blobs.csv: 18 validation samples" in said
    assert f"accuracy  {100 * share:.2f} %" in said
    assert "blobs.csv: 72 train samples" in ok("evaluate", trained, blobs, "--split", "train")
    assert "blobs.csv: 90 samples" in ok("evaluate", trained, blobs)


def test_predict_leaves_out_the_column_of_the_targets(blobs):
    ok("train", "blobs.npz", "--epochs", "3", "--seed", "5", "--out", "run")
    trained = "run"
    with_targets = ok("predict", trained, blobs, "--target", "kind", "--labels")
    assert len(with_targets.splitlines()) == 90
    assert "--target names a column" in refused("predict", trained, blobs)


@pytest.fixture
def named():
    """A file whose arrays are called otherwise; one row for each class, the label a column."""
    labels = np.arange(30)[:, None] % 3
    np.savez("data.npz", images=np.eye(3)[labels[:, 0]].reshape(30, 3, 1), labels=labels)
    return "data.npz"


def test_the_arrays_of_an_npz_are_named(named):
    keys = ["--inputs", "images", "--target", "labels"]
    ok("train", named, *keys, "--epochs", 20, "--eta", 0.05, "--out", "run")
    assert settings("run")["layers"] == [3, 30, 3]
    assert " ".join(keys) in settings("run")["command"]
    assert "accuracy  100.00 %" in ok("evaluate", "run", named)
    assert "accuracy  100.00 %" in ok("evaluate", "run/model.safetensors", named, *keys)
    said = ok("predict", "run", named, "--inputs", "images", "--labels")
    assert said.split() == ["0", "1", "2"] * 10


def test_a_missing_key_says_which_option_names_another(named):
    keys = ["--inputs", "images", "--target", "labels"]
    ok("train", named, *keys, "--epochs", 1, "--out", "run")
    for words in (
        ["train", named, "--target", "labels"],
        ["predict", "run", named],
        ["evaluate", "run/model.safetensors", named, "--target", "labels"],
    ):
        said = refused(*words)
        assert "has the keys ['images', 'labels']; expected 'x'" in said
        assert "such as --inputs images" in said
        assert "inputs=" not in said


def test_inputs_are_named_of_an_npz_alone(trained, blobs, digits):
    for words in (["train"], ["evaluate", "run"], ["predict", "run"]):
        said = refused(*words, blobs, "--inputs", "x")
        assert "--inputs x was given, which names an array of an .npz file" in said
    np.savez("data.npz", x=np.eye(3), y=np.arange(3))
    ok("train", "data.npz", "--epochs", 1, "--validation-fraction", 0, "--out", "arrays")
    said = refused("predict", "arrays", "inputs.npy", "--inputs", "x")
    assert "--inputs x was given, which does not apply to files of this kind" in said
    assert "digits has its own inputs" in refused("train", digits, "--inputs", "x")


def test_a_split_that_cannot_be_known(trained, blobs):
    alone = refused("evaluate", "run/model.safetensors", blobs, "--split", "validation")
    assert "with the folder of the run" in alone
    assert "expected no --split" in refused("evaluate", "run", blobs, "--split", "test")
    with open(blobs, encoding="utf-8") as file, open("fewer.csv", "w", encoding="utf-8") as to:
        to.writelines(file.readlines()[:41])
    fewer = refused("evaluate", "run", "fewer.csv", "--split", "validation")
    assert "fewer.csv has 40 samples, but the run had 90" in fewer


def test_samples_of_another_width(blobs):
    ok("train", "blobs.npz", "--epochs", "3", "--seed", "5", "--out", "run")
    np.savez("wide.npz", x=np.ones((10, 7)), y=np.arange(10) % 3)
    assert "have 7 numbers, but the network takes 3" in refused("evaluate", "run", "wide.npz")


def test_a_new_kind_of_file_is_one_entry(monkeypatch, tmp_path):
    def toy(path):
        return np.loadtxt(path)[:, 1:], np.loadtxt(path)[:, 0].astype(int)

    monkeypatch.setitem(bpx.data.READERS, ".toy", bpx.data.Reader(toy))
    np.savetxt("file.toy", np.c_[np.arange(30) % 3, np.eye(3)[np.arange(30) % 3]])
    ok("train", "file.toy", "--epochs", 2, "--out", "run")
    assert "file.toy: 6 validation samples" in ok(
        "evaluate", "run", "file.toy", "--split", "validation"
    )
    assert len(ok("predict", "run", "file.toy", "--labels").splitlines()) == 30
