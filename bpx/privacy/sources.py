"""Randomness for private training, on the host.

It comes from the operating system's cryptographic source. Private training is only as safe as
its noise is hard to predict, and the state of a generator for simulations can be recovered
from its output.
"""

import os
from collections.abc import Callable
from math import pi

import numpy as np

from bpx.arrays.host import HostArray, generator

__all__ = ["Source", "normals", "random_bytes", "uniforms"]

Source = Callable[[int], bytes]
"""``source(n)`` returns n random bytes."""

PART = 1 << 15
"""The numbers drawn at a time, which fit in the cache."""


def random_bytes(seed: int | None, purpose: str, epoch: int) -> Source:
    """Return the operating system's source or, with a seed, a repeatable but not secret one.

    Parameters
    ----------
    seed : int or None
    purpose : {"sampling", "noise"}
    epoch : int
        The epoch, from 1. A seeded source depends on all three, so epochs do not repeat.
    """
    return os.urandom if seed is None else generator(seed, purpose, epoch).bytes


def uniforms(count: int, source: Source) -> HostArray:
    """Draw uniform numbers in [0, 1), multiples of 2**-53, float64."""
    words = np.frombuffer(source(8 * count), np.uint64)
    return (words >> np.uint64(11)) * 2.0**-53


def normals(count: int, source: Source, draws: int = 1) -> HostArray:
    """Draw standard normal numbers (Box and Muller 1958), float64.

    Parameters
    ----------
    count : int
    source : Source
    draws : int, optional
        How many are drawn for each number, which is their sum over the root of `draws`. With
        4, the last bits of the result do not reveal the draws (Holohan and Braghin 2021).
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
