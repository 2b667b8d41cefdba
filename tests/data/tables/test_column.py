"""A column's cells, labels and texts."""

import numpy as np

from bpx.data.tables.column import of_array, of_texts


def test_cells_are_written_as_a_table_has_them():
    dates = of_array("d", np.array(["2026-01-02", "NaT"], "datetime64[D]"))
    assert dates.texts() == ["2026-01-02", ""]
    assert of_array("n", [1, 2]).texts() == ["1", "2"]
    assert of_array("t", ["x", None]).texts() == ["x", ""]


def test_spaces_are_no_part_of_a_text():
    column = of_texts("t", np.array([0, 1, -1]), [" a", "a "])
    assert (column.levels, column.values.tolist()) == (("a",), [0, 0, -1])
