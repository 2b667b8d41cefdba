"""One trial of a search: a run like any other, which may end early."""

import warnings
from contextlib import closing
from typing import Any

import click

import bpx
from bpx.cli.begun import begin, described
from bpx.cli.folder import RunFolder
from bpx.cli.tuning.search import Search
from bpx.cli.tuning.study import Study, Trial
from bpx.cli.work import prepare

__all__ = ["run"]

_KEEP = 1
"""The checkpoints of each trial, besides the best one: there are many trials."""


def run(trial: Trial, study: Study, search: Search, train: click.Command) -> None:
    """Run a trial, or go on with it where it was interrupted, and note its result.

    A trial that fails does so by itself: the search goes on.

    Raises
    ------
    KeyboardInterrupt, Preempted
        If it was asked to end; another worker can go on with it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bpx.DataWarning)  # those of the check are the same
            _trained(trial, study, search, train)
    except bpx.DivergenceError:
        study.prune(trial, "diverged")
    except (KeyboardInterrupt, bpx.Preempted):
        study.release(trial)
        raise
    except click.ClickException as error:
        study.fail(trial, error.format_message())
    except Exception as error:  # of any kind: a trial is on its own
        own = isinstance(error, bpx.BpxError)
        study.fail(trial, str(error) if own else f"{type(error).__name__}: {error}")


def _trained(trial: Trial, study: Study, search: Search, train: click.Command) -> None:
    settings = search.settings(train, trial.values)
    chosen = search.chosen(train, trial.values)
    work = prepare(settings)
    often: dict[str, Any] = {"every": chosen["every"], "keep": chosen["keep"] or _KEEP}
    training = begin(work, trial.folder, **often, resume=True, ranks="off")
    with closing(training):
        RunFolder(trial.folder).describe({**described(work), **_given(often)})
        values = {}
        for epoch in training.records:
            values[epoch.number] = _reported(trial, study, search, epoch)
        for epoch in training:
            values[epoch.number] = _reported(trial, study, search, epoch)
            if study.should_prune(trial):
                study.prune(trial)
                return
    assert training.stopped is not None, "it has come to its end"
    kept = training.stopped.weights
    study.complete(trial, kept, values[kept])


def _given(often: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in often.items() if value is not None}


def _reported(trial: Trial, study: Study, search: Search, epoch: bpx.Epoch) -> float:
    value = search.value(epoch.validation)
    if value is None or value != value:
        raise bpx.InputError(
            f"the objective {search.objective} of epoch {epoch.number} is {value}; expected a "
            "number"
        )
    study.report(trial, epoch.number, value)
    return value
