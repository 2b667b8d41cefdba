"""The protocol: the same rows, and the same number of tries, for each way to learn."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.mixed_tables.sets import TableSet, Task

__all__ = ["MEASURES", "Fit", "Learner", "Result", "Rows", "compare", "judge", "split"]

Fit = Callable[[Any, TableSet, int], Callable[[Any], Any]]
"""Learns rows of a table, with a seed, and returns a function that answers for others: with
numbers, the means of counts, or the probabilities of the second class in alphabetical order."""

MEASURES: dict[Task, tuple[str, str]] = {
    "numbers": ("RMSE", "MAE"),
    "counts": ("Poisson deviance", "RMSE"),
    "classes": ("log-loss", "error %"),
}
"""What is measured on the test rows; less is better. The first one chooses the settings."""


class Learner(NamedTuple):
    """A way to learn tables: by default, and the settings to try, by name."""

    name: str
    default: Fit
    tries: Mapping[str, Fit]


class Rows(NamedTuple):
    """The rows to learn, and those for the test; the first ones once more in two parts."""

    learn: Any
    test: Any
    fit: Any
    choose: Any


class Result(NamedTuple):
    """What one way to learn has reached on the test rows of one seed.

    Attributes
    ----------
    learner, way : str
        The way is "default" or "tuned".
    seed : int
    settings : str
        The name of the settings that were chosen.
    errors : dict of float
        The measures of the task, by name.
    seconds, choosing : float
        The seconds of the training, and those of the tries before it.
    """

    learner: str
    way: str
    seed: int
    settings: str
    errors: Mapping[str, float]
    seconds: float
    choosing: float


def split(n: int, seed: int) -> Rows:
    """Draw a fifth of n rows for the test, and a fifth of the others to choose settings by."""
    order = np.random.default_rng(seed).permutation(n)
    test, learn = np.split(order, [n // 5])
    choose, fit = np.split(learn, [len(learn) // 5])
    return Rows(learn, test, fit, choose)


def compare(learner: Learner, which: TableSet, frame: Any, seed: int) -> list[Result]:
    """Learn a table by default, and with the best of the tries."""
    rows = split(len(frame), seed)
    learn, test, fit, choose = (frame.iloc[each] for each in rows)
    began = perf_counter()
    found = {
        name: judge(which, choose, each(fit, which, seed)(choose))
        for name, each in learner.tries.items()
    }
    choosing = perf_counter() - began
    first = MEASURES[which.task][0]
    best = min(found, key=lambda name: found[name][first])
    results = []
    for way, name, each, before in (
        ("default", "", learner.default, 0.0),
        ("tuned", best, learner.tries[best], choosing),
    ):
        began = perf_counter()
        answers = each(learn, which, seed)
        seconds = perf_counter() - began
        errors = judge(which, test, answers(test))
        results.append(Result(learner.name, way, seed, name, errors, seconds, before))
    return results


def judge(which: TableSet, frame: Any, answers: Any) -> dict[str, float]:
    """Measure answers for the rows of a frame."""
    from sklearn import metrics

    y = frame[which.target].to_numpy()
    answers = np.asarray(answers, np.float64)
    names = MEASURES[which.task]
    if which.task == "classes":
        y = (y == max(y)).astype(int)
        wrong = 100.0 * np.mean((answers > 0.5) != y)
        return dict(zip(names, (metrics.log_loss(y, answers), float(wrong)), strict=True))
    rmse = metrics.root_mean_squared_error(y, answers)
    if which.task == "numbers":
        return dict(zip(names, (rmse, metrics.mean_absolute_error(y, answers)), strict=True))
    return dict(zip(names, (metrics.mean_poisson_deviance(y, answers), rmse), strict=True))
