"""The rows of the book: chosen, trained, and told with the book's own numbers."""

import json

import pytest

import bpx
from benchmarks import book
from bpx.data import Split


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
