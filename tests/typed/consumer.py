"""A consumer's code: what an author of a library would write, fully typed."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import bpx
from bpx.activations import ActivationName
from bpx.costs import CostName

Floats = NDArray[np.float32]


class Learner(bpx.Network):
    """A network with a method, an argument and an attribute of its own."""

    def __init__(self, sizes: list[int], threshold: float = 0.9, **settings: Any) -> None:
        super().__init__(sizes, **settings)
        self.threshold = threshold

    @classmethod
    def from_arrays(cls, *args: Any, threshold: float = 0.9, **settings: Any) -> Self:
        net = super().from_arrays(*args, **settings)
        net.threshold = threshold
        return net

    def confident(self, x: Floats) -> bool:
        return bool(self.predict(x).max() > self.threshold)


@dataclass(frozen=True)
class Halved:
    """An optimizer of one's own."""

    optimizer: bpx.Optimizer

    def epochs(self, net: bpx.Network, x: Floats, y: Floats) -> Iterator[bpx.Epoch]:
        settings = bpx.train(net, (x, y), epochs=2, batch_size=4, optimizer=self.optimizer)
        for epoch in settings:
            rate = settings.eta
            if isinstance(rate, float):
                settings.eta = rate / 2.0
            yield epoch


def norms(net: bpx.Network, x: bpx.Array, y: bpx.Array) -> bpx.Array:
    trace = net.backprop(x, y)
    worst: bpx.Array = trace.cost - trace.delta[-1][:, 0]
    gradient: bpx.Array = trace.gradients.w[0]
    print(net.forward(x).a[-1].shape, gradient.mT, worst)
    return bpx.inspect.gradient_norms(trace)


def classifier(
    hidden: ActivationName | bpx.Elementwise,
    cost: CostName,
    backend: bpx.BackendName = "auto",
    precision: bpx.Precision = "float32",
) -> bpx.History:
    """Names that are handed on."""
    block = bpx.Residual([bpx.Dense(3, 3, hidden), bpx.Dropout(3, 0.5)])
    between = [block, bpx.LayerNorm(3), bpx.Dropout(3, 0.5)]
    layers = [bpx.Dense(4, 3, hidden), *between, bpx.Dense(3, 2, "softmax")]
    net = bpx.Network(layers, cost=cost, backend=backend)
    other = bpx.Network([4, 3, 2], norm="layer", backend="torch:cuda:0", dtype=net.home.dtype)
    reports = [bpx.inspect.check(each) for each in (hidden, "dfa", "quadratic", other)]
    print(reports, bpx.asarray([1, 2], "cupy:1", dtype="int32"))
    limited = bpx.Dense(4, 3, hidden, bias=False, l1=1e-5, l2=0.1, max_norm=2)
    sigma: str = limited.activation.name
    classes = {"cat": 1.0, "dog": 2.5}
    weights: bpx.ClassWeight = {0: 1, 1: 5} if sigma else classes
    flags = {True: 2.0, False: 1.0}
    for each in (weights, classes, flags, "balanced", None):
        history = net.fit(
            bpx.data.load("digits").train.x,
            epochs=1,
            batch_size=4,
            optimizer=bpx.SGD(0.1),
            precision=precision,
            metrics=["top_5", bpx.metrics.top_k(3)],
            class_weight=each,
            validation_split=0.1,
            early_stopping=bpx.EarlyStopping(5, "top_3", better="higher"),
            callbacks=[print, bpx.CSVLog("a.csv"), lambda epoch: epoch.cost < 0.1],
            accumulate=2,
        )
    return history


def fitted(table: bpx.data.Table, robust: bool) -> int:
    schema = bpx.data.Schema.fit(
        table, target="kind", task="classes", scaling="robust" if robust else "standard"
    )
    coded = bpx.data.Schema.fit(table, target="kind", categories="codes")
    embedding = bpx.Embedding.of(coded, 8)
    periodic = bpx.Periodic.of(coded, frequencies=8, sigma=0.3, after=embedding)
    layers = [embedding, periodic, bpx.Dense(periodic.n_out, 2, "softmax")]
    print(bpx.Network(layers, schema=coded), bpx.Embedding(3, [0], levels=[4], dim=2))
    return schema.width


def learned(path: Path, x: Floats, y: Floats, dtype: bpx.Dtype) -> Learner:
    net = Learner([4, 3, 2], hidden="relu", output="softmax", cost="cross_entropy", dtype=dtype)
    history = net.fit(
        x, y, epochs=1, batch_size=4, optimizer=bpx.Adam(), class_weight="balanced"
    )
    costs: list[float] = [epoch.cost for epoch in history]
    ended: bpx.Stopped | None = history.stopped
    print(ended and ended.reason)
    trainer = bpx.Trainer(net, optimizer=bpx.SGD(0.1))
    cost, accuracy = trainer.step(x, y)
    deltas: tuple[bpx.Array, ...] = trainer.step(x, y, trace=True).delta
    print(costs, cost, accuracy is None, deltas, trainer.state.optimizer)
    net.save(path)
    moved: Learner = net.to("numpy", dtype="float64")
    again: Learner = Learner.from_arrays(moved.spec, moved.parameters, moved.home)
    twin: Learner = copy.copy(again)
    twin.parameters = bpx.load(path, dtype=moved.home.dtype).parameters
    return twin
