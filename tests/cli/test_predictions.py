"""``bpx predict``: what is written can be read again."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import bpx
from tests.cli.invoked import invoke, ok, refused


@pytest.fixture
def trained(blobs):
    """A run on arrays, which have no names."""
    ok("train", "blobs.npz", "--epochs", "3", "--seed", "5", "--out", "run")
    return "run"


@pytest.mark.parametrize("given", ["inputs.csv", "bare.csv", "inputs.npy"])
@pytest.mark.parametrize("suffix", ["csv", "npy"])
def test_predictions_make_the_round_trip(trained, given, suffix):
    assert ok("predict", trained, given, "--out", f"out.{suffix}") == ""
    network = bpx.load("run/model.safetensors")
    expected = network.predict(bpx.data.read("inputs.npy").x)
    if suffix == "npy":
        found = np.load("out.npy")
    else:
        found = np.loadtxt("out.csv", delimiter=",", dtype=np.float32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_labels(trained):
    expected = bpx.load("run/model.safetensors").classify(bpx.data.read("inputs.npy").x)
    ok("predict", trained, "inputs.npy", "--labels", "--out", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected)
    printed = ok("predict", trained, "inputs.csv", "--labels", "--out", "-")
    assert [int(line) for line in printed.splitlines()] == expected.tolist()


def test_predictions_are_written_at_once_or_not_at_all(trained, monkeypatch):
    ok("predict", trained, "inputs.csv", "--out", "out.csv")
    with open("out.csv", encoding="utf-8") as file:
        before = file.read()

    def fails(file, *_, **__):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savetxt", fails)
    said = refused("predict", trained, "inputs.csv", "--out", "out.csv")
    assert "out.csv cannot be written: No space left on device" in said
    with open("out.csv", encoding="utf-8") as file:
        assert file.read() == before
    assert not [name for name in os.listdir() if name.startswith(".")]


@pytest.fixture
def named(blobs):
    """A run on a table, whose columns have names."""
    ok("train", blobs, "--epochs", "5", "--seed", "5", "--out", "named")
    return "named"


def rows(text):
    return list(csv.DictReader(text.splitlines()))


def test_labels_and_probabilities_have_names(named, blobs):
    network = bpx.load("named/model.safetensors")
    table = bpx.data.read_table(blobs)
    found = rows(ok("predict", named, blobs))
    assert list(found[0]) == ["kind", "p(0)", "p(1)", "p(2)"]
    assert [int(row["kind"]) for row in found] == network.classify(table).tolist()
    p = np.array([[row[f"p({i})"] for i in range(3)] for row in found], np.float32)
    np.testing.assert_array_equal(p, network.predict(table))
    labels = rows(ok("predict", named, blobs, "--labels"))
    assert labels == [{"kind": row["kind"]} for row in found]


def test_columns_are_kept_on_request(named, blobs):
    with open(blobs, encoding="utf-8") as file:
        given = list(csv.DictReader(file))
    found = rows(ok("predict", named, blobs, "--labels", "--keep", "c,kind"))
    assert list(found[0]) == ["c", "kind", "predicted kind"]
    for name in ("c", "kind"):
        assert [float(row[name]) for row in found] == [float(row[name]) for row in given]
    assert list(rows(ok("predict", named, blobs, "--keep", "all"))[0])[:4] == list(given[0])
    assert "has no column 'd'" in refused("predict", named, blobs, "--keep", "d")


def test_a_table_is_answered_in_a_file(named, blobs):
    said = ok("predict", named, blobs)
    ok("predict", named, blobs, "--out", "out.csv")
    with open("out.csv", encoding="utf-8") as file:
        assert file.read() == said
    ok("predict", named, blobs, "--out", "out.npy")
    network = bpx.load("named/model.safetensors")
    expected = network.predict(bpx.data.read_table(blobs))
    np.testing.assert_array_equal(np.load("out.npy"), expected)
    kept = refused("predict", named, blobs, "--out", "out.npy", "--keep", "a")
    assert "expected --out FILE.csv" in kept


@pytest.mark.parametrize("words", [[], ["--labels"]])
def test_a_warning_is_given_once(words):
    Path("pets.csv").write_text("size,pet\n" + "big,dog\nsmall,cat\n" * 20, encoding="utf-8")
    ok("train", "pets.csv", "--epochs", 1, "--seed", 1, "--out", "pets")
    Path("more.csv").write_text("size\nhuge\nbig\n", encoding="utf-8")
    said = invoke("predict", "pets", "more.csv", "--out", "answers.csv", *words)
    assert said.exit_code == 0
    assert said.output.count("encoded as none of the known ones") == 1
    assert Path("answers.csv").read_text().startswith("pet")


@pytest.fixture
def two(blobs):
    """A table with two classes."""
    with open(blobs, encoding="utf-8") as file, open("two.csv", "w", encoding="utf-8") as to:
        to.writelines(line for line in file if not line.endswith(",2\n"))


def test_two_classes_have_a_probability_each(two):
    ok("train", "two.csv", "--epochs", 2, "--out", "two")
    found = rows(ok("predict", "two", "two.csv"))
    assert list(found[0]) == ["kind", "p(0)", "p(1)"]
    for row in found:
        p = float(row["p(0)"]), float(row["p(1)"])
        assert sum(p) == pytest.approx(1, abs=1e-6)
        assert row["kind"] == str(int(p[1] > 0.5))


def test_an_output_that_is_no_probability_is_a_score(two):
    words = "--output", "identity", "--cost", "hinge", "--epochs", 2
    ok("train", "two.csv", *words, "--out", "two")
    found = rows(ok("predict", "two", "two.csv"))
    assert list(found[0]) == ["kind", "score(1)"]
    assert [row["kind"] for row in found] == [
        str(int(float(row["score(1)"]) > 0)) for row in found
    ]
    assert not all(0 <= float(row["score(1)"]) <= 1 for row in found)


def test_each_output_that_is_no_probability_is_a_score(blobs):
    words = "--output", "identity", "--cost", "quadratic", "--epochs", 2
    ok("train", blobs, *words, "--target", "kind", "--out", "scored")
    found = rows(ok("predict", "scored", blobs))
    assert list(found[0]) == ["kind", "score(0)", "score(1)", "score(2)"]


@pytest.mark.parametrize("way", ["same", "./same", "link", "hard"])
def test_the_inputs_are_never_replaced(trained, way):
    with open("inputs.csv", "rb") as file:
        before = file.read()
    out = {"same": "inputs.csv", "./same": "../" + os.path.basename(os.getcwd())}.get(way)
    if way == "./same":
        out += "/inputs.csv"
    elif way == "link":
        os.symlink("inputs.csv", out := "link.csv")
    elif way == "hard":
        os.link("inputs.csv", out := "hard.csv")
    said = refused("predict", trained, "inputs.csv", "--out", out)
    assert f"--out {out} is the file of the inputs, inputs.csv" in said
    with open("inputs.csv", "rb") as file:
        assert file.read() == before
