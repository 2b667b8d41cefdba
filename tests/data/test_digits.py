"""The digits of scikit-learn: how they are split, and by which seed."""

import sys

import numpy as np
import pytest

from bpx.data import load
from bpx.errors import InputError


@pytest.fixture
def sklearn_digits():
    return pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)


def test_digits_are_split_by_class_and_nothing_is_lost(sklearn_digits):
    digits = load("digits")
    parts = digits[1:]
    assert digits.name == "digits"
    assert sum(len(part.x) for part in parts) == 1797
    for part in parts:
        assert part.x.shape[1:] == (64,)
        assert part.x.dtype == np.float32
        assert part.y.dtype == np.int32
        assert (part.x.min(), part.x.max()) == (0, 1)
    counts = np.array([np.bincount(part.y) for part in parts])
    whole = np.bincount(sklearn_digits[1])
    np.testing.assert_array_equal(counts.sum(axis=0), whole)
    np.testing.assert_array_equal(counts[1], whole // 7)
    np.testing.assert_array_equal(counts[2], whole // 7)


def test_digits_keep_their_samples_and_labels_together(sklearn_digits):
    x, y = sklearn_digits
    label_of = {
        (row / 16).astype(np.float32).tobytes(): label for row, label in zip(x, y, strict=True)
    }
    seen = [row.tobytes() for part in load("digits")[1:] for row in part.x]
    labels = [label for part in load("digits")[1:] for label in part.y]
    assert sorted(seen) == sorted((row / 16).astype(np.float32).tobytes() for row in x)
    assert [label_of[row] for row in seen] == labels


@pytest.mark.usefixtures("sklearn_digits")
def test_the_split_of_digits_follows_the_seed():
    first, again, other = (load("digits", seed=seed) for seed in (0, 0, 1))
    for one, two in zip(first[1:], again[1:], strict=True):
        np.testing.assert_array_equal(one.x, two.x)
        np.testing.assert_array_equal(one.y, two.y)
    assert not np.array_equal(first.test.x, other.test.x)


@pytest.mark.usefixtures("sklearn_digits")
@pytest.mark.parametrize("seed", [-1, 1.5, None, "0"])
def test_a_seed_that_cannot_be_used(seed):
    with pytest.raises(InputError, match="seed is"):
        load("digits", seed=seed)


def test_without_scikit_learn_the_command_that_installs_it(monkeypatch):
    for name in ("sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install scikit-learn"):
        load("digits")
