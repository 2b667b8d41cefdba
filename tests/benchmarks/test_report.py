"""Numbers as the tables show them."""

from benchmarks import report


def test_a_band_is_the_median_and_the_extremes():
    assert report.band([3.0, 1.0, 2.0], 1) == "2.0 [1.0, 3.0]"
