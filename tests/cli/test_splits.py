"""Samples that a run holds out: by their classes, and the same ones when it is evaluated."""

import tomllib

import numpy as np
import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

import bpx
from bpx.cli import splits
from bpx.data.tables.target import task_of
from tests.cli.invoked import history, ok, refused
from tests.training.small import SETTINGS, network, samples


def test_a_fraction_is_held_out_by_the_seed():
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    whole = bpx.data.Split(x, np.arange(20, dtype=np.float32))
    rest, held = splits.hold_out(whole, 0.25, 7, 1)
    assert len(held.x) == 5
    assert sorted([*rest.y, *held.y]) == list(range(20))
    assert (np.diff(rest.y) > 0).all()
    np.testing.assert_array_equal(held.x, x[held.y.astype(int)])
    np.testing.assert_array_equal(splits.hold_out(whole, 0.25, 7, 1)[1].y, held.y)
    assert list(splits.hold_out(whole, 0.25, 8, 1)[1].y) != list(held.y)
    assert splits.hold_out(whole, 0.0, 7, 1) == (whole, None)
    one = splits.at(whole, [3])
    assert splits.hold_out(one, 0.5, 7, 1) == (one, None)


def test_they_are_the_samples_that_fit_holds_out():
    x, y = samples()
    rest, held = splits.hold_out(bpx.data.Split(x, y), 0.25, 1, 3)
    net, other = network(), network()
    found = net.fit(x, y, validation_split=0.25, **SETTINGS)
    by_hand = other.fit(*rest, validation=tuple(held), **SETTINGS)
    np.testing.assert_array_equal(net.weights[0], other.weights[0])
    assert found[-1].validation == by_hand[-1].validation


LABELS = np.array([2, 0, 1, 1])


@pytest.mark.parametrize(
    ("y", "outputs", "expected"),
    [
        (LABELS, 3, LABELS),
        (np.eye(3)[LABELS], 3, LABELS),
        (LABELS.astype("float32"), 1, None),
        (LABELS, 1, None),
        (np.array([0.0, 1.0, 1.0]), 1, [0, 1, 1]),
        (np.array([[0], [1], [1]]), 1, [0, 1, 1]),
        (np.array([[0, 1, 1], [1, 1, 0]]), 3, None),
        (np.ones((4, 3)) / 3, 3, None),
    ],
    ids=str,
)
def test_what_the_classes_are(y, outputs, expected):
    found = splits.classes(y, outputs)
    assert (None if found is None else [*found]) == (None if expected is None else [*expected])


@pytest.mark.parametrize("file", ["blobs.csv", "blobs.npz"])
def test_a_run_holds_out_each_class_in_its_share_and_evaluates_these(blobs, file):
    ok("train", file, "--epochs", 2, "--seed", 5, "--out", "run", "--validation-fraction", 0.3)
    last = history("run")[-1]
    said = ok("evaluate", "run", file, "--split", "validation")
    assert "27 validation samples" in said
    assert f"accuracy  {100 * float(last['validation_accuracy']):.2f} %" in said
    y = bpx.data.read("blobs.npz").y
    rows = splits.held_rows(90, 0.3, 5, y)[1]
    assert (abs(np.bincount(y[rows]) - 0.3 * np.bincount(y)) <= 1.0).all()


def test_the_classes_of_a_column_are_labels():
    table = bpx.data.as_table({"kind": ["b", "a", "b", "c"] * 5, "n": np.arange(20) / 3})
    assert task_of(table["kind"], table) == "classes"
    found = splits.classes_of_column(table["kind"], table, None)
    assert found.tolist() == [1, 0, 1, 2] * 5
    assert splits.classes_of_column(table["n"], table, None) is None
    assert splits.classes_of_column(table["n"], table, "numbers") is None


def test_a_run_of_an_earlier_version_is_evaluated_on_the_rows_that_it_held_out(trained, blobs):
    with open("run/run.toml", encoding="utf-8") as file:
        text = file.read()
    with open("run/run.toml", "w", encoding="utf-8") as file:
        file.write(text.replace(f'drawn = "{splits.DRAWN}"\n', ""))
    settings = tomllib.loads(text)
    table = bpx.data.read_table(blobs)
    fraction = settings["validation_fraction"]
    held = splits.held_before(len(table), fraction, settings["seed"])[1]
    net = bpx.load("run/model.safetensors")
    accuracy = net.evaluate(table.take(held)).accuracy
    said = ok("evaluate", "run", blobs, "--split", "validation")
    assert f"{len(held)} validation samples" in said
    assert f"accuracy  {100 * accuracy:.2f} %" in said


def test_a_run_that_a_later_version_drew_is_refused(trained, blobs):
    with open("run/run.toml", encoding="utf-8") as file:
        text = file.read()
    assert tomllib.loads(text)["drawn"] == splits.DRAWN
    with open("run/run.toml", "w", encoding="utf-8") as file:
        file.write(text.replace(f'drawn = "{splits.DRAWN}"', 'drawn = "by age"'))
    for split in ("train", "validation"):
        said = refused("evaluate", "run", blobs, "--split", split)
        assert "drawn = 'by age', which this version of bpx does not know" in said
    assert "90 samples" in ok("evaluate", "run", blobs)
