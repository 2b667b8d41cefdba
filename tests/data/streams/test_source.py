"""A part is inputs, targets and perhaps weights."""

from bpx.data.streams.source import Block, Part


def test_targets_and_weights_are_optional():
    assert Part("x", "y") == ("x", "y", None)
    assert Part("x") == ("x", None, None)


def test_a_block_is_read_again_and_need_not_know_its_rows():
    block = Block(lambda: iter([1, 2]))
    assert list(block()) == list(block()) == [1, 2]
    assert block.count() is None
