"""Events with the columns of HIGGS."""

import numpy as np

from benchmarks.higgs import FEATURES, higgs


def test_the_columns_have_one_scale_and_the_classes_are_about_alike():
    x, y = higgs(4000, np.random.default_rng(0))
    assert x.shape == (4000, FEATURES) == (4000, 28)
    assert (x.dtype, y.dtype) == (np.float32, np.int32)
    assert set(y) == {0, 1}
    assert 0.45 < y.mean() < 0.55
    assert np.allclose(x.mean(axis=0), 0.0, atol=1e-4)
    assert np.allclose(x.std(axis=0), 1.0, atol=1e-4)


def test_a_seed_gives_the_same_events():
    one, again, other = (higgs(50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_the_classes_differ_in_more_than_their_means():
    x, y = higgs(20_000, np.random.default_rng(0))
    masses = x[:, 21:]
    assert np.all(masses[y == 1].std(axis=0) < 0.8 * masses[y == 0].std(axis=0))
    assert np.all(np.abs(masses[y == 1].mean(axis=0) - masses[y == 0].mean(axis=0)) < 0.5)
