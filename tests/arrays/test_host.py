"""The host's arrays: draws keyed by a seed, and input brought to order."""

import numpy as np
import pytest

import bpx
from bpx.arrays import host
from bpx.arrays.host import has_finite_sum


def test_generators_depend_on_the_seed_the_purpose_and_the_index_alone():
    first = host.generator(1, "weights", 0).random(4)
    np.testing.assert_array_equal(first, host.generator(1, "weights", 0).random(4))
    for other in ((2, "weights", 0), (1, "biases", 0), (1, "weights", 1)):
        assert not np.array_equal(first, host.generator(*other).random(4))


def test_generators_leave_numpys_own_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    host.generator(0, "order", 1).permutation(10)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_frozen_is_what_nobody_can_write(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    ours = np.zeros((4, 2))
    view, own = ours[1:], np.zeros(3)
    view.flags.writeable = own.flags.writeable = False
    read, copied = (np.load(tmp_path / "x.npy", mmap_mode=mode) for mode in ("r", "c"))
    for frozen in (
        own,
        own[1:],
        own.reshape(3, 1),
        read,
        read[1:, 0],
        np.frombuffer(b"12345678"),
    ):
        assert host.is_frozen(np.asarray(frozen))
    copied.flags.writeable = False
    for not_so in (ours, ours[1:], view, view[1:], np.asarray(copied), copied[1:]):
        assert not host.is_frozen(not_so)
    assert not host.is_frozen(np.frombuffer(bytearray(8), "uint8"))


def test_memory_that_does_not_say_can_be_written():
    class Foreign:
        def __init__(self, of):
            self.of, self.__array_interface__ = of, of.__array_interface__

    borrowed = np.asarray(Foreign(np.zeros(3)))
    borrowed.flags.writeable = False
    assert not host.is_frozen(borrowed)


def test_in_order_are_rows_behind_one_another():
    x = np.zeros((4, 3))
    odd = np.frombuffer(bytes(8 * 6 + 1), "uint8")[1:].view("float64").reshape(2, 3)
    assert [host.is_in_order(each) for each in (x, x[1:], x[:0])] == [True] * 3
    assert [host.is_in_order(each) for each in (x.T, x[:, :2], x[::2], odd)] == [False] * 4


@pytest.mark.parametrize(
    ("n", "size", "shapes"),
    [
        (10, 5, [(2, 5)]),
        (10, 4, [(2, 4), (1, 2)]),
        (10, 10, [(1, 10)]),
        (10, 1, [(10, 1)]),
        (3, 2, [(1, 2), (1, 1)]),
    ],
)
def test_batches_hold_each_sample_once(n, size, shapes):
    parts = host.batches(0, 1, n, size, shuffle=True)
    assert [part.shape for part in parts] == shapes
    assert {part.dtype.name for part in parts} == {"int32"}
    assert sorted(np.concatenate([part.ravel() for part in parts])) == list(range(n))


def test_each_epoch_has_an_order_of_its_own():
    orders = [host.batches(0, epoch, 20, 20, shuffle=True)[0].tolist() for epoch in (1, 2, 1)]
    assert orders[0] == orders[2] != orders[1]
    assert host.batches(0, 1, 20, 20, shuffle=False)[0].tolist() == [list(range(20))]


@pytest.mark.parametrize("seed", [0, 2**64 - 1, np.int64(7)])
def test_seeds_are_whole_numbers(seed):
    assert host.check_seed(seed) == int(seed)
    assert type(host.check_seed(seed)) is int


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", True])
def test_other_seeds_are_refused(seed):
    with pytest.raises(bpx.InputError, match="seed="):
        host.check_seed(seed)


def test_a_fresh_seed_is_drawn():
    assert host.check_seed(None) != host.check_seed(None)


def test_one_hot_rows_are_told_from_others():
    assert host.one_hot_labels(np.eye(3)[[2, 0]]).tolist() == [2, 0]
    assert host.one_hot_labels(np.array([[1.0, 1.0], [0.0, 1.0]])) is None
    assert host.one_hot_labels(np.array([[0.5, 0.5]])) is None
    assert host.one_hot_labels(np.array([[1.0], [1.0]])) is None


def test_the_first_row_that_is_not_finite_is_found():
    x = np.zeros((4, 2))
    assert host.first_nonfinite_row(x) is None
    x[2, 1] = np.nan
    x[3, 0] = np.inf
    assert host.first_nonfinite_row(x) == 2
    assert host.first_nonfinite_row(x[:, 0]) == 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_finite_whatever_their_sum(dtype):
    largest = np.finfo(dtype).max
    for values in ([0.0, 1.5], [largest] * 3, [largest, largest, -largest], [-largest] * 3, []):
        host.check_finite(np.array(values, dtype), dtype, "x")
    for bad in (np.nan, np.inf, -np.inf):
        for other in (0.0, largest, -np.inf):
            x = np.array([[1.0, 2.0], [3.0, bad], [other, 1.0]], dtype)
            with pytest.raises(bpx.InputError, match="first in row 1;"):
                host.check_finite(x, dtype, "x")
    with pytest.raises(bpx.InputError, match="overflows float32, first in row 1"):
        host.check_finite(np.array([1.0, 1e39]), "float32", "x")


def test_a_finite_sum_is_enough(monkeypatch):
    x = np.ones((3, 2), "float32")
    monkeypatch.setattr(host.np, "finfo", None)
    host.check_finite(x, "float32", "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(np.bool_(True), True), (np.float32(0.5), 0.5), (np.int8(3), 3), (np.str_("a"), "a")],
)
def test_a_scalar_is_plain(value, expected):
    found = host.plain(value)
    assert found == expected
    assert type(found) is type(expected)


def test_what_is_no_scalar_of_numpy_stays():
    for value in ("a", 1, None, np.zeros(()), [np.int8(3)]):
        assert host.plain(value) is value


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "bool"])
def test_a_finite_sum_proves_that_all_numbers_are_finite(dtype):
    x = np.ones((3, 4), dtype)
    assert has_finite_sum(x)
    assert has_finite_sum(x.T[::2])
    for wrong in (np.nan, np.inf, -np.inf):
        if x.dtype.kind == "f":
            x[1, 2] = wrong
            assert not has_finite_sum(x)


def test_opposite_infinities_are_not_a_finite_sum():
    assert not has_finite_sum(np.array([np.inf, -np.inf]))
