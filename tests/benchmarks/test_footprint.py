"""The bytes that a case takes."""

import pytest

from benchmarks import footprint
from benchmarks.cases import Case


def test_the_bytes_of_a_case():
    case = Case("by hand", (3, 2, 1), "relu", "softmax", "cross_entropy", "adam", 1.0, 4, 10)
    found = footprint.footprint(case)
    assert found == (160, 64, 44, 88, 44, 96, 48)  # 11 parameters, 6 and 3 widths, 4 rows
    assert found.bound == pytest.approx(1.15 * (160 + 44 + 96 + 48 + 2 * (44 + 88)))
    assert found.moved == 64 + 2 * (44 + 88 + 44 + 96 + 48)
    assert footprint.footprint(case._replace(optimizer="sgd")).state == 0
