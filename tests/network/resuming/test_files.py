"""The history of a run in its files."""

import csv

import pytest

import bpx
from bpx.io.runs import Run
from bpx.network.resuming import files
from bpx.network.resuming.files import Records, read_records

EPOCHS = [bpx.Epoch(n, 1.0 / n, None, None, 0.1 * n, 5.0, {}, 0.1) for n in range(1, 6)]


@pytest.fixture
def run(tmp_path):
    found = Run(tmp_path)
    found.make()
    return found


def rows(run):
    with (run.path / "history.csv").open(newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def lines(run):
    return (run.path / "history.jsonl").read_text().count("\n")


def fill(run, epochs=EPOCHS, earlier=()):
    history = Records(run, earlier)
    for epoch in epochs:
        history.add(epoch, lambda: b"model %d" % epoch.number)  # noqa: B023
    return history


def test_each_epoch_adds_a_line_to_both_files_and_replaces_the_model(run):
    history = fill(run)
    assert history.records == EPOCHS
    assert read_records(run, 5) == EPOCHS
    assert rows(run) == [1, 2, 3, 4, 5]
    assert (run.path / "model.safetensors").read_bytes() == b"model 5"


def test_what_comes_after_the_checkpoint_is_forgotten(run, caplog):
    fill(run)
    with (run.path / "history.jsonl").open("a") as file:
        file.write('{"epoch": 6, "co')  # a kill
    earlier = read_records(run, 2)
    assert earlier == EPOCHS[:2]
    history = fill(run, EPOCHS[2:3], earlier)
    assert history.records == EPOCHS[:3]
    assert rows(run) == [1, 2, 3]
    assert lines(run) == 3
    assert caplog.text == ""


def test_a_checkpoint_makes_the_files_right_even_before_the_next_epoch(run):
    fill(run)
    Records(run, EPOCHS[:1]).sync()
    assert rows(run) == [1]
    assert lines(run) == 1


def test_no_epoch_is_an_empty_history(run):
    Records(run, []).sync()
    assert lines(run) == 0
    assert (run.path / "history.csv").read_bytes() == b""


def test_a_caller_who_goes_back_has_its_epochs_replaced(run):
    history = fill(run)
    history.add(EPOCHS[2], lambda: b"model 3")
    history.sync()
    assert history.records == EPOCHS[:3]
    assert rows(run) == [1, 2, 3]


def test_a_damaged_history_is_told(run, caplog):
    fill(run)
    text = (run.path / "history.jsonl").read_text().splitlines(keepends=True)
    (run.path / "history.jsonl").write_text("".join([*text[:2], "half\n", *text[3:]]))
    assert read_records(run, 5) == EPOCHS[:2]
    assert "history.jsonl is damaged: it has 2 of 5 epochs" in caplog.text


@pytest.mark.parametrize(
    "line",
    ["5", "null", '"a"', '{"observed": 5}', "[" * 100_000, '{"epoch": "3"}', "[]", ""],
)
def test_a_damaged_line_is_told_whatever_it_holds(run, caplog, line):
    fill(run)
    text = (run.path / "history.jsonl").read_text().splitlines(keepends=True)
    (run.path / "history.jsonl").write_text("".join([*text[:2], f"{line}\n", *text[3:]]))
    assert read_records(run, 5) == EPOCHS[:2]
    assert "history.jsonl is damaged: it has 2 of 5 epochs" in caplog.text


def test_records_of_other_epochs_are_not_taken(run, caplog):
    fill(run)
    text = (run.path / "history.jsonl").read_text().replace('"epoch": 3', '"epoch": "3"')
    (run.path / "history.jsonl").write_text(text)
    assert read_records(run, 5) == EPOCHS[:2]


@pytest.mark.parametrize(
    ("left", "lost"),
    [([], [(1, 3)]), (EPOCHS[:2], [(3, 3)]), (EPOCHS[1:3], [(1, 1)]), (EPOCHS[:3], [])],
)
def test_what_was_lost_before_is_no_damage(run, caplog, left, lost):
    history = fill(run, EPOCHS[3:], left)
    assert history.lost(3) == lost
    assert history.lost(5) == lost
    assert history.lost(1) == ([(1, 1)] if lost and lost[0][0] == 1 else [])
    assert read_records(run, 5, lost) == [*left, *EPOCHS[3:]]
    assert caplog.text == ""
    assert read_records(run, 5, [*lost, (4, 4)]) == left
    assert "is damaged" in caplog.text


def test_a_caller_who_goes_back_behind_a_gap_closes_it(run):
    history = fill(run, EPOCHS[3:], EPOCHS[:1])
    assert history.lost(5) == [(2, 3)]
    history.add(EPOCHS[1], lambda: b"model")
    assert history.records == EPOCHS[:2]
    assert history.lost(2) == []
    assert read_records(run, 2) == EPOCHS[:2]


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_left_of_a_damaged_history_is_kept(run, caplog, times):
    for _ in range(times):
        fill(run)
        left = (run.path / "history.csv").read_bytes()
        (run.path / "history.jsonl").unlink()
        fill(run, EPOCHS[2:], read_records(run, 2))
        assert rows(run) == [3, 4, 5]
    assert (run.path / f"history.damaged-{times}.csv").read_bytes() == left
    assert f"what was there is kept in history.damaged-{times}.csv" in caplog.text
    assert "history.jsonl is missing: it has 0 of 2 epochs" in caplog.text


def test_a_full_disk_loses_no_record(run, monkeypatch, caplog):
    history, append = fill(run, EPOCHS[:2]), Records._append

    def full(self, epoch):
        if epoch.number < 5:
            raise OSError(28, "No space left on device")
        append(self, epoch)

    monkeypatch.setattr(Records, "_append", full)
    for epoch in EPOCHS[2:]:
        history.add(epoch, lambda: b"model")
    assert caplog.text.count("could not be written (No space left on device)") == 2
    assert read_records(run, 5) == EPOCHS
    assert rows(run) == [1, 2, 3, 4, 5]


def test_a_value_that_json_cannot_hold_is_told_once(run, caplog):
    fill(run, [each._replace(observed={"mine": object()}) for each in EPOCHS])
    assert caplog.text.count("the observer 'mine' cannot be written to history.jsonl") == 1
    assert read_records(run, 5) == EPOCHS


def test_a_sync_waits_for_the_disk_only_if_there_is_something_new(run, monkeypatch):
    history, synced = fill(run), []
    monkeypatch.setattr(files, "sync", synced.append)
    history.sync()
    history.sync()
    assert synced == [run.path / "history.jsonl"]
