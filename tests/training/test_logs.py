"""Files of records: what is in them, also when a run is continued, or fails."""

import csv
import errno
import json
import math
from pathlib import Path

import numpy as np
import pytest

import bpx
from tests.training.small import SETTINGS, network, samples
from tests.training.test_rows import epoch


class Sometimes:
    """It has a value in the second epoch, and later."""

    name = "sometimes"

    def __call__(self, state, data, epoch):
        return {"value": float(epoch)} if epoch > 1 else None


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_epoch_is_a_row(tmp_path):
    x, y = samples()
    path = tmp_path / "history.csv"
    history = network().fit(x, y, validation=(x, y), callbacks=[bpx.CSVLog(path)], **SETTINGS)
    found = read(path)
    assert [each["epoch"] for each in found] == ["1", "2", "3"]
    for each, record in zip(found, history, strict=True):
        assert float(each["cost"]) == record.cost
        assert float(each["validation_accuracy"]) == record.validation.accuracy
    assert path.read_bytes().count(b"\n") == 4
    assert b"\r" not in path.read_bytes()


def test_each_epoch_is_a_line(tmp_path):
    x, _ = samples()
    path = tmp_path / "history.jsonl"
    history = network().fit(x, x[:, :3], callbacks=[bpx.JSONLog(path)], **SETTINGS)
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [each["cost"] for each in found] == [each.cost for each in history]
    assert found[0]["accuracy"] is None


def test_a_row_is_there_before_the_next_epoch(tmp_path):
    log, lines = bpx.CSVLog(tmp_path / "a.csv"), bpx.JSONLog(tmp_path / "a.jsonl")
    for number, _ in enumerate(
        bpx.train(network(), samples(), callbacks=[log, lines], **SETTINGS), 1
    ):
        assert len(read(log.path)) == number
        assert len(lines.path.read_text().splitlines()) == number


def test_columns_that_come_later_are_empty_before(tmp_path):
    path = tmp_path / "a.csv"
    network().fit(*samples(), observers=[Sometimes()], callbacks=[bpx.CSVLog(path)], **SETTINGS)
    assert [each["sometimes_value"] for each in read(path)] == ["", "2.0", "3.0"]
    assert [each["epoch"] for each in read(path)] == ["1", "2", "3"]


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_a_file_is_replaced_unless_it_is_added_to(tmp_path, kind):
    path = tmp_path / "a"
    kind(path)(epoch(number=1))
    first = path.read_bytes()
    log = kind(path)
    assert path.read_bytes() == first  # until there is a record
    log(epoch(number=1))
    log(epoch(number=2))
    assert path.read_bytes().startswith(first)
    more = kind(path, append=True)
    more(epoch(number=3))
    texts = path.read_text().splitlines()
    assert len(texts) == (4 if kind is bpx.CSVLog else 3)
    kind(path, append=True)(epoch(number=4))
    assert len(path.read_text().splitlines()) == len(texts) + 1
    kind(tmp_path / "new", append=True)(epoch(number=1))
    assert (tmp_path / "new").read_bytes() == first


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_half_a_line_that_a_kill_has_left_spoils_no_other(tmp_path, kind):
    whole, path = tmp_path / "whole", tmp_path / "a"
    kind(whole)(epoch(number=1))
    kind(path)(epoch(number=1))
    with path.open("a") as file:
        file.write("2,0.")
    log = kind(path, append=True)
    for number in (2, 3):
        log(epoch(number=number))
        kind(whole, append=True)(epoch(number=number))
    lines, expected = path.read_text().splitlines(), whole.read_text().splitlines()
    assert [each for each in lines if each != "2,0."] == expected
    assert len(lines) == len(expected) + 1


def test_columns_of_a_file_that_is_added_to_stay_where_they_are(tmp_path):
    path = tmp_path / "a.csv"
    bpx.CSVLog(path)(epoch(number=1, observed={"mine": 7}))
    bpx.CSVLog(path, append=True)(epoch(number=2, observed={"other": 8}))
    first, second = read(path)
    assert (first["mine"], first["other"]) == ("7", "")
    assert (second["mine"], second["other"]) == ("", "8")
    assert second["epoch"] == "2"


def test_json_has_no_nan(tmp_path):
    path = tmp_path / "a.jsonl"
    bpx.JSONLog(path)(
        epoch(cost=math.nan, accuracy=math.inf, observed={"x": np.float64("nan")})
    )
    found = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert (found["cost"], found["accuracy"], found["x"]) == (None, None, None)


def test_rows_of_a_run_that_diverges_are_kept(tmp_path):
    path = tmp_path / "a.csv"
    net = network()

    def break_it(epoch):
        if epoch.number == 2:
            net.parameters = [w * np.nan for w in net.weights], net.biases

    with pytest.raises(bpx.DivergenceError):
        net.fit(*samples(), callbacks=[bpx.CSVLog(path), break_it], **SETTINGS)
    assert [each["epoch"] for each in read(path)] == ["1", "2"]


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_a_path_that_cannot_be_written_is_refused_before_any_training(tmp_path, kind):
    with pytest.raises(
        bpx.InputError, match=r"none/a cannot be written: .*none is not a folder; expected a"
    ):
        kind(tmp_path / "none" / "a")
    with pytest.raises(bpx.InputError, match="is a folder; expected the path of a file"):
        kind(tmp_path)
    for none in (None, 5, ["a"]):
        with pytest.raises(bpx.InputError, match="was given as a path; expected a text"):
            kind(none)


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_a_folder_that_is_gone_is_named(tmp_path, kind):
    folder = tmp_path / "gone"
    folder.mkdir()
    log = kind(folder / "a")
    folder.rmdir()
    with pytest.raises(bpx.InputError, match="gone/a cannot be written: No such file"):
        log(epoch())
    assert repr(log) == f"<bpx.{kind.__name__} {str(log.path)!r}>"


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_a_file_that_is_no_log_is_not_added_to(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(bpx.InputError, match=r"a cannot be read: .*; expected a log that bpx"):
        kind(path, append=True)
    assert path.read_bytes() == b"\xff\xfe\x00"


def test_a_cell_that_csv_cannot_hold_is_no_column(tmp_path):
    path = tmp_path / "a"
    path.write_text("x" * (csv.field_size_limit() + 1))
    with pytest.raises(bpx.InputError, match="cannot be read: field larger"):
        bpx.CSVLog(path, append=True)
    log = bpx.CSVLog(tmp_path / "b")
    log(epoch(number=1))
    with log.path.open("a") as file:  # half a line, however long
        file.write("2," + "0" * (csv.field_size_limit() + 1))
    bpx.CSVLog(log.path, append=True)(epoch(number=2))
    assert log.path.read_text().splitlines()[-1].startswith("2,")


def numbers(path, kind):
    """The epochs in a file."""
    if kind is bpx.CSVLog:
        return [int(each["epoch"]) for each in read(path)]
    return [json.loads(line)["epoch"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("half", ["", "4,0."])
@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_a_continued_run_replaces_what_it_computes_again(tmp_path, kind, half):
    path = tmp_path / "a"
    log = kind(path)
    for number in (1, 2, 3):  # of an earlier training
        log(epoch(number=number))
    log = kind(path, append=True)
    for number in (1, 2, 3):
        log(epoch(number=number))
    with path.open("a") as file:
        file.write(half)
    log = kind(path, append=True)
    for number in (2, 3, 4):
        log(epoch(number=number))
    assert numbers(path, kind) == [1, 2, 3, 1, 2, 3, 4]


def test_a_line_that_is_no_record_ends_what_is_replaced(tmp_path):
    path = tmp_path / "a"
    path.write_text('{"epoch": 5}\n{"mine": 1}\n{"epoch": 3}\n')
    bpx.JSONLog(path, append=True)(epoch(number=3))
    assert [*map(json.loads, path.read_text().splitlines()[:2])] == [{"epoch": 5}, {"mine": 1}]
    assert len(path.read_text().splitlines()) == 3


@pytest.fixture
def full(monkeypatch):
    """Disks that take half of what is written, and then are full, until it is called."""
    opened = Path.open

    def open_full(path, mode="r", *given, **named):
        file = opened(path, mode, *given, **named)
        write = file.write

        def half(what):
            write(what[: len(what) // 2])
            file.flush()
            raise OSError(errno.ENOSPC, "No space left on device")

        if mode not in ("r", "rb"):
            file.write = half
        return file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_full)
        yield patch.undo


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_a_full_disk_loses_no_record(tmp_path, kind, full, caplog):
    log = kind(tmp_path / "a")
    log(epoch(number=1))
    log(epoch(number=2))
    assert caplog.text.count("could not be written") == 1
    assert "epoch 1 could not be written to " in caplog.text
    assert "(No space left on device); training goes on" in caplog.text
    full()
    log(epoch(number=3))
    assert numbers(log.path, kind) == [1, 2, 3]
    kind(tmp_path / "b")(epoch(number=1))
    assert log.path.read_text().startswith((tmp_path / "b").read_text())


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_a_disk_that_becomes_full_keeps_the_file_whole(tmp_path, kind, request, caplog):
    first = kind(tmp_path / "a")
    for number in (1, 2, 3):
        first(epoch(number=number))
    before = first.path.read_bytes()
    log = kind(first.path, append=True)
    room = request.getfixturevalue("full")
    log(epoch(number=3))  # takes the place of an earlier one
    log(epoch(number=4, observed={"mine": 1}))
    assert first.path.read_bytes() == before
    log.close()
    assert f"{first.path} has no record of epoch 3, 4 (" in caplog.text
    room()
    log.close()
    assert numbers(first.path, kind) == [1, 2, 3, 4]


def test_training_goes_on_while_the_disk_is_full(tmp_path, full, caplog):
    log = bpx.CSVLog(tmp_path / "a")
    history = network().fit(*samples(), callbacks=[log], **SETTINGS)
    assert len(history) == 3
    assert "has no record of epoch 1, 2, 3" in caplog.text


def test_what_is_kept_is_what_the_record_was(tmp_path, full):
    log, observed = bpx.JSONLog(tmp_path / "a"), {"mine": 1}
    for number in (1, 2, 3):
        observed["mine"] = number  # by an observer that returns the same mapping each time
        log(epoch(number=number, observed=observed))
    full()
    log.close()
    lines = map(json.loads, log.path.read_text().splitlines())
    assert [each["mine"] for each in lines] == [1, 2, 3]


@pytest.mark.parametrize("kind", [bpx.CSVLog, bpx.JSONLog])
def test_another_failure_loses_its_record_and_no_later_one(tmp_path, kind, monkeypatch):
    log = kind(tmp_path / "a")
    log(epoch(number=1))
    with monkeypatch.context() as patch:

        def refuse(*given, **named):
            raise OSError(errno.EROFS, "Read-only file system")

        patch.setattr(Path, "open", refuse)
        with pytest.raises(bpx.InputError, match="cannot be written: Read-only file system"):
            log(epoch(number=2))
    log(epoch(number=3))
    log.close()
    assert numbers(log.path, kind) == [1, 3]


def test_closing_hides_no_reason_why_training_ended(tmp_path, full, caplog, monkeypatch):
    log = bpx.CSVLog(tmp_path / "none")

    def end(record):
        monkeypatch.setattr(log, "path", tmp_path / "gone" / "none")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        network().fit(*samples(), callbacks=[log, end], **SETTINGS)
    assert "has no record of epoch 1 (" in caplog.text
