"""A search as a TOML file describes it: options of ``bpx train``, and the table ``[tune]``."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

import bpx
from bpx.cli import config, optimizers
from bpx.cli.settings import Settings, typed
from bpx.cli.tuning.space import Domain, read_space
from bpx.errors import nearest

__all__ = ["PRUNERS", "SAMPLERS", "Search", "read_search"]

SAMPLERS = ("tpe", "random")
PRUNERS = ("median", "halving", "hyperband", "none")
TRIALS = 50
_DIRECTIONS = {"cost": "minimize", "accuracy": "maximize"}
_KEYS = ("trials", "objective", "direction", "sampler", "pruner", "seed", "space")
_NOT_HERE = {"out": "--out", "quiet": "--quiet"}


@dataclass(frozen=True)
class Search:
    """What is searched, and how.

    Attributes
    ----------
    file : str
        Where it was read, for messages.
    options : dict
        Those of ``bpx train`` that all trials share, as the file has them.
    space : dict of str to Domain
        In the order in which the settings are asked for.
    objective : str
        ``"cost"``, ``"accuracy"``, or one of the options' metrics, of the validation samples.
    direction : {"minimize", "maximize"}
    sampler, pruner : str
        Of `SAMPLERS`, and of `PRUNERS`.
    seed : int
        The seed of the sampler.
    trials : int
        How many trials there are to be.
    """

    file: str
    options: Mapping[str, Any]
    space: Mapping[str, Domain]
    objective: str
    direction: str
    sampler: str
    pruner: str
    seed: int
    trials: int

    def chosen(self, train: click.Command, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of ``bpx train`` in the trial with these values.

        Raises
        ------
        click.ClickException, InputError
            If one cannot be read.
        """
        words = [word for name, value in values.items() for word in typed(name, value)]
        known = config.defaults(self.file, self.options, train)
        found: dict[str, Any] = train.make_context("train", words, default_map=known).params
        return found

    def settings(self, train: click.Command, values: Mapping[str, Any]) -> Settings:
        """Return the settings of the trial with these values.

        Raises
        ------
        click.ClickException, InputError
            If one cannot be used.
        """
        chosen = self.chosen(train, values)
        own = {name: value for name, value in chosen.items() if name in _FIELDS}
        settings = Settings(**own)
        optimizers.check(settings.optimizer, settings.own())
        return settings

    def optimizer(self, values: Mapping[str, Any]) -> str:
        """Return the optimizer of the trial with these values."""
        found: str = values.get("optimizer", self.options.get("optimizer", Settings.optimizer))
        return found

    def value(self, result: bpx.Evaluation | None) -> float | None:
        """Return the objective of an evaluation on the validation samples; None if none."""
        if result is None:
            return None
        own: dict[str, Any] = {"cost": result.cost, "accuracy": result.accuracy}
        found = {**result.metrics, **own}.get(self.objective)
        return float(found) if isinstance(found, int | float) else None

    @property
    def tree(self) -> dict[str, Any]:
        """The search as its file has it."""
        space = {name: domain.written for name, domain in self.space.items()}
        how = {name: getattr(self, name) for name in _KEYS if name != "space"}
        return {**self.options, "tune": {**how, "space": space}}


_FIELDS = frozenset(Settings.__dataclass_fields__)


def read_search(file: str, trials: int | None = None) -> Search:
    """Return the search that a file describes, for so many trials.

    Raises
    ------
    InputError
        If it describes none.
    """
    whole = dict(config.contents(file, file))
    tune = whole.pop("tune", None)
    if not isinstance(tune, Mapping):
        raise bpx.InputError(
            f"{file} has no table [tune]; expected the options of bpx train, and the table "
            "[tune.space] with the settings to search"
        )
    _known_keys(file, tune)
    options = {name: _found(each) for name, each in config.options(file, whole).items()}
    _check_options(file, options)
    space = read_space(file, tune.get("space"))
    options = {name: each for name, each in options.items() if name not in space}
    search = Search(
        file,
        options,
        space,
        objective=tune.get("objective", "cost"),
        direction=tune.get("direction", ""),
        sampler=_one_of(file, "sampler", tune, SAMPLERS),
        pruner=_one_of(file, "pruner", tune, PRUNERS),
        seed=_whole(file, "seed", tune.get("seed", 0), 0),
        trials=_whole(file, "trials", tune.get("trials", TRIALS), 1),
    )
    search = _directed(search)
    return search if trials is None else replace(search, trials=trials)


def _found(option: Any) -> Any:
    """Return an option; a path of another run is found now."""
    return option() if callable(option) else option


def _known_keys(file: str, tune: Mapping[str, Any]) -> None:
    for name in tune:
        if name not in _KEYS:
            raise bpx.InputError(
                f"{file} has {name!r} in [tune]{nearest(name, _KEYS)}; expected "
                f"{', '.join(_KEYS)}"
            )


def _check_options(file: str, options: Mapping[str, Any]) -> None:
    for name, flag in _NOT_HERE.items():
        if name in options:
            raise bpx.InputError(
                f"{file} has {name}, which is for one run; remove it, and give {flag} to bpx "
                "tune"
            )
    if "data" not in options:
        raise bpx.InputError(f'{file} has no data; expected a line such as data = "digits"')


def _one_of(file: str, name: str, tune: Mapping[str, Any], known: tuple[str, ...]) -> str:
    found = tune.get(name, known[0])
    if found not in known:
        raise bpx.InputError(
            f"{file} has {name} = {found!r} in [tune]; expected one of {', '.join(known)}"
        )
    return str(found)


def _whole(file: str, name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise bpx.InputError(
            f"{file} has {name} = {value!r} in [tune]; expected a whole number of at least "
            f"{least}"
        )
    return value


def _directed(search: Search) -> Search:
    """Return the search with its direction, and an objective that it can have."""
    objective, metrics = search.objective, search.options.get("metrics", "")
    names = metrics if isinstance(metrics, list) else str(metrics).split(",")
    known = (*_DIRECTIONS, *filter(None, (each.strip() for each in names)))
    if objective not in known:
        raise bpx.InputError(
            f"{search.file} has objective = {objective!r} in [tune]"
            f"{nearest(str(objective), known)}; expected one of {', '.join(known)}: other "
            "metrics go into metrics, too"
        )
    direction = search.direction or _DIRECTIONS.get(objective)
    if direction not in ("minimize", "maximize"):
        raise bpx.InputError(
            f"{search.file} has direction = {direction or 'nothing'!r} in [tune] for the "
            f"objective {objective}; expected minimize or maximize"
        )
    return replace(search, direction=direction)
