"""A column becomes numbers as it was fitted."""

import numpy as np
import pytest

from bpx.data.tables.column import of_array
from bpx.data.tables.feature import Feature, fit_feature


def test_numbers_are_scaled_and_missing_ones_are_the_median():
    column = of_array("n", [1.0, 2.0, 6.0, None])
    feature = fit_feature(column, "standard")
    x, _ = feature.encode(column, "t")
    filled = np.array([1.0, 2.0, 6.0, 2.0])
    np.testing.assert_allclose(x[:, 0], (filled - filled.mean()) / filled.std())
    assert x[:, 1].tolist() == [0, 0, 0, 1]


def test_it_is_restored_from_its_description():
    feature = fit_feature(of_array("t", ["a", "b", None]), "standard")
    assert Feature.restored(feature.described()) == feature
    with pytest.raises(ValueError, match="no feature"):
        Feature.restored({**feature.described(), "scale": 0.0})
