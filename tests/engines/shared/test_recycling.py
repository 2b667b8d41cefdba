"""Memory that is used again only when nobody looks at it any more."""

import gc
import weakref

import numpy as np
import pytest

import bpx
from bpx_backends.engines.shared import recycling
from bpx_backends.engines.shared.recycling import LARGE, empty, release

N = LARGE  # float64: eight times what counts as large


@pytest.fixture(autouse=True)
def _nothing_kept():
    release()
    yield
    release()


def address(x):
    return x.__array_interface__["data"][0]


def test_memory_comes_back_when_the_array_is_gone():
    first = empty((N,), "float64")
    place = address(first)
    del first
    assert address(empty((N,), "float64")) == place


def test_memory_stays_while_a_view_is_left():
    first = empty((4, N), "float64")
    first[...] = 1.0
    view = first[1:2].T
    del first
    gc.collect()
    other = empty((4, N), "float64")
    other[...] = 2.0
    assert (view == 1.0).all()


def test_two_arrays_never_share():
    arrays = [empty((N,), "float32") for _ in range(4)]
    for i, array in enumerate(arrays):
        array[...] = i
    assert [array[0] for array in arrays] == [0.0, 1.0, 2.0, 3.0]


def test_large_arrays_begin_at_a_cache_line_and_are_writable():
    for dtype in ("float32", "float64", "uint8"):
        array = empty((3, N), dtype)
        assert array.shape == (3, N)
        assert array.dtype == dtype
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert address(array) % 64 == 0


def test_a_block_serves_what_is_not_much_smaller():
    place = address(empty((N,), "float64"))
    assert address(kept := empty((N - 7,), "float64")) == place
    assert address(empty((N // 4,), "float64")) != place
    assert kept.size == N - 7


def test_after_release_nothing_is_kept():
    held = empty((N,), "float64")
    del held
    held = empty((N,), "float64")
    release()
    del held
    assert recycling._kept.blocks == []


def test_training_keeps_nothing_when_it_ends():
    net = bpx.Network([300, 200, 3], seed=0)
    x, y = np.random.default_rng(0).random((40, 300)), np.arange(40) % 3
    for epoch in bpx.train(net, (x, y), epochs=3, batch_size=7, optimizer=bpx.Adam(), seed=0):
        assert recycling._kept.open
        assert epoch.number
    assert recycling._kept.blocks == []
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None
    assert recycling._kept.blocks == []


def test_weights_that_were_handed_out_keep_their_values():
    net = bpx.Network([300, 200, 3], seed=0)
    x, y = np.random.default_rng(0).random((40, 300)), np.arange(40) % 3
    epochs = bpx.train(net, (x, y), epochs=4, batch_size=7, optimizer=bpx.Adam(), seed=0)
    seen = [(net.weights[0], net.weights[0].copy()) for _ in epochs]
    for now, then in seen:
        np.testing.assert_array_equal(now, then)
    assert not np.array_equal(seen[0][0], seen[-1][0])
