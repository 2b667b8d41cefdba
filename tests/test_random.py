"""The portable generator against published answers, a reference in whole numbers, moments."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bpx
from bpx import random

MASK = 2**32 - 1
word32 = st.integers(0, MASK)


def signed(*words):
    """32-bit words as an int32 array."""
    return np.array(words, dtype=np.uint32).view(np.int32)


def unsigned(x):
    return np.asarray(x).view(np.uint32).tolist()


def reference(key, counter):
    """Threefry-2x32-20 in Python's whole numbers, after Salmon et al. 2011, section 3.3."""
    rotations = [13, 15, 26, 6, 17, 29, 16, 24]
    keys = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x0, x1 = ((c + k) & MASK for c, k in zip(counter, key, strict=True))
    for number in range(20):
        bits = rotations[number % 8]
        x0 = (x0 + x1) & MASK
        x1 = ((x1 << bits) & MASK | x1 >> (32 - bits)) ^ x0
        if number % 4 == 3:
            s = number // 4 + 1
            x0 = (x0 + keys[s % 3]) & MASK
            x1 = (x1 + keys[(s + 1) % 3] + s) & MASK
    return [x0, x1]


KNOWN_ANSWERS = [  # counter, key, result: kat_vectors of Random123, threefry 2x32 20
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def block(key, counter):
    k, c = signed(*key), signed(*counter)
    x0, x1 = random.threefry2x32((k[:1], k[1:]), (c[:1], c[1:]))
    assert x0.dtype == x1.dtype == np.int32
    return [*unsigned(x0), *unsigned(x1)]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers(counter, key, answer):
    assert block(key, counter) == list(answer)
    assert reference(key, counter) == list(answer)


@given(key=st.tuples(word32, word32), counter=st.tuples(word32, word32))
def test_block_is_the_reference_for_every_key_and_counter(key, counter):
    assert block(key, counter) == reference(key, counter)


@given(key=st.tuples(word32, word32), step=st.integers(0, 2**31 - 1), count=st.integers(1, 9))
def test_words_are_the_blocks_of_counters_index_and_step(key, step, count):
    pairs = [reference(key, (i, step)) for i in range((count + 1) // 2)]
    expected = [word for pair in pairs for word in pair][:count]
    words = random.words(signed(*key), step, count)
    assert words.dtype == np.int32
    assert unsigned(words) == expected


@given(key=st.tuples(word32, word32), stream=st.integers(0, 2**31 - 1))
def test_fold_in_is_a_block_of_its_stream(key, stream):
    folded = random.fold_in(signed(*key), stream)
    assert (folded.dtype, folded.shape) == (np.int32, (2,))
    assert unsigned(folded) == reference(key, (stream, 0))


@given(st.integers(0, 2**64 - 1))
def test_key_words_are_the_seed(seed):
    low, high = random.key_words(seed)
    assert all(-(2**31) <= word < 2**31 for word in (low, high))
    assert (low & MASK) + ((high & MASK) << 32) == seed


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1", None])
def test_key_words_refuses(seed):
    with pytest.raises(bpx.InputError, match=r"whole number in 0 \.\.\. 2\*\*64 - 1"):
        random.key_words(seed)


def key(seed=0, stream=0):
    return random.fold_in(np.array(random.key_words(seed), dtype=np.int32), stream)


def drawers():
    """Every public draw, as a function of key, step and shape."""
    return [
        pytest.param(lambda k, s, n: random.words(k, s, n[0]), id="words"),
        pytest.param(lambda k, s, n: random.uniform(k, s, n, np.float64), id="uniform"),
        pytest.param(lambda k, s, n: random.normal(k, s, n, np.float64), id="normal"),
        pytest.param(lambda k, s, n: random.bernoulli(k, s, n, 0.5), id="bernoulli"),
    ]


each_draw = pytest.mark.parametrize("draw", drawers())


@each_draw
def test_draws_depend_on_their_index_alone(draw):
    longest = draw(key(), 3, (100,))
    for count in (1, 2, 7, 8, 99):
        assert np.array_equal(draw(key(), 3, (count,)), longest[:count])


@each_draw
def test_every_seed_stream_and_step_draws_otherwise(draw):
    drawn = [
        tuple(draw(key(seed, stream), step, (64,)).tolist())
        for seed in (0, 1, 2**32)
        for stream in (0, 1, 2)
        for step in (0, 1, 2)
    ]
    assert len(set(drawn)) == 27
    assert tuple(draw(key(0, 0), 0, (64,)).tolist()) == drawn[0]


@each_draw
def test_step_may_be_an_array(draw):
    step = np.array([5], dtype=np.int32)
    assert np.array_equal(draw(key(), step, (10,)), draw(key(), 5, (10,)))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (4, 1, 5)], ids=str)
def test_shapes(shape):
    assert random.uniform(key(), 0, shape, np.float32).shape == shape
    assert random.normal(key(), 0, shape, np.float32).shape == shape
    assert random.bernoulli(key(), 0, shape, 0.5).shape == shape


N = 200_000


def test_uniform_is_multiples_of_two_to_the_minus_24():
    u = random.uniform(key(), 0, (N,), np.float64)
    assert (u >= 0.0).all()
    assert (u < 1.0).all()
    assert np.array_equal(u * 2**24, np.floor(u * 2**24))
    assert (u * 2**23 != np.floor(u * 2**23)).any()


def test_uniform_is_the_same_in_both_precisions():
    single = random.uniform(key(), 0, (N,), np.float32)
    assert single.dtype == np.float32
    assert single.max() < 1.0
    assert np.array_equal(single.astype(np.float64), random.uniform(key(), 0, (N,), np.float64))


def test_uniform_is_the_high_bits_of_the_words():
    words = random.words(key(), 7, 50)
    expected = [(word >> 8) / 2**24 for word in unsigned(words)]
    assert random.uniform(key(), 7, (50,), np.float64).tolist() == expected


def assert_within_5_sigma(mean, expected, variance, count=N):
    assert abs(mean - expected) < 5.0 * sqrt(variance / count)


def test_uniform_moments():
    u = random.uniform(key(1), 0, (N,), np.float64)
    assert_within_5_sigma(u.mean(), 1 / 2, 1 / 12)
    assert_within_5_sigma(((u - 0.5) ** 2).mean(), 1 / 12, 1 / 80 - 1 / 144)
    assert_within_5_sigma((u[:-1] * u[1:]).mean(), 1 / 4, 7 / 144 + 1 / 24)
    bins = np.histogram(u, bins=100, range=(0, 1))[0]
    assert ((bins - N / 100) ** 2).sum() / (N / 100) < 99 + 5 * sqrt(2 * 99)  # chi-squared


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_moments(dtype):
    x = random.normal(key(2), 0, (N,), dtype)
    assert x.dtype == dtype
    assert np.isfinite(x).all()
    x = x.astype(np.float64)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert_within_5_sigma((x**power).mean(), moment, variance)
    assert_within_5_sigma((x[::2] * x[1::2]).mean(), 0, 1, N // 2)  # both of a pair
    assert_within_5_sigma((np.abs(x) < 1).mean(), 0.6826894921, 0.6827 * 0.3173)
    assert_within_5_sigma((x > 2).mean(), 0.0227501319, 0.02275)


def test_normal_is_box_and_muller_of_the_words():
    words = unsigned(random.words(key(), 4, 10))
    u = [(word >> 8) / 2**24 for word in words]
    for i, x in enumerate(random.normal(key(), 4, (10,), np.float64)):
        radius, angle = sqrt(-2 * np.log(1 - u[i - i % 2])), 2 * np.pi * u[i - i % 2 + 1]
        assert x == pytest.approx(radius * (np.sin if i % 2 else np.cos)(angle), rel=1e-12)


def test_normal_where_its_uniform_is_0_or_largest():
    """Steps that were searched for: there the first uniform of a pair is 0, or 1 - 2**-24."""
    zero, largest = (
        random.normal(key(), step, (i + 2,), np.float32)[i:]
        for step, i in ((414, 27440), (900, 18698))
    )
    assert random.uniform(key(), 414, (27441,), np.float32)[-1] == 0.0
    assert random.uniform(key(), 900, (18699,), np.float32)[-1] == 1.0 - 2.0**-24
    assert zero.tolist() == [0.0, 0.0]
    assert np.hypot(*largest) == pytest.approx(sqrt(48 * np.log(2)), rel=1e-6)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_bernoulli_mean(p):
    mask = random.bernoulli(key(3), 0, (N,), p)
    assert mask.dtype == np.bool_
    assert_within_5_sigma(mask.mean(), p, p * (1 - p))
    assert np.array_equal(mask, random.uniform(key(3), 0, (N,), np.float64) < p)


def test_bernoulli_of_0_and_1():
    assert not random.bernoulli(key(), 0, (N,), 0.0).any()
    assert random.bernoulli(key(), 0, (N,), 1.0).all()
    assert random.uniform(key(), 414, (27441,), np.float32)[-1] == 0.0
    assert not random.bernoulli(key(), 414, (27441,), 0.0).any()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), float("inf")])
def test_bernoulli_refuses(p):
    with pytest.raises(bpx.InputError, match=r"probability in \[0, 1\]"):
        random.bernoulli(key(), 0, (3,), p)


@each_draw
def test_the_inputs_are_not_written(draw):
    given_key, step = key(), np.array([1], dtype=np.int32)
    given_key.setflags(write=False)
    step.setflags(write=False)
    draw(given_key, step, (5,))


@given(st.integers(0, 2**31 - 1), st.integers(0, 40), st.integers(1, 40))
def test_words_may_begin_anywhere(step, first, count):
    whole = random.words(key(), step, first + count)
    np.testing.assert_array_equal(random.words(key(), step, count, first), whole[first:])


@pytest.mark.parametrize("networks", [(), (1,), (3,), (2, 2)], ids=str)
@pytest.mark.parametrize("width", [4, 5])
@pytest.mark.parametrize("first", [0, 1, 2, 5])
def test_the_mask_of_some_rows_is_theirs_in_the_whole(networks, width, first):
    whole = random.bernoulli(key(), 3, (*networks, 9, width), 0.4)
    part = random.bernoulli(key(), 3, (*networks, 3, width), 0.4, rows=(first, 9))
    np.testing.assert_array_equal(part, whole[..., first : first + 3, :])
