"""The networks that the golden files hold, and the parts of one's own that some are made with.

They are made by public names of bpx alone, and all take four numbers.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

import bpx

__all__ = ["CUSTOM", "DTYPES", "MECHANISMS", "data", "inputs", "trained"]

DTYPES = ("float32", "float64")
CLASSES = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}
MECHANISMS = (
    bpx.privacy.Mechanism(1.1, 0.125, 24),
    bpx.privacy.Mechanism(2.0, 0.25, 8, secure=False),
)


def _softsign(z: Any) -> Any:
    return z / (1.0 + bpx.namespace(z).abs(z))


def _softsign_prime(z: Any, a: Any) -> Any:
    return (1.0 - bpx.namespace(a).abs(a)) ** 2


def _absolute(a: Any, y: Any) -> Any:
    xp = bpx.namespace(a)
    return xp.sum(xp.abs(a - y), axis=1)


def _absolute_grad(a: Any, y: Any) -> Any:
    return bpx.namespace(a).sign(a - y)


def _halved(w: Any, delta: Any, B: Any) -> Any:
    return 0.5 * (delta[0] @ w[0])


SOFTSIGN = bpx.Elementwise("softsign", _softsign, _softsign_prime)
ABSOLUTE = bpx.Cost("absolute", _absolute, _absolute_grad)
HALVED = bpx.feedback.Feedback("halved", send=_halved)
CUSTOM = {each.name: each for each in (SOFTSIGN, ABSOLUTE, HALVED)}


def trained() -> Iterator[tuple[str, bpx.Network]]:
    """Each network after some steps, by its name."""
    for name, settings in _settings():
        net = bpx.Network(**{**CLASSES, **settings}, seed=7, backend="numpy")
        how = {"epochs": 2, "batch_size": 8, "optimizer": bpx.SGD(0.05), "seed": 1}
        net.fit(*data(net.sizes[-1]), lmbda=0.1, **how)
        yield name, net
    yield "private", _private()
    yield "without_a_seed", _without_a_seed()


def _settings() -> Iterator[tuple[str, dict[str, Any]]]:
    for dtype in DTYPES:
        for rule in bpx.feedback.FEEDBACKS:
            yield f"{rule}_{dtype}", {"sizes": (4, 5, 4, 3), "feedback": rule, "dtype": dtype}
        own = {"hidden": SOFTSIGN, "dtype": dtype}
        yield f"custom_activation_{dtype}", {"sizes": (4, 5, 3), **own}
    own = {"hidden": SOFTSIGN, "output": "identity", "cost": ABSOLUTE, "feedback": HALVED}
    yield "all_custom", {"sizes": (4, 5, 3), **own}
    each = [*sorted(set(bpx.activations.ACTIVATIONS) - {"softmax"}), "softmax"]
    yield "no_hidden_layer", {"sizes": (4, 3)}
    yield "every_activation", {"sizes": (4, *[5] * (len(each) - 1), 3), "activations": each}
    one = {"sizes": (4, 6, 1), "hidden": "relu"}
    yield "one_output_of_two_classes", {**one, "output": "sigmoid"}
    yield "one_number", {**one, "output": "identity", "cost": "quadratic", "dtype": "float64"}


def _private() -> bpx.Network:
    net = bpx.Network((4, 5, 3), **CLASSES, seed=7, backend="numpy")
    net.mechanisms = MECHANISMS
    return net


def _without_a_seed() -> bpx.Network:
    net = bpx.Network((4, 5, 3), **CLASSES, seed=7, backend="numpy")
    return bpx.Network.from_arrays(net.spec, net.parameters, net.home)


def data(outputs: int) -> tuple[Any, Any]:
    """What they are trained on: labels, of one output 0 or 1."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 4)), rng.integers(max(outputs, 2), size=40)


def inputs() -> Any:
    """What they are asked: a grid of numbers that both dtypes hold exactly."""
    return (np.arange(24.0).reshape(6, 4) * 11 % 17 - 8) / 8
