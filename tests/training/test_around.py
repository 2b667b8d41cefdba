"""A step around a plain one tells the engines what the plain one tells them."""

from dataclasses import dataclass

import numpy as np

import bpx
from bpx.training.around import Around
from bpx.training.step import Data, TrainingStep


@dataclass(frozen=True)
class Wrapped(Around):
    plain: TrainingStep


def test_it_is_the_plain_steps():
    layers = [bpx.Dense(3, 4, "relu", max_norm=1.0), bpx.Dense(4, 2, "softmax")]
    for max_norm in (True, False):
        spec = bpx.Network(layers if max_norm else [3, 4, 2], seed=0).spec
        plain = TrainingStep(spec, bpx.SGD(0.1).update, "argmax", precision="tf32")
        step = Wrapped(plain)
        assert (step.spec, step.precision, step.constrains) == (spec, "tf32", max_norm)
    data = Data(np.arange(12.0).reshape(4, 3), np.arange(4) % 2)
    x, y = step.picked(data, np.array([2, 0]))
    assert x.tolist() == [[6.0, 7.0, 8.0], [0.0, 1.0, 2.0]]
    assert y.tolist() == [0, 0]
