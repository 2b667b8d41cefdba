"""Classes by name, numbers in their units."""

import numpy as np
import pytest

import bpx
from bpx.data.tables.target import Target, fit_target, task_of
from bpx.data.tables.values import of_array


def test_labels_from_one_are_classes():
    column = of_array("k", np.arange(80) % 3 + 1)
    target = fit_target(column, "classes", "standard", np.arange(80))
    assert target.classes == (1, 2, 3)
    assert target.encode(column, "t")[:3].tolist() == [0, 1, 2]


def test_numbers_come_back_in_their_units():
    column = of_array("n", [1.5, 2.5, 4.0])
    target = fit_target(column, "numbers", "standard", np.arange(3))
    back = target.decode(target.encode(column, "t"))
    np.testing.assert_allclose(back, column.values, rtol=1e-6)


def test_one_value_leaves_nothing_to_learn():
    table = bpx.data.as_table({"a": [1.0, 2.0], "k": ["x", "x"]})
    with pytest.raises(bpx.InputError, match="always x"):
        task_of(table["k"], table)


def fitted(values, task="classes", scaling="standard"):
    return fit_target(of_array("k", values), task, scaling, np.arange(len(values)))


def test_a_task_is_refused_where_it_cannot_be():
    with pytest.raises(bpx.InputError, match=r"holds texts, such as 'x'.*task='classes'"):
        fitted(["x", "y", "x"], "numbers")
    with pytest.raises(bpx.InputError, match="has 1 class; expected two"):
        fitted(["x", "x", None])


def test_classes_that_float64_cannot_tell_apart_are_refused():
    with pytest.raises(bpx.InputError, match="rounds larger whole numbers"):
        fitted(np.array([2**53 + 1, 2**53 + 3] * 2))


@pytest.mark.parametrize(
    ("trained", "given", "expected"),
    [
        (["no", "yes"], ["yes", "no"], [1, 0]),
        ([False, True], [1, 0], [1, 0]),
        ([0, 1], [True, False], [1, 0]),
        ([1.0, 2.0], [2, 1], [1, 0]),
        (["01", "2x"], ["2x", "01"], [1, 0]),
        (["01", "x"], [1.0], [0]),
    ],
)
def test_classes_are_found_in_another_spelling(trained, given, expected):
    assert fitted(trained).encode(of_array("k", given), "t").tolist() == expected


def test_a_class_that_was_not_trained_on_is_named():
    with pytest.raises(bpx.InputError, match=r"has z, which .* expected x, y"):
        fitted(["x", "y"]).encode(of_array("k", ["x", "z"]), "t")
    with pytest.raises(bpx.InputError, match="missing in row 2"):
        fitted(["x", "y"]).encode(of_array("k", ["x", None]), "t")


def test_dates_are_classes_by_their_text():
    target = fitted(np.array(["2026-01-31", "2026-02-01"], "M8[D]"))
    assert target.named(np.array([1, 0])).tolist() == ["2026-02-01", "2026-01-31"]


def test_a_number_that_float32_does_not_have_is_refused():
    with pytest.raises(bpx.InputError, match=r"is 1e\+39 in row 1, counted from 1, which"):
        fitted([1.0, 2.0], "numbers", "none").encode(of_array("k", [1e39]), "t")


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"task": "other"},
        {"classes": "xy"},
        {"classes": ["x"]},
        {"classes": ["1", 1]},
        {"classes": [None, "x"]},
        {"scale": 0},
        {"center": float("nan")},
        {"more": 1},
    ],
)
def test_what_no_target_is(change):
    target = Target("k", "classes", ("x", "y"))
    assert Target.restored(target.described()) == target
    with pytest.raises((KeyError, TypeError, ValueError)):
        Target.restored({**target.described(), **change})


def test_counts_are_divided_by_their_mean():
    target = fitted([0.0, 2.0, 7.0], "numbers", "mean")
    assert (target.center, target.scale) == (0.0, 3.0)
    encoded = target.encode(of_array("k", [6.0]), "t")
    assert encoded.tolist() == [2.0]
    assert target.decode(encoded).tolist() == [6.0]
    assert fitted([0.0, 0.0], "numbers", "mean").scale == 1.0
    assert np.isfinite(fitted([1e308, 1.5e308], "numbers", "mean").scale)
    with pytest.raises(bpx.InputError, match=r"target_scaling='mean'.*'k' has -2; expected"):
        fitted([1.0, -2.0, 3.0], "numbers", "mean")


def test_the_mean_is_that_of_the_training_rows():
    column = of_array("k", [1.0, 3.0, 50.0, None])
    assert fit_target(column, "numbers", "mean", np.array([0, 1, 3])).scale == 2.0
