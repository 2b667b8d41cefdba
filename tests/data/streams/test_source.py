"""A part is inputs, targets and perhaps weights."""

from bpx.data.streams.source import Part


def test_weights_are_optional():
    assert Part("x", "y") == ("x", "y", None)
