"""The folder of a run as the ranks other than the first see it: they read it."""

import signal

import pytest

from bpx.errors import InputError, Preempted
from bpx.network.resuming.following import Followed, Following, open_together
from bpx.network.resuming.opening import Opened
from bpx.training.records import Epoch
from tests.ranks import on_ranks


def epoch(number):
    return Epoch(number, 1.0, None, None, 0.0, 0.0)


def test_it_writes_and_locks_nothing(tmp_path):
    opened = Followed(tmp_path / "run", None, None)
    opened.follow(None)
    assert opened.found is None
    assert not opened.lock()
    opened.close()
    opened.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"000003, from which rank 0 continues"):
        Followed(tmp_path, None, None).follow(3)


def test_records_are_kept_in_memory(tmp_path):
    keeper = Following(Followed(tmp_path, None, None), [epoch(1)])
    keeper.recorded(epoch(2))
    keeper.recorded(epoch(2))
    assert [each.number for each in keeper.records] == [1, 2]
    assert keeper.most() is None
    assert not keeper.due(None, None)
    keeper.ended(None)
    keeper.close()


@pytest.mark.parametrize(
    ("asked", "error"), [(signal.SIGTERM, Preempted), (signal.SIGINT, KeyboardInterrupt)]
)
def test_it_ends_where_a_signal_asks_for_it(tmp_path, asked, error):
    keeper = Following(Followed(tmp_path, None, None), [])
    keeper.between(None)
    keeper.before(ends=False)
    with pytest.raises(error):
        keeper.look(None, asked, write=True)
    with pytest.raises(error):
        keeper.start(asked, ends=True)


def test_signals_are_heeded_within_an_epoch(tmp_path):
    keeper = Following(Followed(tmp_path, None, None), [])
    before = signal.getsignal(signal.SIGTERM)
    with keeper.attending():
        signal.raise_signal(signal.SIGTERM)
        assert keeper.asked == signal.SIGTERM
        with pytest.raises(Preempted):
            keeper.between(None)
        assert keeper.asked is None
    keeper.close()
    assert signal.getsignal(signal.SIGTERM) is before


def test_one_process_opens_it_itself(tmp_path):
    made = Opened(tmp_path, None, None)
    assert open_together(None, tmp_path, None, None, lambda: made) is made


def test_the_first_of_several_opens_it(tmp_path):
    def run(ranks):
        opened = open_together(
            ranks, tmp_path, None, None, lambda: Opened(tmp_path, None, None)
        )
        return type(opened)

    assert on_ranks(3, run) == [Opened, Followed, Followed]


def test_its_error_is_that_of_all(tmp_path):
    def fail():
        raise InputError("another process uses it")

    def run(ranks):
        with pytest.raises(InputError, match="another process uses it"):
            open_together(ranks, tmp_path, None, None, fail)
        return True

    assert on_ranks(2, run) == [True, True]
