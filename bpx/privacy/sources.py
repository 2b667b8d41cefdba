"""Randomness for private training, on the host.

It comes from the operating system's source for cryptography. A private training's promise
is worth as much as its noise is hard to guess: generators for simulations can be run
backwards from what they gave.
"""

import os
from collections.abc import Callable
from math import pi

import numpy as np

from bpx.arrays.host import HostArray, generator

__all__ = ["Source", "normals", "random_bytes", "uniforms"]

Source = Callable[[int], bytes]
"""``source(n)`` gives n random bytes."""

PART = 1 << 15
"""Numbers at a time: they stay in the cache."""


def random_bytes(seed: int | None, purpose: str, epoch: int) -> Source:
    """The operating system's source; with a seed, one that repeats itself and hides nothing.

    Parameters
    ----------
    seed : int or None
    purpose : {"sampling", "noise"}
    epoch : int
        From 1. A seeded source depends on all three, so that epochs do not repeat each other.
    """
    return os.urandom if seed is None else generator(seed, purpose, epoch).bytes


def uniforms(count: int, source: Source) -> HostArray:
    """Uniform numbers in [0, 1), multiples of 2**-53, float64."""
    words = np.frombuffer(source(8 * count), np.uint64)
    return (words >> np.uint64(11)) * 2.0**-53


def normals(count: int, source: Source, draws: int = 1) -> HostArray:
    """Standard normal numbers (Box and Muller 1958), float64.

    Parameters
    ----------
    count : int
    source : Source
    draws : int, optional
        How many are drawn for each number, which is their sum over their root: with 4, what
        was drawn cannot be told from the last bits of the result (Holohan and Braghin 2021).
    """
    parts = [(first, min(first + PART, count)) for first in range(0, count, PART)]
    out = np.empty(count)
    for first, last in parts:
        drawn = sum(_box_muller(last - first, source) for _ in range(draws))
        np.multiply(drawn, draws**-0.5, out=out[first:last])
    return out


def _box_muller(count: int, source: Source) -> HostArray:
    half = (count + 1) // 2
    u = uniforms(2 * half, source)
    radius = np.sqrt(-2.0 * np.log(1.0 - u[:half]))  # 1 - u is in (0, 1]
    angle = 2.0 * pi * u[half:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
