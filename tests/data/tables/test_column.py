"""A column's cells, labels and texts."""

import numpy as np

from bpx.data.tables.column import level, of_texts
from bpx.data.tables.values import of_array


def test_cells_are_written_as_a_table_has_them():
    dates = of_array("d", np.array(["2026-01-02", "NaT"], "datetime64[D]"))
    assert dates.texts() == ["2026-01-02", ""]
    assert of_array("n", [1, 2]).texts() == ["1", "2"]
    assert of_array("t", ["x", None]).texts() == ["x", ""]


def test_spaces_are_no_part_of_a_text():
    column = of_texts("t", np.array([0, 1, -1]), [" a", "a "])
    assert (column.levels, column.values.tolist()) == (("a",), [0, 0, -1])


def test_levels_are_found_however_a_table_of_numbers_wrote_them():
    numbers = of_array("n", [1.0, 2.0, np.nan, 7.0])
    assert numbers.places(["02", "01", "x"]).tolist() == [1, 0, -1, -1]
    assert numbers.places(["1", "01", "2.0"]).tolist() == [0, 2, -1, -1]  # exact before alike
    assert of_array("b", [True, False]).places(["no", "true"]).tolist() == [1, -1]
    dates = of_array("d", np.array(["2026-01-31"], "M8[D]"))
    assert dates.places(["x", "2026-01-31"]).tolist() == [1]


def test_levels_are_found_as_they_are_among_texts():
    column = of_array("t", ["1", "01", None, "x"])
    assert column.places(["01", "x"]).tolist() == [-1, 0, -1, 1]
    assert of_array("t", [None, "x"]).take([0]).places(["x"]).tolist() == [-1]


def test_dates_are_labels_as_a_person_writes_them():
    column = of_array("d", np.array(["2026-01-31", "2026-01-31T12:30"], "M8[m]"))
    assert column.labels() == ["2026-01-31", "2026-01-31 12:30:00"]
    assert of_array("d", np.array([10**14], "M8[s]")).texts() == ["day 1.15741e+09"]


def test_values_of_categories_are_called_as_numbers_are():
    assert [level(v) for v in ("x", 2.0, 2.5, 3, True)] == ["x", "2", "2.5", "3", "True"]
    assert level(b"x") is None
