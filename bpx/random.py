"""Random numbers that are the same on every library and device: Threefry-2x32.

Random numbers inside a training step come from a counter-based generator: a pure function
of (key, stream, step, index), with no state to store. It uses int32 operations, which wrap
around in the same way everywhere, so that words, uniform numbers and masks are bit-identical;
the normal numbers made from them agree to rounding.

J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3"
(2011), with 20 rounds.
"""

from math import pi, prod
from typing import Any

from bpx._typing import A
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError

__all__ = ["bernoulli", "fold_in", "key_words", "normal", "threefry2x32", "uniform", "words"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_GROUPS = 5  # of four rounds: 20 rounds


def key_words(seed: int) -> tuple[int, int]:
    """Return a seed below 2**64 as the two int32 words of a key, low word first.

    Raises
    ------
    InputError
        If the seed is not an integer in 0 ... 2**64 - 1.
    """
    seed = whole("seed", seed, 0, 2**64 - 1, "a whole number in 0 ... 2**64 - 1")
    return _signed(seed & 0xFFFFFFFF), _signed(seed >> 32)


def threefry2x32(key: tuple[A, A], counter: tuple[A, A]) -> tuple[A, A]:
    """Map 64 bits of key and 64 of counter to 64 random bits: the block function.

    Parameters
    ----------
    key, counter : pair of int32 arrays
        Their shapes broadcast together and are not zero-dimensional (0-d overflow warns).

    Returns
    -------
    pair of int32 arrays
        The two random words, as signed bit patterns.
    """
    k = (*key, key[0] ^ key[1] ^ _PARITY)
    x0, x1 = counter[0] + k[0], counter[1] + k[1]
    for group in range(_GROUPS):
        for bits in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = _rotate_left(x1, bits) ^ x0
        x0 = x0 + k[(group + 1) % 3]
        x1 = x1 + k[(group + 2) % 3] + (group + 1)
    return x0, x1


def fold_in(key: A, stream: int | A) -> A:
    """Derive the key of a stream (one layer, one purpose): shape (2,) to (2,), int32."""
    xp = namespace(key)
    zero = xp.zeros_like(key[:1])
    return xp.concat(threefry2x32((key[:1], key[1:]), (zero + stream, zero)))


def words(key: A, step: int | A, count: int, first: int = 0) -> A:
    """Draw random words.

    Parameters
    ----------
    key : array, shape (2,), int32
        The key of one stream: see `fold_in`.
    step : int or array of shape (1,), int32
        The training step, or another counter.
    count : int
        The number of words.
    first : int, optional
        The index of the first of them.

    Returns
    -------
    array, shape (count,), int32
        Word i depends only on (key, step, i), never on other draws.
    """
    skipped = first % 2
    pairs = _pairs(key, step, (skipped + count + 1) // 2, first // 2)
    return _interleave(*pairs)[skipped : skipped + count]


def uniform(key: A, step: int | A, shape: tuple[int, ...], dtype: Any) -> A:
    """Draw uniform numbers in [0, 1): multiples of 2**-24, exact in every floating dtype.

    Parameters
    ----------
    key, step
        As for `words`.
    shape : tuple of int
        The shape of the result.
    dtype : dtype of the key's library
        A real floating dtype of at least 32 bits.
    """
    numbers: A = namespace(key).astype(_high_24(words(key, step, prod(shape))), dtype)
    return _reshape(2.0**-24 * numbers, shape)


def bernoulli(
    key: A,
    step: int | A,
    shape: tuple[int, ...],
    p: float,
    *,
    rows: tuple[int, int] | None = None,
) -> A:
    """Draw a boolean mask; each element is true with probability `p`, to 24 bits.

    Parameters
    ----------
    key, step, shape
        As for `uniform`.
    p : float
    rows : pair of int, optional
        If the mask is for some rows of a mini-batch, its first row there, and the number of
        rows of the mini-batch: its elements are then those of the whole mini-batch's mask.

    Raises
    ------
    InputError
        If `p` is not in [0, 1].
    """
    if not 0.0 <= p <= 1.0:
        raise InputError(f"p = {p!r} was given; expected a probability in [0, 1]")
    least = round(p * 2**24)
    if rows is not None:
        return _reshape(_high_24(_of_rows(key, step, shape, *rows)) < least, shape)
    # Compare before the words of a pair are put side by side: booleans take less memory.
    pair = (_high_24(each) < least for each in _pairs(key, step, (prod(shape) + 1) // 2))
    return _reshape(_interleave(*pair)[: prod(shape)], shape)


def normal(key: A, step: int | A, shape: tuple[int, ...], dtype: Any) -> A:
    """Draw standard normal numbers (Box and Muller 1958); libraries agree to rounding.

    Parameters
    ----------
    key, step, shape, dtype
        As for `uniform`.
    """
    xp = namespace(key)
    x0, x1 = _pairs(key, step, (prod(shape) + 1) // 2)
    # 1 - u is in (0, 1], so that its logarithm is finite.
    radius = xp.sqrt(-2.0 * xp.log(1.0 - 2.0**-24 * xp.astype(_high_24(x0), dtype)))
    angle = (2.0 * pi * 2.0**-24) * xp.astype(_high_24(x1), dtype)
    drawn = _interleave(radius * xp.cos(angle), radius * xp.sin(angle))
    return _reshape(drawn[: prod(shape)], shape)


def _of_rows(key: A, step: int | A, shape: tuple[int, ...], first: int, n: int) -> A:
    """Draw the words of the rows from `first` on of arrays with n rows on axis -2."""
    *several, own, width = shape
    count, networks = own * width, prod(several)
    if networks == 1:
        return words(key, step, count, first * width)
    # For several networks the words lie apart, so that each one is drawn by its index.
    starts = _counted(key, networks) * (n * width) + first * width
    index = _reshape(starts[:, None] + _counted(key, count)[None, :], (-1,))
    pair = index >> 1
    counter = (pair, namespace(key).zeros_like(pair) + step)
    x0, x1 = threefry2x32((key[:1] + 0, key[1:] + 0), counter)
    return namespace(key).where((index & 1) > 0, x1, x0)


def _pairs(key: A, step: int | A, count: int, first: int = 0) -> tuple[A, A]:
    index = _counted(key, count, first)
    counter = (index, namespace(key).zeros_like(index) + step)
    # Plus 0: an engine's kernels read whole arrays, not parts of a key.
    return threefry2x32((key[:1] + 0, key[1:] + 0), counter)


def _interleave(x0: A, x1: A) -> A:
    # The standard's stack cannot be recorded in a training step; these operations can.
    second = _counted(x0, 2) > 0
    return _reshape(namespace(x0).where(second, x1[:, None], x0[:, None]), (-1,))


def _counted(like: A, count: int, first: int = 0) -> A:
    xp, device = namespace(like), getattr(like, "device", None)
    counted: A = xp.arange(first, first + count, dtype=xp.int32, device=device)
    return counted


def _high_24(x: A) -> A:
    return _shift_right(x, 8)


def _rotate_left(x: A, bits: int) -> A:
    return (x << bits) | _shift_right(x, 32 - bits)


def _shift_right(x: A, bits: int) -> A:
    # A signed shift fills with the sign bit; the mask makes it a logical one.
    return (x >> bits) & ((1 << (32 - bits)) - 1)


def _reshape(x: A, shape: tuple[int, ...]) -> A:
    return namespace(x).reshape(x, shape)


def _signed(word: int) -> int:
    return word - 2**32 if word >= 2**31 else word
