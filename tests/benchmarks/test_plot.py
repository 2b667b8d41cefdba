"""Times, as the pictures tell them."""

from benchmarks import plot


def test_times_are_told_in_the_unit_that_suits_them():
    assert [plot.told(each) for each in (68.3, 6260.0, 3.1e6)] == [
        "68.3 µs",
        "6.26 ms",
        "3.1 s",
    ]
