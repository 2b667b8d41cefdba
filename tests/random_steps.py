"""Steps of random operations, such as nobody would write: what an engine must come through."""

from math import prod
from random import Random
from typing import Any

import numpy as np

import bpx

STEPS = 4
SAMPLES = 9


class RandomStep:
    """A pure step; for one seed always the same, on whatever arrays it is called.

    Of a stack, with arrays of one more axis in front, of that size, and others that have none.

    Attributes
    ----------
    state, data : tuple of ndarray
        Float64, of small and awkward shapes; of the data the second are bytes.
    rows : ndarray, shape (STEPS, batch), int32
    """

    def __init__(self, seed: int, stack: int = 1) -> None:
        self.seed = seed
        choose, rng = Random(seed), np.random.default_rng(seed)
        n, k = choose.choice((1, 2, 3, 4, 7)), choose.choice((1, 2, 3, 4, 5))
        shapes = [(n, k)] * 3 + [(n, 1), (1, k), (k,), (1,), (1, 1), (k, n), (k, k), (n, n), ()]
        if stack > 1:
            several = [(n, k), (n, k), (n, 1), (1, k), (1, 1), (k, n)]
            shapes += [(stack, *shape) for shape in several] * 4
        chosen = [choose.choice(shapes) for _ in range(choose.randint(1, 5))]
        self.state = tuple(rng.normal(size=shape) for shape in chosen)
        self.data = (rng.normal(size=(SAMPLES, k)),)
        few = np.random.default_rng(-seed % 2**32).integers(0, 3, (SAMPLES, k))
        self.data += (few.astype("uint8"),)
        self.rows = rng.integers(0, SAMPLES, (STEPS, n)).astype("int32")

    def __call__(self, state: Any, data: Any, rows: Any) -> Any:
        choose = Random(-1 - self.seed)
        xp = bpx.namespace(state[0])
        picked = [xp.take(each, rows, axis=0) for each in data]
        made = [*state, *(xp.astype(each, state[0].dtype) for each in picked)]
        for _ in range(choose.randint(3, 22)):
            one = choose.choice(made[-4:] if choose.random() < 0.5 else made)
            rule = choose.choice(RULES)
            result = rule(xp, choose, one, made)
            if result is not None and prod(result.shape) <= 64:
                made.append(result)
        return tuple(self._next(choose, each, made) for each in state)

    def _next(self, choose: Random, old: Any, made: list[Any]) -> Any:
        """A late result of the same shape, or the old state."""
        alike = [x for x in reversed(made) if x.shape == old.shape]
        return alike[min(len(alike) - 1, int(5 * choose.random() ** 2))]


def _pair(xp, choose, a, made):
    b = choose.choice(_fitting(a, made))
    return choose.choice(
        (
            lambda: a + b,
            lambda: a - 0.5 * b,
            lambda: 0.3 * a * b,
            lambda: xp.maximum(a, b),
            lambda: xp.minimum(a, b),
        )
    )()


def _single(xp, choose, a, made):
    return choose.choice(
        (
            lambda: xp.tanh(a),
            lambda: xp.abs(a),
            lambda: -a,
            lambda: xp.square(xp.tanh(a)),
            lambda: xp.sin(a),
            lambda: xp.exp(-xp.abs(a)),
            lambda: xp.tanh(a) ** 2,
            lambda: 0.7 * a,
            lambda: 1.0 - a,
            lambda: xp.maximum(a, 0.1),
            lambda: 0.5 * xp.tanh(0.5 * a) + 0.5,
            lambda: a % 1.5,
        )
    )()


def _where(xp, choose, a, made):
    b = choose.choice(_fitting(a, made))
    c = choose.choice([x for x in _fitting(a, made) if _broadcast(a, b, x)])
    return choose.choice(
        (
            lambda: xp.where(a > 0.05, b, c),
            lambda: xp.where(b > 0.05, a, c),
            lambda: xp.where(a > 0.02, 0.9 * b + 0.1, xp.tanh(b)) * xp.astype(b > 0.0, b.dtype),
            lambda: xp.where(a > b, a, -1.0),
        )
    )()


def _reduced(xp, choose, a, made):
    if not a.ndim:
        return None
    reduce = getattr(xp, choose.choice(("sum", "max", "min", "mean")))
    axis = choose.choice((None, *range(-a.ndim, a.ndim)))
    return 0.5 * reduce(a, axis=axis, keepdims=choose.random() < 0.6)


def _product(xp, choose, a, made):
    others = [x for x in made if min(a.ndim, x.ndim) > 1 and x.shape[-2] == a.shape[-1]]
    others = [x for x in others if _broadcast(a[..., :1, :1], x[..., :1, :1])]
    return 0.4 * (a @ choose.choice(others)) if others else None


def _view(xp, choose, a, made):
    views = [lambda: xp.reshape(a, (-1,)), lambda: xp.reshape(a, (1, -1)), lambda: a[..., None]]
    if a.ndim:
        views += [
            lambda: a[0, ...],
            lambda: a[-1:, ...],
            lambda: a[::2, ...],
            lambda: a[None, ...][0, ...],
        ]
    if a.ndim == 1:
        views += [lambda: a[0], lambda: a[:1]]
    if a.ndim == 3:
        views += [lambda: a.mT, lambda: a[..., :1], lambda: a[0, ...], lambda: a[:, 0, :]]
    if a.ndim == 2:
        views += [
            lambda: a.mT,
            lambda: a[:, :1],
            lambda: a[0, :],
            lambda: a[:, 0],
            lambda: a[0, 0],
            lambda: xp.reshape(a, a.shape[::-1]),
        ]
    return choose.choice(views)()


def _taken(xp, choose, a, made):
    if not a.ndim:
        return None
    count = choose.randint(1, a.shape[0])
    indices = xp.arange(count, dtype=xp.int32, device=getattr(a, "device", None))
    return xp.take(
        a, choose.choice((indices, indices, count - 1 - indices, indices - count)), axis=0
    )


def _joined(xp, choose, a, made):
    if not a.ndim:
        return None
    axis = choose.randint(-a.ndim, -1)
    rest = [*a.shape[:axis], *a.shape[axis:][1:]]
    others = [
        x for x in made if x.ndim == a.ndim and [*x.shape[:axis], *x.shape[axis:][1:]] == rest
    ]
    chosen = choose.sample(others, choose.randint(0, min(2, len(others))))
    return xp.concat([a, *chosen], axis=axis)


def _constant(xp, choose, a, made):
    return choose.choice(
        (
            lambda: xp.zeros_like(a),
            lambda: xp.ones_like(a) * a,
            lambda: xp.ones_like(a) + xp.ones_like(a) * 0.5,
        )
    )()


def _fitting(a: Any, made: list[Any]) -> list[Any]:
    return [x for x in made if _broadcast(a, x)]


def _broadcast(*arrays: Any) -> bool:
    try:
        np.broadcast_shapes(*(each.shape for each in arrays))
    except ValueError:
        return False
    return True


RULES = (
    *(_pair,) * 5, *(_single,) * 4, *(_reduced,) * 3, *(_view,) * 3,
    *(_where,) * 2, _product, _taken, _joined, _constant,
)  # fmt: skip
