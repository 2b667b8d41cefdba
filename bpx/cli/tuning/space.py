"""The space of a search: which values each setting may have, as ``[tune.space]`` says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import bpx
from bpx.cli import optimizers
from bpx.errors import nearest
from bpx.optim import OPTIMIZERS

__all__ = ["SEARCHED", "Choices", "Domain", "Numbers", "asked", "read_space", "takes"]

SEARCHED = (
    "optimizer",  # first, since the next ones depend on it
    *optimizers.OPTIONS,
    "eta",
    "schedule",
    "warmup",
    "layers",
    "hidden",
    "norm",
    "dropout",
    "output",
    "cost",
    "feedback",
    "init",
    "lmbda",
    "class_weight",
    "epochs",
    "batch_size",
    "accumulate",
    "precision",
    "early_stopping",
    "dtype",
    "scaling",
    "categories",
)
"""The settings that can be searched: not those that choose the samples, which must stay."""

_KEYS = ("low", "high", "log", "step")
_EXPECTED = "expected {low = ..., high = ...}, with log = true or step = ..., or a list"


@dataclass(frozen=True)
class Numbers:
    """The numbers from `low` to `high`, both included; whole ones if these are.

    Attributes
    ----------
    low, high : int or float
    log : bool
        Whether each factor is as likely as another.
    step : int or float, optional
        The distance of the values from one another.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values to try before a search."""
        return self.low, self.high

    @property
    def written(self) -> dict[str, Any]:
        """What a file has of it."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def suggested(self, trial: Any, name: str) -> Any:
        """Return the value that a trial of Optuna suggests."""
        if isinstance(self.low, int):
            step = 1 if self.step is None else self.step
            return trial.suggest_int(name, self.low, self.high, step=step, log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def __str__(self) -> str:
        more = ", log" if self.log else "" if self.step is None else f", step {self.step:g}"
        return f"{self.low:g} to {self.high:g}{more}"


@dataclass(frozen=True)
class Choices:
    """Some values, in no order."""

    values: tuple[str | int | float | bool, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values to try before a search."""
        return self.values

    @property
    def written(self) -> list[Any]:
        """What a file has of it."""
        return list(self.values)

    def suggested(self, trial: Any, name: str) -> Any:
        """Return the value that a trial of Optuna suggests."""
        return trial.suggest_categorical(name, self.values)

    def __str__(self) -> str:
        return " | ".join(map(str, self.values))


Domain: TypeAlias = Numbers | Choices


def read_space(file: str, given: Any) -> dict[str, Domain]:
    """Return the domain of each setting, in the order in which they are asked for.

    Raises
    ------
    InputError
        If there is none, or one cannot be read; the message names it.
    """
    if not isinstance(given, Mapping) or not given:
        raise bpx.InputError(
            f"{file} has no table [tune.space]; expected one with the settings to search, such "
            "as eta = {low = 1e-4, high = 1e-1, log = true} and hidden = ['relu', 'tanh']"
        )
    space = {}
    for spelt, each in given.items():
        name = spelt.replace("-", "_")
        if name not in SEARCHED:
            raise bpx.InputError(
                f"{file} has {spelt!r} in [tune.space], which cannot be searched"
                f"{nearest(name, SEARCHED)}; expected settings among {', '.join(SEARCHED)}"
            )
        space[name] = _domain(f"{file} has {spelt} in [tune.space]", each)
    return {name: space[name] for name in SEARCHED if name in space}


def asked(space: Mapping[str, Domain], optimizer: str) -> list[str]:
    """Return the settings that a trial with an optimizer has: no options of others."""
    return [n for n in space if n not in optimizers.OPTIONS or takes(optimizer, n)]


def takes(optimizer: str, option: str) -> bool:
    """Whether there is such an optimizer, and it takes the option."""
    return optimizer in OPTIMIZERS and option in optimizers.defaults(optimizer)


def _domain(what: str, given: Any) -> Domain:
    if isinstance(given, list):
        return Choices(_choices(what, given))
    if not isinstance(given, Mapping):
        raise bpx.InputError(f"{what} as {given!r}; {_EXPECTED} of choices")
    if unknown := [key for key in given if key not in _KEYS]:
        raise bpx.InputError(f"{what} with {unknown[0]!r}; {_EXPECTED} of choices")
    return _numbers(what, given)


def _choices(what: str, given: list[Any]) -> tuple[Any, ...]:
    """Return the choices; a list in them is what an option takes with commas."""
    found = [",".join(map(str, each)) if isinstance(each, list) else each for each in given]
    if wrong := [each for each in found if not isinstance(each, str | int | float)]:
        raise bpx.InputError(f"{what} with {wrong[0]!r}; expected texts, numbers or lists")
    distinct = {(type(each), each) for each in found}
    if len(found) < 2 or len(distinct) < len(found):
        raise bpx.InputError(f"{what} as {given!r}; expected at least two different choices")
    return tuple(found)


def _numbers(what: str, given: Mapping[str, Any]) -> Numbers:
    low, high, step = (given.get(key) for key in ("low", "high", "step"))
    log = given.get("log", False)
    numbers = [each for each in (low, high, step) if each is not None]
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        raise bpx.InputError(f"{what} as {dict(given)!r}; {_EXPECTED} of choices")
    if not isinstance(log, bool) or low is None or high is None:
        raise bpx.InputError(f"{what} as {dict(given)!r}; {_EXPECTED} of choices")
    if not low < high or (log and low <= 0) or (step is not None and (log or step <= 0)):
        raise bpx.InputError(
            f"{what} as {dict(given)!r}; expected low < high, with log = true a low above 0, "
            "and without it a step above 0, or none"
        )
    if not all(isinstance(each, int) for each in numbers):
        low, high = float(low), float(high)
        step = None if step is None else float(step)
    return Numbers(low, high, log, step)
