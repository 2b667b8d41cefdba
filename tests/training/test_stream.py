"""A stream is cut into epochs, and its first mini-batch looked at, without losing one."""

import pytest

import bpx
from bpx.training.stream import Stream, WholeBatches
from tests.backends import assert_at_home, host
from tests.training.small import network


def epochs(stream):
    found = []
    while (epoch := stream.epoch()) is not None and len(found) < 9:
        found.append(list(epoch))
    return found


def test_an_iterator_is_gone_on_with():
    stream = Stream(iter("abcde"), 2)
    assert (stream.first, stream.lasts) == ("a", False)
    assert epochs(stream) == [["a", "b"], ["c", "d"], ["e"]]
    assert epochs(Stream(iter("abc"), None)) == [["a", "b", "c"]]


def test_what_can_be_gone_through_again_begins_anew():
    stream = Stream("abc", None)
    assert stream.lasts
    assert epochs(stream) == [["a", "b", "c"]] * 9
    assert epochs(Stream("abc", 2)) == [["a", "b"]] * 9


def test_no_more_is_asked_for_than_an_epoch_has():
    asked = []
    stream = Stream((asked.append(i) or i for i in range(9)), 2)
    assert asked == [0]
    assert list(stream.epoch()) == [0, 1]
    assert asked == [0, 1]
    assert list(stream.epoch()) == [2, 3]
    assert asked == [0, 1, 2, 3]


def test_each_pass_begins_the_iterable_once():
    """A loader may start processes each time."""

    class Loader(list):
        begun = 0

        def __iter__(self):
            self.begun += 1
            return super().__iter__()

    stream = Stream(loader := Loader("ab"), None)
    assert (stream.lasts, stream.steps, loader.begun) == (True, 2, 1)
    for number in (1, 2, 3):
        assert list(stream.epoch()) == ["a", "b"]
        assert loader.begun == number
    loader.clear()
    with pytest.raises(bpx.InputError, match="but has none now; expected an iterable that"):
        stream.epoch()


def test_what_is_none_is_refused():
    with pytest.raises(bpx.InputError, match="batches is int; expected an iterable"):
        Stream(3, None)
    with pytest.raises(bpx.InputError, match="batches has no mini-batch"):
        Stream([], None)


def test_the_rows_of_a_whole_mini_batch_are_made_once(target):
    net = network(target)
    whole = WholeBatches(net.home)
    rows = whole(3)
    assert_at_home(rows, net, "int32")
    assert host(rows).tolist() == [[0, 1, 2]]
    assert whole(3) is rows
