"""What a search shows."""

import json
from pathlib import Path

from bpx.cli.tuning import shown
from bpx.cli.tuning.study import Result
from tests.cli.searches import search

VALUES = {"eta": 0.0123456, "hidden": "relu"}


def result(number, state="complete", value=0.5, epoch=2, why=None):
    return Result(number, state, value, epoch, VALUES, Path(f"run/trial-{number:04d}"), why)


def test_before_a_search():
    told = shown.head(search(), "runs/search", 2)
    assert "search    eta: 0.001 to 0.1, log" in told
    assert "search    hidden: relu | tanh" in told
    assert "best      minimize the validation cost" in told
    assert "trials    3, by 2 workers" in told
    assert "workers" not in shown.head(search(), "runs/search", 1)


def test_the_line_of_a_trial():
    line = shown.line(search(), result(3))
    assert line == "trial   3  cost 0.5 (epoch 2)  eta 0.01235, hidden relu"
    failed = shown.line(search(), result(3, "failed", None, None, "no memory"))
    assert failed == "trial   3  failed: no memory  eta 0.01235, hidden relu"


def test_the_best_come_first():
    results = [
        result(0, value=0.5),
        result(1, "pruned", 0.1, 1),
        result(2, value=0.25),
        result(3, value=0.25),
        result(4, "failed", None, None),
    ]
    by_cost, by_accuracy = search(), search(("trials = 3", 'objective = "accuracy"'))
    assert shown.best(by_cost, results).number == 2
    assert shown.best(by_accuracy, results).number == 0
    assert shown.best(by_cost, results[1:2]) is None
    first, *rows = shown.table(by_cost, results).splitlines()
    assert first.split() == ["trial", "cost", "epoch", "state", "eta", "hidden"]
    assert [row.split()[0] for row in rows] == ["2", "3", "0", "1", "4"]
    rows = shown.table(by_accuracy, results).splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["0", "2", "3", "1", "4"]


def test_a_long_table_is_cut():
    told = shown.table(search(), [result(i) for i in range(25)])
    assert told.count("\n") == 21
    assert told.endswith("and 5 more, which --json lists")


def test_json():
    found = shown.as_json(search(), "run", [result(0), result(1, "pruned", 0.1, 1)])
    again = json.loads(json.dumps(found))
    assert again["best"] == 0
    assert again["trials"][1]["state"] == "pruned"
    assert again["trials"][0]["values"] == VALUES
    assert again["trials"][0]["folder"] == str(Path("run/trial-0000"))
