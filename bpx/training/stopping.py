"""Early stopping: the rule, and its running state, which keeps the best weights.

L. Prechelt, "Early stopping - but when?" (1998): training ends when the validation samples have
not improved for some epochs, and the network gets the weights of the best one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, SupportsIndex

from bpx._typing import Array
from bpx._validate import flag, number, whole
from bpx.arrays.transfer import bring
from bpx.errors import InputError, advice, nearest, option
from bpx.metrics.metric import AnyMetric, Total
from bpx.model.evaluate import Evaluation
from bpx.model.parameters import Parameters
from bpx.program.contract import leaves, rebuilt
from bpx.training.arguments import Job
from bpx.training.course import Trainable

__all__ = ["EarlyStopping", "Stopping", "check_early_stopping"]


@dataclass(frozen=True)
class EarlyStopping:
    """End a training when its validation samples no longer improve.

    Pass it as ``early_stopping=`` to `bpx.train` or `Network.fit`, with validation samples. A
    number is short for its patience: ``early_stopping=10``.

    Parameters
    ----------
    patience : int, optional
        The number of epochs without a new best value after which training ends.
    monitor : str, optional
        The value to watch: ``"cost"`` or ``"accuracy"`` of the validation samples, or the name
        of one of the `metrics`.
    min_delta : float, optional
        A value is a new best if it is better by more than this.
    restore_best : bool, optional
        If True, the network gets the weights of the best epoch when training ends, whether it
        stopped early or not. An exception, or a loop that you leave, restores nothing.
    warmup : int, optional
        The number of epochs at the start that are not looked at: none of them is the best.
    better : {"lower", "higher"}, optional
        Which values of a metric are better. A lower cost and a higher accuracy are; for a
        metric it is required.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> digits = bpx.data.load("digits")
    >>> net = bpx.Network([64, 30, 10], seed=0)
    >>> settings = {"epochs": 100, "batch_size": 10, "optimizer": bpx.SGD(1.0), "seed": 0}
    >>> settings["early_stopping"] = bpx.EarlyStopping(patience=3, monitor="accuracy")
    >>> history = net.fit(*digits.train, validation_split=0.2, **settings)
    >>> history.stopped.reason, history.stopped.epoch - history.stopped.weights
    ('early_stopping', 3)
    """

    patience: int = 10
    monitor: str = "cost"
    min_delta: float = 0.0
    restore_best: bool = True
    warmup: int = 0
    better: Literal["lower", "higher"] | None = None

    def __post_init__(self) -> None:
        patience = whole("patience", self.patience, 1, None, "a whole number of at least 1")
        warmup = whole("warmup", self.warmup, 0, None, "a whole number of at least 0")
        object.__setattr__(self, "patience", patience)
        object.__setattr__(self, "warmup", warmup)
        number("min_delta", self.min_delta, "a number of at least 0", lambda v: v >= 0.0)
        object.__setattr__(self, "restore_best", flag("restore_best", self.restore_best))
        if not isinstance(self.monitor, str):
            raise InputError(
                f"monitor={self.monitor!r} was given; expected 'cost', 'accuracy' or the name "
                "of a metric"
            )
        usual = _BETTER.get(self.monitor)
        if usual is None and self.better is None and (near := nearest(self.monitor, _BETTER)):
            raise InputError(
                f"monitor={self.monitor!r} was given{near}; expected 'cost' or 'accuracy', of "
                "the validation samples, or the name of a metric, with better='lower' or "
                "better='higher'"
            )
        if usual is None and self.better not in ("lower", "higher"):
            raise InputError(
                f"better={self.better!r} was given for the metric {self.monitor!r}; expected "
                "'lower' or 'higher', the values that are better"
            )
        if usual is not None and self.better not in (None, usual):
            raise InputError(
                f"better={self.better!r} was given, but a {usual} {self.monitor} is better; "
                "omit it"
            )

    def value(self, validation: Evaluation) -> float:
        """Return the watched value, with the sign that makes a lower one better."""
        found = {"cost": validation.cost, "accuracy": validation.accuracy}
        value = {**validation.metrics, **found}[self.monitor]
        if value is None:  # the first samples of a stream had classes
            raise InputError(
                f"monitor={self.monitor!r} was given, but some of the validation samples have "
                "targets that are numbers, so that there is no accuracy; expected classes in "
                "all, or monitor='cost'"
            )
        lower = (self.better or _BETTER[self.monitor]) == "lower"
        return float(value) if lower else -float(value)


_BETTER = {"cost": "lower", "accuracy": "higher"}


class _Best(NamedTuple):
    """The best epoch: its value, lower is better; its number; and its weights, if kept."""

    value: float
    epoch: int
    parameters: Parameters | None
    feedback: tuple[Array, ...] | None


class Stopping:
    """The running state of an `EarlyStopping`.

    Parameters
    ----------
    rule : EarlyStopping
    network : Trainable

    Attributes
    ----------
    best : named tuple or None
        The best epoch so far, with the network's `parameters` and `feedback` as they were.
    waited : int
        The number of epochs since then.
    seen : int
        The last epoch that it looked at.
    """

    name = "early_stopping"

    def __init__(self, rule: EarlyStopping, network: Trainable) -> None:
        self.rule, self._network = rule, network
        self.best: _Best | None = None
        self.waited = self.seen = 0

    def __call__(self, epoch: int, validation: Evaluation) -> None:
        """Look at a finished epoch, whose weights the network has."""
        rule = self.rule
        if epoch != self.seen + 1:  # the caller has set the state of another epoch
            self.best, self.waited = None, 0
        self.seen = epoch
        if epoch <= rule.warmup:
            return
        value, self.waited = rule.value(validation), self.waited + 1
        # NaN is never a new best.
        if value < (float("inf") if self.best is None else self.best.value - rule.min_delta):
            network, keeps = self._network, rule.restore_best
            arrays = (network.parameters, network.feedback) if keeps else (None, None)
            self.best, self.waited = _Best(value, epoch, *arrays), 0

    def stops(self, epochs: int) -> bool:
        """Whether training ends after so many epochs."""
        return self.seen == epochs and self.waited >= self.rule.patience

    def finish(self, epochs: int) -> int | None:
        """Give the network its best weights; return their epoch, or None if none are kept."""
        best = self.best
        if self.seen != epochs or best is None:
            return None
        if best.parameters is None or best.feedback is None:
            return None
        if best.parameters is not self._network.parameters:
            self._network.publish(best.parameters, best.feedback)
        return best.epoch

    def saved(self) -> dict[str, Any]:
        """Return all that `restore` needs: numbers, and the best weights as lists of arrays."""
        found: dict[str, Any] = {"seen": self.seen, "waited": self.waited, "best": None}
        if (best := self.best) is not None:
            arrays = {"parameters": leaves(best.parameters), "feedback": leaves(best.feedback)}
            kept = {name: list(each) for name, each in arrays.items()}
            found["best"] = {"value": best.value, "epoch": best.epoch, **kept}
        return found

    def restore(self, value: Mapping[str, Any]) -> None:
        """Continue from what `saved` returned, with arrays of any library."""
        self.seen, self.waited, best = value["seen"], value["waited"], value["best"]
        if best is None:
            self.best = None
            return
        arrays: tuple[Any, Any] = (None, None)
        if best["parameters"]:
            likes = self._network.parameters, self._network.feedback
            given = best["parameters"], best["feedback"]
            arrays = self._brought(likes[0], given[0]), self._brought(likes[1], given[1])
        self.best = _Best(best["value"], best["epoch"], *arrays)

    def _brought(self, like: Any, given: Any) -> Any:
        home = self._network.home
        with home.active():
            return rebuilt(like, [bring(x, home, "the best weights", copy=True) for x in given])


def check_early_stopping(given: Any, job: Job) -> EarlyStopping | None:
    """Return the rule for the argument `early_stopping` of `train`, if any.

    Raises
    ------
    InputError
        If it cannot be used, or the validation samples do not have the value to watch.
    """
    if given is None:
        return None
    is_rule = isinstance(given, EarlyStopping)
    if not is_rule and (isinstance(given, bool) or not isinstance(given, SupportsIndex)):
        raise InputError(
            f"early_stopping={given!r} was given; expected bpx.EarlyStopping(...), or its "
            "patience, such as 10"
        )
    rule: EarlyStopping = given if is_rule else EarlyStopping(given)
    if job.validation is None:
        raise InputError(
            f"{option('early_stopping', given)} was given without validation samples, which it "
            "watches; "
            + advice(
                "give validation=(x, y) or validation_split=0.1",
                "hold some out, with --validation-fraction 0.2",
            )
        )
    there = ["cost"] if job.validation.accuracy is None else ["cost", "accuracy"]
    there += [each.name for each in job.metrics]
    if rule.monitor not in there:
        what = "targets that are numbers" if rule.monitor == "accuracy" else "these metrics"
        near = nearest(rule.monitor, there)
        raise InputError(
            f"monitor={rule.monitor!r} was given{near}; with {what}, expected "
            f"{' or '.join(map(repr, there))}"
        )
    if any(each.name == rule.monitor and not _is_number(each) for each in job.metrics):
        raise InputError(
            f"monitor={rule.monitor!r} was given, which is no single number; expected a metric "
            "that is one, 'cost' or 'accuracy'"
        )
    return rule


def _is_number(metric: AnyMetric) -> bool:
    return metric.number if isinstance(metric, Total) else True
