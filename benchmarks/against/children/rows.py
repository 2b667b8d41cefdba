"""What is trained: small networks with each activation, cost, feedback and optimizer.

The reference is [12, 9, 7, 5], tanh, softmax and cross-entropy, 50 steps of 8 samples. Each
group of rows changes one part of it, and trains with the optimizers that the part could meet
differently; a full product would say no more, and take an hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import bpx

__all__ = ["EPOCHS", "RULES", "SAMPLES", "SIZES", "Row", "rows"]

SIZES = (12, 9, 7, 5)
SAMPLES, EPOCHS, BATCH = 80, 5, 8

RULES = {
    "sgd": bpx.SGD(0.1),
    "momentum": bpx.SGD(0.05, momentum=0.9),
    "nesterov": bpx.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(0.01),
}
EXACT = ("sgd", "momentum")
LARGE = ("hidden", "output", "feedback")


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes
    ----------
    group, name : str
        By which it is told.
    network : dict
        Arguments of `bpx.Network`, over those of the reference.
    rule : str
        A name of `RULES`.
    lmbda : float
    training : dict
        Further arguments of ``fit``.
    samples : int
    targets : {"labels", "numbers", "binary"}
    seeded : bool
        Whether ``fit`` is given a seed.
    """

    group: str
    name: str
    network: dict[str, Any] = field(default_factory=dict)
    rule: str = "sgd"
    lmbda: float = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    samples: int = SAMPLES
    targets: str = "labels"
    seeded: bool = True

    @property
    def exact(self) -> bool:
        """Whether the old and the new weights are to be the same in each bit."""
        return self.rule in EXACT and not self.lmbda

    def taken(self, dtype: str, mode: str) -> bool:
        """Whether an engine that compiles slowly trains it so: the optimizers' rows always.

        The others are compiled in float32 and eager in float64; and of the large groups the
        plain rule is left to the eager mode, and all other rules to the compiled one.
        """
        if self.group == "optimizer":
            return True
        fits = (dtype, mode) in (("float32", "compiled"), ("float64", "eager"))
        return fits and (self.group not in LARGE or (self.rule == "sgd") == (mode == "eager"))

    def __str__(self) -> str:
        penalty = f", lmbda {self.lmbda:g}" if self.lmbda else ""
        return f"{self.group}: {self.name}, {self.rule}{penalty}"


def rows() -> Iterator[Row]:
    """All of them."""
    for each in (_hidden, _outputs, _feedbacks, _optimizers, _batches, _single, _initial):
        yield from each()
    yield from (*_private(), Row("health", "looked at", training={"health": True}))


def _hidden() -> Iterator[Row]:
    for name in bpx.activations.ACTIVATIONS:
        for rule in EXACT:
            yield Row("hidden", name, {"hidden": name}, rule)


def _outputs() -> Iterator[Row]:
    """Each pair of a cost and an output that go together."""
    for cost, value in bpx.costs.COSTS.items():
        for name, activation in bpx.activations.ACTIVATIONS.items():
            if value.outputs is None or activation in value.outputs:
                for rule in EXACT:
                    yield Row(
                        "output", f"{cost} of {name}", {"output": name, "cost": cost}, rule
                    )


def _feedbacks() -> Iterator[Row]:
    for name in bpx.feedback.FEEDBACKS:
        for rule, lmbda in (("sgd", 0.0), ("momentum", 0.0), ("adam", 0.5)):
            yield Row("feedback", name, {"feedback": name}, rule, lmbda)


def _optimizers() -> Iterator[Row]:
    for rule in RULES:
        for lmbda in (0.0, 0.5):
            yield Row("optimizer", "reference", {}, rule, lmbda)


def _batches() -> Iterator[Row]:
    """The ways in which the samples can be cut."""
    for rule in ("momentum", "adam"):
        yield Row("batches", "ragged", {}, rule, samples=SAMPLES + 3)
    yield Row("batches", "last one dropped", {}, training={"drop_last": True}, samples=83)
    yield Row("batches", "in their own order", {}, training={"shuffle": False})
    yield Row("batches", "of one", {}, training={"batch_size": 1, "epochs": 1})
    yield Row("batches", "of all", {}, training={"batch_size": SAMPLES, "epochs": 50})


def _single() -> Iterator[Row]:
    """Networks whose depth or whose targets are not the reference's."""
    one, three = (12, 9, 1), (12, 9, 3)
    classes = {"sizes": one, "output": "sigmoid", "cost": "cross_entropy"}
    number = {"sizes": one, "output": "identity", "cost": "quadratic"}
    yield Row("targets", "two classes, one output", classes, targets="binary")
    yield Row("targets", "a number", number, "adam", targets="numbers")
    yield Row("targets", "numbers", {**number, "sizes": three}, "momentum", targets="numbers")
    yield Row("targets", "no hidden layer", {"sizes": (12, 5)}, "momentum")


def _initial() -> Iterator[Row]:
    for name in bpx.initializers.INITIALIZERS:
        yield Row("initial weights", name, {"init": name})


def _private() -> Iterator[Row]:
    """With seeded noise, which hides nothing: it is the same on both sides."""
    for name, clip in (("one clip", 1.0), ("a clip for each layer", (1.0, 0.5, 0.5))):
        noise = bpx.privacy.DPSGD(noise_multiplier=0.5, clip=clip, delta=1e-3, seed=4)
        yield Row("private", name, training={"privacy": noise}, seeded=False)
