"""What a Dense layer saves: the terms of each sample, without its gradient being formed."""

import numpy as np

from bpx.layers.dense_saved import DenseParameters, DenseSaved, UnbiasedSaved
from tests.backends import host
from tests.layers.test_dense import N_IN, N_OUT, N, direction, ran
from tests.peers import close


def each_gradient(saved, delta):
    """One row for each sample: w, then b."""
    w = delta[:, :, None] * saved.a_prev[:, None, :]
    return np.concatenate([w.reshape(len(delta), -1), delta], axis=1)


def test_of_each_sample_without_biases(target):
    """The same as with biases, without the columns of b."""
    _, saved, delta = ran()
    _, saved_other, delta_other = ran(seed=7)
    kept, other = (
        UnbiasedSaved(*(target.asarray(each, "float64") for each in those))
        for those in (saved, saved_other)
    )
    d, d_other = (target.asarray(each, "float64") for each in (delta, delta_other))
    both = (saved, delta), (saved_other, delta_other)
    rows, rows_other = (each_gradient(*each)[:, : N_OUT * N_IN] for each in both)
    found = kept.individual(d)
    assert found.b is None
    close(host(found.w).reshape(N, -1), rows)
    close(kept.squared_norms(d), (rows**2).sum(axis=1))
    close(kept.inner_products(d, other, d_other), rows @ rows_other.T)
    v = direction()
    there = DenseParameters(target.asarray(v.w, "float64"))
    close(kept.along(there, d), (rows @ v.w.reshape(-1))[:, None])
    squares = kept.squared().gradients(1.0, d * d)
    assert squares.b is None
    close(host(squares.w).reshape(-1), (rows**2).sum(axis=0))


def test_of_each_sample(target):
    _, saved, delta = ran()
    _, saved_other, delta_other = ran(seed=7)
    kept, other = (
        DenseSaved(*(target.asarray(each, "float64") for each in those))
        for those in (saved, saved_other)
    )
    d, d_other = (target.asarray(each, "float64") for each in (delta, delta_other))
    rows, rows_other = each_gradient(saved, delta), each_gradient(saved_other, delta_other)
    found = kept.individual(d)
    assert (found.w.shape, found.b.shape) == ((N, N_OUT, N_IN), (N, N_OUT))
    both = [host(found.w).reshape(N, -1), host(found.b)]
    close(np.concatenate(both, axis=1), rows)
    close(kept.squared_norms(d), (rows**2).sum(axis=1))
    close(kept.inner_products(d, other, d_other), rows @ rows_other.T)
    v = direction()
    there = DenseParameters(*(target.asarray(each, "float64") for each in v))
    flat = np.concatenate([v.w.reshape(-1), v.b])
    close(kept.along(there, d), (rows @ flat)[:, None])


def test_squared_gives_the_sums_of_the_squares():
    _, saved, delta = ran()
    squares = saved.squared().gradients(1.0, delta**2)
    rows = (each_gradient(saved, delta) ** 2).sum(axis=0)
    close(squares.w.reshape(-1), rows[: N_OUT * N_IN])
    close(squares.b, rows[N_OUT * N_IN :])
