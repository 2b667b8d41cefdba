"""Random networks of all kinds of layers: what an export or an import must carry over."""

from random import Random
from typing import Any

import numpy as np

import bpx

HIDDEN = sorted(set(bpx.activations.ACTIVATIONS) - {"softmax", "exponential"})
OUTPUTS = {
    "identity": ("quadratic", "mae", "huber"),
    "sigmoid": ("cross_entropy", "quadratic"),
    "softmax": ("cross_entropy", "quadratic"),
    "tanh": ("quadratic",),
}
"""The output's activations, and costs that suit them."""


def random_network(seed: int, dtype: bpx.Dtype = "float32", *, inputs: bool = True) -> Any:
    """A network of one to six Dense layers, with dropout, norms and residual blocks.

    It is the same for one seed. All of its arrays are random, so biases and BatchNorm's running
    averages are not those that it would start from. With `inputs`, one network in four begins
    with an Embedding or a Periodic layer, for which `random_samples` has codes.
    """
    choose = Random(seed)
    layers = _first(choose) if inputs else []
    width = layers[-1].n_out if layers else choose.randint(2, 12)
    for _ in range(choose.choice((0, 1, 1, 2, 3))):
        layers += _hidden(choose, width)
        width = layers[-1].n_out
    output = choose.choice(sorted(OUTPUTS))
    layers.append(_dense(choose, width, choose.randint(2, 6), output))
    cost = choose.choice(OUTPUTS[output])
    net = bpx.Network(layers, cost=cost, seed=seed, dtype=dtype, backend="numpy")
    net.parameters = _drawn(net.parameters, np.random.default_rng(seed))
    return net


def random_samples(net: Any, n: int, seed: int = 0) -> np.ndarray:
    """Samples for a network: normal numbers, and codes where its first layer takes them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, net.sizes[0])).astype(net.home.dtype)
    first = net.spec.layers[0]
    if isinstance(first, bpx.Embedding):
        for column, levels in zip(first.columns, first.levels, strict=True):
            x[:, column] = rng.integers(0, levels, n)
    return x


def _first(choose: Random) -> list[Any]:
    n = choose.randint(3, 8)
    columns = sorted(choose.sample(range(n), 2))
    kind = choose.choice(("embedding", "periodic", *[None] * 6))
    if kind == "periodic":
        return [bpx.Periodic(n, columns, frequencies=choose.randint(1, 4))]
    if kind == "embedding":
        levels = [choose.randint(2, 5) for _ in columns]
        return [bpx.Embedding(n, columns, levels, dim=choose.randint(1, 3))]
    return []


def _hidden(choose: Random, width: int) -> list[Any]:
    if choose.random() < 0.3:
        inside = choose.randint(2, 12)
        block = [*_part(choose, width, inside), _dense(choose, inside, width)]
        block += _behind(choose, width)
        return [bpx.Residual(block)]
    return _part(choose, width, choose.randint(2, 12))


def _part(choose: Random, width: int, after: int) -> list[Any]:
    return [_dense(choose, width, after), *_behind(choose, after)]


def _behind(choose: Random, width: int) -> list[Any]:
    kinds = (
        [],
        [bpx.Dropout(width, choose.choice((0.1, 0.5)))],
        [bpx.LayerNorm(width)],
        [bpx.BatchNorm(width)],
        [bpx.BatchNorm(width), bpx.Dropout(width, 0.3)],
    )
    return choose.choice(kinds)


def _dense(choose: Random, width: int, after: int, activation: str | None = None) -> bpx.Dense:
    activation = activation or choose.choice(HIDDEN)
    return bpx.Dense(width, after, activation, bias=choose.random() < 0.85)


def _drawn(parameters: bpx.Parameters, rng: np.random.Generator) -> bpx.Parameters:
    """Parameters of the same shapes: weights of a size that keeps z near 1."""

    def drawn(name: str, old: np.ndarray) -> np.ndarray:
        field = name.partition("[")[0]
        made = rng.normal(size=old.shape)
        if field == "variance":
            made = np.exp(made)
        elif field == "w":
            made /= old.shape[-1] ** 0.5
        elif field == "gamma":
            made = 1.0 + 0.3 * made
        return made.astype(old.dtype)

    named = parameters.branches()
    return parameters.grown([x if x is None else drawn(name, x) for name, x in named])
