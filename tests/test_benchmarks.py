"""The benchmarks run, on sizes so small that they take no time; nothing asserts on time."""

import json

import numpy as np
import pytest

import bpx
from benchmarks import book, imports, report, speed
from benchmarks.cases import CASES, problem
from benchmarks.peers import available
from bpx.data import Dataset, Split

TINY = {
    "S": CASES["S"]._replace(sizes=(12, 5, 4), eta=0.5, samples=20),
    "M": CASES["M"]._replace(sizes=(12, 7, 6, 4), batch=8, samples=16),
}


@pytest.fixture
def stand_in(monkeypatch):
    """A data set that stands in for MNIST, of 40 samples."""
    rng = np.random.default_rng(0)
    y = np.arange(40, dtype=np.int32) % 10
    x = (np.eye(10)[y] + 0.1 * rng.random((40, 10))).astype(np.float32)
    split = Split(x, y)
    data = Dataset("mnist", split, split, split)
    monkeypatch.setattr(book, "_mnist", lambda folder: data)
    return data


def short(name, epochs=3):
    return next(row for row in book.ROWS if row.name == name)._replace(epochs=epochs)


def test_every_row_of_the_book_has_a_name_of_its_own_and_can_be_trained():
    assert len({row.name for row in book.ROWS}) == len(book.ROWS)
    assert {row.reports for row in book.ROWS} == {
        "test",
        "validation",
        "test at best validation",
    }
    for row in book.ROWS:
        bpx.Network(
            [784, row.hidden, 10], output=row.output, cost=row.cost, init=row.init, seed=0
        )


def test_rows_are_chosen_by_name():
    assert [row.name for row in book.chosen("ch3-30,ch1-30")] == ["ch3-30", "ch1-30"]
    assert book.chosen(None) == book.ROWS
    with pytest.raises(SystemExit, match="no row ch9; known: ch1-30"):
        book.chosen("ch1-30,ch9")


def test_a_run_keeps_the_peak_and_the_last_accuracy(stand_in):
    found = book.train(short("ch1-30"), stand_in, 0, "numpy")
    assert len(found.curve) == 3
    assert found.peak == max(found.curve)
    assert found.last == found.curve[-1]


def test_a_run_learns_and_its_seed_repeats_it(stand_in):
    row = short("ch3-30", epochs=20)
    found = book.train(row, stand_in, 1, "numpy")
    assert found.last > 90.0
    assert found.curve == book.train(row, stand_in, 1, "numpy").curve


def test_test_at_best_validation_is_of_the_first_best_epoch(stand_in):
    wrong = Split(stand_in.test.x, (stand_in.test.y + 1) % 10)  # test = what validation is not
    data = stand_in._replace(test=wrong)
    row = short("ch6-100-softmax", epochs=20)._replace(eta=1.0)
    found = book.train(row, data, 0, "numpy")
    assert max(found.curve) == 100.0
    assert found.peak == found.last == 0.0


def test_the_book_prints_and_writes_each_row(stand_in, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(book, "ROWS", (short("ch1-30"), short("ch3-100-l2")))
    out = tmp_path / "book.json"
    book.main(["--seeds", "2", "--backend", "numpy", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "| ch1-30 | test | 95.42 peak, 95.34 last |" in printed
    written = json.loads(out.read_text())
    assert [len(row["runs"]) for row in written["rows"].values()] == [2, 2]
    assert written["rows"]["ch3-100-l2"]["lmbda"] == 5.0


@pytest.mark.parametrize("case", TINY.values(), ids=TINY)
def test_the_peers_do_the_same_work(case):
    found = {}
    for peer in available():
        train = peer.prepare(problem(case))
        if peer.equal:
            found[peer.name] = [train(), train()]
        else:
            train()
    ours = found["bpx numpy"]
    for name, outcomes in found.items():
        for mine, theirs in zip(ours, outcomes, strict=True):
            assert theirs.cost == pytest.approx(mine.cost, rel=2e-4), name
            assert theirs.accuracy == pytest.approx(mine.accuracy), name


def test_speed_prints_its_tables_and_writes_its_times(monkeypatch, capsys, tmp_path):
    for name, case in TINY.items():
        monkeypatch.setitem(CASES, name, case)
    monkeypatch.setattr(speed, "PAUSE", 0.0)
    out = tmp_path / "speed.json"
    speed.main(["--repeats", "2", "--window", "0", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "µs / step" in printed
    assert "threads: cores" in printed
    assert out.exists()
    times = json.loads(out.read_text())["microseconds"]
    assert times.keys() == {"S", "M"}
    assert all(len(values) == 2 for values in times["S"].values())


def test_a_ratio_above_one_says_that_bpx_is_faster():
    times = {"bpx numpy": [10.0, 20.0], "PyTorch eager": [30.0, 40.0]}
    assert speed.ratios(times, "PyTorch eager", "bpx numpy") == [3.0, 2.0]
    assert "| S: PyTorch eager ÷ bpx numpy | 2.50 | 2.50 [2.00, 3.00] | 3.00 | yes |" in (
        speed.asked_table({"S": times})
    )


def test_imports_prints_both_and_the_largest_modules(capsys):
    imports.main(["--repeats", "1", "--modules"])
    printed = capsys.readouterr().out
    assert "| import bpx |" in printed
    assert "| module | ms by itself |" in printed


def test_importtime_is_read():
    lines = (
        "import time: self [us] | cumulative | imported package\nimport time: 1500 | 2000 | a.b"
    )
    assert imports.parse(lines) == [imports.Module("a.b", 1.5)]


def test_a_band_is_the_median_and_the_extremes():
    assert report.band([3.0, 1.0, 2.0], 1) == "2.0 [1.0, 3.0]"


def test_the_cpu_clock_is_refused_on_several_cores(monkeypatch, capsys):
    monkeypatch.setattr(speed, "cores", lambda: 2)
    with pytest.raises(SystemExit):
        speed.main(["--clock", "cpu"])
    assert "pin to one core" in capsys.readouterr().err
