"""Randomness for private training: uniforms by their bits, normals by their moments.

Everything here is seeded: what passes once passes always.
"""

import os
from math import erf

import numpy as np
import pytest

from bpx.privacy import sources
from bpx.privacy.sources import normals, random_bytes, uniforms

N = 200_000


def seeded(epoch=1, purpose="noise"):
    return random_bytes(0, purpose, epoch)


def test_the_source_is_the_operating_systems_unless_there_is_a_seed():
    assert random_bytes(None, "noise", 1) is os.urandom
    assert seeded()(8) == seeded()(8) != seeded(epoch=2)(8) != seeded(purpose="sampling")(8)
    assert (normals(1000, os.urandom) != normals(1000, os.urandom)).all()


def test_uniforms_have_53_bits():
    u = uniforms(N, seeded())
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert np.array_equal(u * 2.0**53, np.floor(u * 2.0**53))
    assert (np.floor(u * 2.0**53) % 2 == 1).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("draws", [1, 4])
def test_normals_are_normal(draws):
    z = np.sort(normals(N, seeded(), draws))
    assert abs(z.mean()) < 4 / N**0.5
    assert abs(z.var() - 1.0) < 4 * (2 / N) ** 0.5
    assert abs((z**3).mean()) < 4 * (15 / N) ** 0.5
    assert abs((z**4).mean() - 3.0) < 4 * (96 / N) ** 0.5
    distribution = 0.5 * (1.0 + np.vectorize(erf)(z / 2**0.5))
    kolmogorov = np.abs(distribution - (np.arange(N) + 0.5) / N).max() + 0.5 / N
    assert kolmogorov < 1.95 / N**0.5  # exceeded once in 1000
    assert np.abs(z).max() > 4.0


def test_neighbouring_normals_are_independent():
    z = normals(N, seeded())
    half = sources.PART // 2  # the cosine and the sine of one angle
    for lag in (1, 2, half, sources.PART):
        assert abs((z[:-lag] * z[lag:]).mean()) < 4 / (N - lag) ** 0.5


@pytest.mark.parametrize("count", [0, 1, 7, sources.PART + 3])
def test_any_number_of_normals(count):
    assert normals(count, seeded()).shape == (count,)


def test_the_largest_and_the_least_uniform_make_finite_normals():
    for byte in (b"\x00", b"\xff"):
        z = normals(4, lambda n, byte=byte: byte * n)
        assert np.isfinite(z).all()


def test_more_draws_are_their_sum_over_its_root():
    one = [normals(5, seeded()) for _ in range(2)]
    np.testing.assert_array_equal(*one)
    source = seeded()
    drawn = [normals(5, source) for _ in range(4)]
    np.testing.assert_allclose(normals(5, seeded(), draws=4), sum(drawn) / 2.0, rtol=1e-15)


def test_uniforms_take_eight_bytes_each():
    asked = []

    def source(n):
        asked.append(n)
        return bytes(n)

    assert uniforms(3, source).tolist() == [0.0, 0.0, 0.0]
    assert asked == [24]
    assert uniforms(1, lambda n: b"\xff" * n)[0] == 1.0 - 2.0**-53
