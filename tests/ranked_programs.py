"""Random steps with sums over ranks, for the engines."""

import random

import numpy as np

import bpx
from bpx.arrays.ranks import summed


class Alike:
    """The first of several that have the same arrays, and the same rows: it needs no other."""

    rank = 0

    def __init__(self, size=2):
        self.size = size

    def all_reduce(self, x):
        x *= float(self.size)

    def reduce_scatter(self, x, own):
        own[...] = self.size * x[: x.shape[0] // self.size]

    def swap_rows(self, x, others):
        others[...] = x[: x.shape[0] // 2]

    def all_gather(self, own, x):
        x[...] = np.concatenate([np.array(own)] * self.size)


def drawn(seed):
    """A step of sums over ranks, products, views and sums over rows, of 4 x 4 matrices."""

    def step(state, data, rows):
        draw, xp = random.Random(seed), bpx.namespace(rows)
        pool = [*state, state[0] * 0.5]
        for _ in range(draw.randint(4, 14)):
            kind = draw.random()
            some, other = draw.choice(pool), draw.choice(pool)
            if kind < 0.35:
                group = tuple(draw.choice(pool) for _ in range(draw.randint(1, 4)))
                sums = summed(GROUP, group)
                pool += [each * 0.25 for each in sums] if draw.random() < 0.5 else sums
            elif kind < 0.6:
                pool.append(some + other * 0.5)
            elif kind < 0.75:
                pool.append(some @ other * 0.1)
            elif kind < 0.85:
                pool.append(xp.reshape(xp.reshape(some, (-1,)), (4, 4)))
            elif kind < 0.93:
                pool.append(some.mT)
            else:
                pool.append(some * xp.sum(other, axis=0))
        a, b, c = draw.choice(pool[-4:]), draw.choice(pool), pool[-1]
        return (a, b, c) if draw.random() < 0.5 else (a * 0.5 + b * 0.1, b, c * 0.2)

    return step


GROUP = Alike()
