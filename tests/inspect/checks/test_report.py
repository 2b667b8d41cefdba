"""What a check found: rows, a table of them, and the error that names the first."""

import numpy as np
import pytest

import bpx
from bpx.inspect.checks.differences import known, slope
from bpx.inspect.checks.report import Report, Row, by_sample, by_unit, compared, table

RIGHT = Row("sigma'", None, "mine", True, 1e-9, 1e-6, "at z = 1", points=9)
NOTED = Row("finite", None, "mine", True, where="sigma is nan", warning=True)
WRONG = Row("BP2", 1, "mine", False, 0.01, 1e-6, "at sample 0, unit 3", points=9, skipped=2)
ODD = Row("shape and dtype", 2, "mine", False, where="sigma gave None")


def test_a_report_without_a_wrong_row_is_ok():
    report = Report("mine", (RIGHT, NOTED))
    assert report.ok
    assert (report.wrong, report.warnings) == ((), (NOTED,))
    report.raise_if_wrong()


def test_the_first_that_is_wrong_is_named_and_the_others_are_counted():
    with pytest.raises(bpx.CheckError) as caught:
        Report("mine", (RIGHT, WRONG, ODD)).raise_if_wrong()
    assert str(caught.value) == (
        "BP2, layer 1, mine: the largest deviation is 1.0e-02, at sample 0, unit 3 "
        "(and 1 more: str(report) shows all)"
    )
    assert (caught.value.equation, caught.value.layer) == ("BP2", 1)
    with pytest.raises(
        bpx.CheckError, match=r"^shape and dtype, layer 2, mine: sigma gave None$"
    ):
        Report("mine", (ODD,)).raise_if_wrong()


def test_a_table_has_a_line_for_each_row_and_then_the_remarks():
    lines = str(Report("mine, on numpy", (RIGHT, NOTED, WRONG), ("a note",))).splitlines()
    assert lines[0] == "mine, on numpy"
    assert lines[2].split() == [
        "equation", "layer", "of", "deviation", "allowed", "points", "skipped",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[4:7]] == ["ok", "note", "WRONG"]
    assert lines[6].split()[1:] == ["BP2", "1", "mine", "1.0e-02", "1.0e-06", "9", "2"]
    assert lines[8:] == [
        "note: finite, mine: sigma is nan",
        "WRONG: BP2, layer 1, mine: the largest deviation is 1.0e-02, at sample 0, unit 3",
        "",
        "a note",
    ]


def test_of_a_part_by_itself_there_are_no_layers():
    assert "layer" not in str(Report("mine", (RIGHT, NOTED)))


def test_columns_are_aligned():
    assert table([("a", "long head"), ("longer", "b")]) == [
        "a       long head",
        "-----------------",
        "longer  b",
    ]


def test_places_are_told_as_the_arrays_are_laid_out():
    assert by_unit(4)(6) == "sample 1, unit 2"
    assert by_sample(4)(6) == "sample 2, unit 1"
    assert by_sample(4, "direction")(6) == "sample 2, direction 1"


def test_a_row_tells_the_largest_deviation_and_where():
    expected = np.ones((2, 3))
    given = np.array([[1.0, 1.0, 1.0], [1.0, 1.25, 1.0]])
    row = compared("BP2", 1, "mine", given, known(expected), 1e-6, by_unit(3))
    assert not row.ok
    assert row.deviation == pytest.approx(0.2)
    assert row.where == "at sample 1, unit 1: 1.25 was given, 1 expected"
    assert (row.points, row.skipped) == (6, 0)
    assert compared("BP2", 1, "mine", given, known(expected), 0.25, by_unit(3)).ok


def test_what_differences_cannot_tell_anywhere_is_not_passed():
    kink = slope(lambda t: np.abs(np.zeros((2, 2)) + t))
    row = compared("sigma'", None, "mine", np.zeros((2, 2)), kink, 1e-6, by_unit(2))
    assert not row.ok
    assert row.deviation is None
    assert row.where == "no derivative at any of 4 points"
