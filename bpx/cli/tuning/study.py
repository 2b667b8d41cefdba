"""The trials of a search in Optuna's journal, a file that all its workers share.

A trial is asked for, and the lost ones are found, by one worker at a time. A lost trial, whose
worker is not alive any more, is noted as failed, and another one with the same values takes its
place and its folder, in which it continues from the last checkpoint.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import bpx
from bpx.cli.tuning.alive import alone, is_alive
from bpx.cli.tuning.journal import journal
from bpx.cli.tuning.search import Search
from bpx.cli.tuning.space import asked

__all__ = ["TRIES", "Result", "Study", "Trial", "imported"]

TRIES = 3
"""How often a trial is tried whose workers die."""

# What is noted of a trial. Its number is the same when it is tried again, and Optuna's is not.
_NUMBER, _REPLACES, _TRIES = "number", "replaces", "tries"
_WORKER, _EPOCH, _WHY = "worker", "epoch", "why"


@dataclass(frozen=True)
class Trial:
    """A trial to run: its number, the values of its settings, and the folder of its run."""

    number: int
    values: Mapping[str, Any]
    folder: Path
    handle: Any


@dataclass(frozen=True)
class Result:
    """What there is of a trial.

    Attributes
    ----------
    number : int
        Counted from 0.
    state : {"complete", "pruned", "diverged", "failed", "lost", "running", "waiting"}
    value : float or None
        The objective; of a trial that was pruned, the last one.
    epoch : int or None
        The epoch that the value is of.
    values : mapping
        Of the settings.
    folder : Path or None
        Of the run.
    why : str or None
        Why it failed.
    """

    number: int
    state: str
    value: float | None
    epoch: int | None
    values: Mapping[str, Any]
    folder: Path | None
    why: str | None


class Study:
    """The trials of a search, as every worker sees them.

    Parameters
    ----------
    folder : Path
        The folder of the search.
    search : Search

    Raises
    ------
    InputError
        If Optuna is not installed.
    """

    def __init__(self, folder: Path, search: Search) -> None:
        self._folder, self._search = folder, search
        self._optuna = optuna = imported()
        with alone(folder), _quietly():
            self._study = optuna.create_study(
                study_name="bpx",
                storage=journal(optuna, folder),
                direction=search.direction,
                pruner=_pruner(optuna, search.pruner),
                load_if_exists=True,
            )

    def next(self, worker: str) -> Trial | None:
        """Return a trial to run by a worker of that name; None if there are enough."""
        with alone(self._folder), _quietly():
            self._reclaim()
            counted = self._counted()
            used = {each.user_attrs.get(_NUMBER) for each in counted}
            waiting = any(each.state.name == "WAITING" for each in counted)
            if len(counted) >= self._search.trials and not waiting:
                return None
            self._study.sampler = self._sampler(len(self._study.get_trials(deepcopy=False)))
            trial = self._study.ask()
            trial.set_user_attr(_WORKER, worker)
            if _NUMBER not in trial.user_attrs:
                number = next(i for i in count() if i not in used)
                trial.set_user_attr(_NUMBER, number)
            values = self._suggested(trial)
        number = trial.user_attrs[_NUMBER]
        return Trial(number, values, self._place(number), trial)

    def report(self, trial: Trial, epoch: int, value: float) -> None:
        """Report the objective after an epoch."""
        trial.handle.report(value, epoch)

    def should_prune(self, trial: Trial) -> bool:
        """Whether other trials were so much better that this one should end."""
        with _quietly():
            return bool(trial.handle.should_prune())

    def complete(self, trial: Trial, epoch: int, value: float) -> None:
        """Note the objective of a trial that has ended, which is of this epoch."""
        trial.handle.set_user_attr(_EPOCH, epoch)
        self._study.tell(trial.handle, value)

    def prune(self, trial: Trial, why: str = "pruned") -> None:
        """Note that a trial was ended early, since it was not good enough."""
        trial.handle.set_user_attr(_WHY, why)
        self._study.tell(trial.handle, state=self._states.PRUNED)

    def fail(self, trial: Trial, why: str) -> None:
        """Note that a trial has failed, for a reason that it would have again."""
        trial.handle.set_user_attr(_WHY, why)
        self._study.tell(trial.handle, state=self._states.FAIL)

    def release(self, trial: Trial) -> None:
        """Let a later worker continue a trial that was interrupted."""
        with alone(self._folder), _quietly():
            self._replace(trial.handle, tried=0)

    def results(self) -> list[Result]:
        """Return what there is of each trial, in the order in which they were begun."""
        with alone(self._folder), _quietly():
            self._reclaim()
            found = [self._result(each) for each in self._counted()]
        return sorted(found, key=lambda each: each.number)

    @property
    def _states(self) -> Any:
        return self._optuna.trial.TrialState

    def _sampler(self, number: int) -> Any:
        """Return the sampler of a trial, which draws what no other one draws."""
        made, seed = self._optuna.samplers, (self._search.seed << 20) + number
        if self._search.sampler == "random":
            return made.RandomSampler(seed=seed % 2**32)
        return made.TPESampler(seed=seed % 2**32, constant_liar=True)

    def _suggested(self, trial: Any) -> dict[str, Any]:
        space, values = self._search.space, {}
        if "optimizer" in space:
            values["optimizer"] = space["optimizer"].suggested(trial, "optimizer")
        for name in asked(space, self._search.optimizer(values)):
            values[name] = space[name].suggested(trial, name)
        return values

    def _counted(self) -> list[Any]:
        """The trials without those that another has replaced."""
        trials = self._study.get_trials(deepcopy=False)
        gone = {each.user_attrs.get(_REPLACES) for each in trials}
        return [each for each in trials if each.number not in gone]

    def _reclaim(self) -> None:
        """Put another trial in the place of each whose worker is not alive."""
        for each in self._study.get_trials(deepcopy=False):
            worker = each.user_attrs.get(_WORKER, "")
            is_running = each.state == self._states.RUNNING
            if is_running and not (worker and is_alive(self._folder, worker)):
                self._replace(each, tried=1)

    def _replace(self, trial: Any, *, tried: int) -> None:
        """End a trial that nobody runs, after another is there to take its place."""
        known = trial.user_attrs
        tries = known.get(_TRIES, 0) + tried
        replaced = {
            each.user_attrs.get(_REPLACES) for each in self._study.get_trials(deepcopy=False)
        }
        if tries < TRIES and trial.number not in replaced:
            own = {_NUMBER: known[_NUMBER]} if _NUMBER in known else {}
            again = {_REPLACES: trial.number, _TRIES: tries, **own}
            self._study.enqueue_trial(dict(trial.params), user_attrs=again)
        self._study.tell(trial.number, state=self._states.FAIL)

    def _place(self, number: int) -> Path:
        return self._folder / f"trial-{number:04d}"

    def _result(self, trial: Any) -> Result:
        known, name = trial.user_attrs, trial.state.name
        states = {"COMPLETE": "complete", "FAIL": "failed" if _WHY in known else "lost"}
        states |= {"PRUNED": known.get(_WHY, "pruned")}
        last = trial.last_step
        return Result(
            number=known.get(_NUMBER, trial.number),
            state=states.get(name, name.lower()),
            value=trial.intermediate_values.get(last) if trial.value is None else trial.value,
            epoch=known.get(_EPOCH, last),
            values=trial.params,
            folder=self._place(known[_NUMBER]) if _NUMBER in known else None,
            why=known.get(_WHY) if name == "FAIL" else None,
        )


def imported() -> Any:
    """Return Optuna, which then prints nothing but errors.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise bpx.InputError(
            "bpx tune needs optuna, which is not installed; install it in a clone of bpx with: "
            "pip install '.[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _pruner(optuna: Any, name: str) -> Any:
    pruners = optuna.pruners
    made = {
        "median": pruners.MedianPruner,
        "halving": pruners.SuccessiveHalvingPruner,
        "hyperband": pruners.HyperbandPruner,
        "none": pruners.NopPruner,
    }
    return made[name]()


@contextmanager
def _quietly() -> Iterator[None]:
    """A block in which Optuna does not warn of what it calls experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
