"""`bpx.sklearn` beside scikit-learn, with fits so small that they take no time."""

import json
import sys
import warnings

import numpy as np
import pytest

from benchmarks import estimators, rounds
from benchmarks.children import search
from benchmarks.estimators import Case, Result
from bpx.data import Dataset, Split

pytest.importorskip("sklearn", reason="scikit-learn is not installed")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    small = {"mnist": Case(60, 9, 2, 1.9), "table": Case(80, 20, 2, 6.0)}
    monkeypatch.setattr(estimators, "CASES", small | {"search": Case(60, 20, 2, 3.0)})
    monkeypatch.setattr(rounds, "PAUSE", 0.0)


def digits(name, *, folder):
    assert (name, folder) == ("mnist", None)
    x, y = np.eye(10, 9, dtype="float32")[np.arange(90) % 10], np.arange(90) % 10
    return Dataset("mnist", Split(x[:50], y[:50]), Split(x[50:70], y[50:70]), Split(x, y))


def test_mnist_is_trained_on_without_the_test_images(monkeypatch):
    monkeypatch.setattr("bpx.data.load", digits)
    x, y, *held_out = estimators.samples("mnist", None)
    assert (x.shape, y.shape) == ((60, 9), (60,))
    assert [len(each) for each in held_out] == [90, 90]


def test_a_table_is_split_and_of_float32():
    x, y, *held_out = estimators.samples("table", None)
    assert (x.shape, x.dtype, y.shape) == ((80, 20), np.dtype("float32"), (80,))
    assert held_out[0].shape == (16, 20)
    assert not any((row == x).all(axis=1).any() for row in held_out[0])


def test_it_prints_both_libraries_and_the_ratio(capsys, tmp_path):
    out = tmp_path / "found.json"
    estimators.main(["--cases", "table", "--seeds", "2", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "| table | bpx |" in printed
    assert "| table | scikit-learn |" in printed
    assert [len(each) for each in json.loads(out.read_text())["cases"]["table"].values()] == [
        2,
        2,
    ]


def test_both_have_the_defaults_of_scikit_learn():
    ours, theirs = (
        estimators.estimator(library, Case(0, 0, 3, 0.0), 1).get_params()
        for library in estimators.MODULES
    )
    assert ours["max_iter"] == 3
    assert theirs.items() <= ours.items()


def test_a_search_prints_seconds_and_accuracy(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["search", "scikit-learn"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.main()
    seconds, accuracy = json.loads(capsys.readouterr().out)
    assert seconds > 0.0
    assert 0.0 <= accuracy <= 100.0


@pytest.mark.parametrize(
    ("seconds", "accuracy", "met"),
    [(1.0, 90.0, "yes"), (3.0, 90.0, "no"), (1.0, 80.0, "no: 10.00 % less accurate")],
)
def test_it_is_met_only_at_no_lower_accuracy(seconds, accuracy, met):
    found = {"bpx": [Result(seconds, accuracy)], "scikit-learn": [Result(7.0, 90.0)]}
    rows = list(estimators.shown("table", found))
    assert rows[0][-1] == met
    assert rows[1][-1] == ""
