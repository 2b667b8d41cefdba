"""The mini-batches of windows: each sample once, whole ones first, the rest at the end."""

from itertools import chain, pairwise

import numpy as np
import pytest

from bpx.arrays.home import select
from bpx.model.inputs import Samples
from bpx.training.windows import Windowed


class Some(list):
    closed = False

    def close(self):
        self.closed = True


def windowed(sizes=(8, 8, 5), **changed):
    ends, home = np.cumsum([0, *sizes]), select("numpy", "float32")
    made = Some(
        Samples(np.arange(a, b)[:, None], np.arange(a, b), "argmax") for a, b in pairwise(ends)
    )
    settings = {
        "samples": int(ends[-1]), "batch_size": 4, "seed": 1, "shuffle": True,
        "drop_last": False, "rows": sizes[0],
    }  # fmt: skip

    def windows(epoch, start):
        made[:] = made[start:]
        return made

    return Windowed(home, None, windows, **(settings | changed)), made


def batches(made, epoch=1, skip=0):
    """The samples of every step, from the first one that is not left out."""
    found, (_, stretches, first) = [], made(epoch, skip)
    for stretch in stretches:
        assert stretch.before == len(found) + 2 * first
        rows = stretch.rows[stretch.start : stretch.stop]
        assert [len(each) for each in rows] == list(stretch.sizes)
        found += [stretch.data.y[each].tolist() for each in rows]
    return found


def test_each_sample_comes_once_in_an_epoch():
    made, windows = windowed()
    found = batches(made)
    assert sorted(chain(*found)) == list(range(21))
    assert [len(each) for each in found] == [4, 4, 4, 4, 4, 1]
    assert windows.closed


def test_windows_are_shuffled_by_the_seed_the_epoch_and_the_number():
    orders = [
        batches(windowed(seed=seed)[0], epoch) for seed, epoch in ((1, 1), (1, 2), (2, 1))
    ]
    assert batches(windowed()[0]) == orders[0]
    assert len({*map(str, orders)}) == 3
    first, second = ([*chain(*orders[0][i : i + 2])] for i in (0, 2))
    assert [each - 8 for each in second] != first
    assert sorted(first) == list(range(8))


def test_the_order_is_kept_if_it_is_not_shuffled():
    assert [*chain(*batches(windowed(shuffle=False)[0]))] == list(range(21))


def test_a_smaller_last_batch_can_be_dropped():
    made, _ = windowed(drop_last=True)
    assert made(1).samples == 20
    assert [len(each) for each in batches(made)] == [4] * 5
    assert windowed(samples=None, drop_last=True)[0](1).samples is None


def test_reading_stops_if_the_epoch_is_abandoned():
    made, windows = windowed()
    stretches = made(1).stretches
    next(stretches)
    stretches.close()
    assert windows.closed


def test_the_steps_of_an_epoch_are_known_if_its_samples_are():
    assert windowed()[0].steps == 6
    assert windowed(drop_last=True)[0].steps == 5
    assert windowed(samples=None)[0].steps is None


def test_nothing_is_added_to_the_state_or_the_record():
    made, _ = windowed()
    assert (made.start(), made.finish()) == (None, {})


def test_rows_are_at_home():
    made, _ = windowed()
    rows = next(made(1).stretches).rows
    assert made.home.owns(rows)
    assert rows.dtype == np.int32


@pytest.mark.parametrize(("skip", "first"), [(0, 0), (1, 0), (2, 1), (3, 2)])
def test_an_epoch_can_begin_at_a_later_window(skip, first):
    whole, epoch = batches(windowed()[0]), windowed()[0](1, skip)
    assert epoch.first == first
    assert epoch.samples == 21
    assert batches(windowed()[0], skip=skip) == whole[2 * first :]
