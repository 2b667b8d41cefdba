"""``--config``: the options of a command from a TOML file, such as a run's ``run.toml``."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

import bpx
from bpx._files import expanded
from bpx.cli import optimizers, places, sources
from bpx.cli.places import STARTED
from bpx.cli.settings import Settings
from bpx.costs import built_in
from bpx.errors import nearest
from bpx.io.parsing import parsed_toml

__all__ = ["config_option", "contents", "defaults", "forgetting", "options"]

_OF_A_RUN = {
    "run": str,
    STARTED: str,
    "command": str,
    "samples": dict,
    "drawn": str,
    "versions": dict,
    "training": dict,
    "network": dict,
    "fingerprints": dict,
    "machine": dict,
}
"""What ``run.toml`` has besides the options of the command line, and of which type."""


def config_option(command: Any) -> Any:
    """Add ``--config`` to a command; each key of the file is the name of an option."""
    return click.option(
        "--config",
        metavar="FILE",
        is_eager=True,  # the others then take their defaults from it
        expose_value=False,
        callback=_read,
        help="Take DATA and options from a TOML file, with keys such as batch_size = 32, or "
        "from the run.toml of a run. Options that you give besides take precedence.",
    )(command)


def forgetting(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Forget options of the file that another value of this option, if it is typed, voids.

    A typed option is read before the ones that are not. The learning rate and the options of
    the file's optimizer are forgotten for another one if they are its defaults, which bpx
    writes to ``run.toml``, or if the other does not take them.
    """
    typed = ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    if typed and ctx.default_map:
        ctx.default_map = _VOID[str(param.name)](dict(ctx.default_map), value)
    return value


def _read(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        found = defaults(
            value, options(value, contents(value, f"--config {value}")), ctx.command
        )
        ctx.default_map = {**(ctx.default_map or {}), **found}


def defaults(file: str, given: Mapping[str, Any], command: click.Command) -> dict[str, Any]:
    """Return what the parameters of a command take from the options of a file, as typed.

    Raises
    ------
    InputError
        If one is no option of the command.
    """
    known = {each.name: each for each in command.params if each.name and each.name != "config"}
    renamed = _by_flag(known)
    found = {}
    for name, value in given.items():
        taken = renamed.get(name, name)
        if isinstance(value, dict):
            raise bpx.InputError(
                f"{file} has the table [{name}]; expected options alone, such as epochs = 30, "
                "before any table"
            )
        if taken not in known:
            flags = [*{*known, *renamed}]
            raise bpx.InputError(
                f"{file} has {name!r}, which is no option of bpx "
                f"{command.name}{nearest(name, flags)}: see bpx {command.name} --help"
            )
        found[taken] = _as_typed(file, name, known[taken], value)
    return found


def options(path: str, whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in a file; the paths in that of a run lie where it was started, too.

    Parameters
    ----------
    path : str
        For messages.
    whole : mapping
        What the file holds.

    Raises
    ------
    InputError
        If the file is of a run that was begun in Python, or has an option twice.
    """
    tree: dict[str, Any] = {}
    for spelt, each in whole.items():
        name = spelt.replace("-", "_")
        if name in tree:
            raise bpx.InputError(
                f"{path} has {name} twice, once as {spelt}; remove one of them"
            )
        tree[name] = each
    if "run" not in tree:
        return tree
    if "command" not in tree:
        raise bpx.InputError(
            f"{path} is of a run that was begun in Python, and holds no options of bpx train; "
            "expected a file with options, or the run.toml of a run of bpx train"
        )
    of_run = {name for name, each in tree.items() if isinstance(each, _OF_A_RUN.get(name, ()))}
    for name in ("data", "folder"):
        if isinstance(given := tree.get(name), str) and not sources.has_name(given):
            tree[name] = partial(places.found, given, tree.get(STARTED))
    return {name: each for name, each in tree.items() if name not in of_run}


def contents(path: str, given: str) -> Mapping[str, Any]:
    """Return what a TOML file holds; messages call it as it was given.

    Raises
    ------
    MissingFileError, FileFormatError
        If it does not exist, or cannot be read.
    """
    file = expanded(path)
    try:
        return parsed_toml(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise bpx.MissingFileError(
            f"{given} does not exist; expected a TOML file, such as run.toml"
        ) from error
    except (OSError, ValueError) as error:
        raise bpx.FileFormatError(
            f"{given} cannot be read ({error}); expected a TOML file, with lines "
            "such as epochs = 30"
        ) from error


def _by_flag(known: Mapping[str, click.Parameter]) -> dict[str, str]:
    """Map a flag whose parameter has another name, such as ``--data``, to that name.

    DATA, the argument, is a parameter itself, so that the flag ``--data`` is only ``folder``.
    """
    found = {}
    for name, parameter in known.items():
        for flag in parameter.opts:
            spelt = flag.lstrip("-").replace("-", "_")
            if spelt != name and spelt not in known:
                found[spelt] = name
    return found


def _as_typed(file: str, name: str, parameter: click.Parameter, given: Any) -> Any:
    """Return a value as it would be typed: a list in one option is separated by commas."""
    if callable(given):  # which click calls if the option is not typed
        return given
    if getattr(parameter, "multiple", False):
        return given if isinstance(given, list) else [str(given)]
    if isinstance(given, list):
        return ",".join(map(str, given))
    if getattr(parameter, "is_flag", False):
        if not isinstance(given, bool):
            raise bpx.InputError(f"{file} has {name} = {given!r}; expected true or false")
        return given
    if isinstance(given, bool):
        raise bpx.InputError(
            f"{file} has {name} = {str(given).lower()}; expected a value, as bpx takes it "
            f"after {parameter.opts[0]}"
        )
    return str(given)  # a number that has to be whole is not cut off


def _without_options(file: dict[str, Any], now: str) -> dict[str, Any]:
    """The options but for those of another optimizer: see `forgetting`."""
    before = file.get("optimizer", Settings.optimizer)
    if before == now:
        return file
    usual = {"eta": optimizers.default_eta(before), **optimizers.defaults(before)}
    takes = {"eta", *optimizers.defaults(now)}
    lost = [
        name
        for name in ("eta", *optimizers.OPTIONS)
        if name in file and (name not in takes or _is_usual(file[name], usual.get(name)))
    ]
    return {name: value for name, value in file.items() if name not in lost}


def _is_usual(given: Any, usual: Any) -> bool:
    if isinstance(given, bool) or isinstance(usual, bool):
        return given is usual
    try:
        return usual is not None and float(given) == usual
    except (TypeError, ValueError):
        return False


def _without_output(file: dict[str, Any], cost: str) -> dict[str, Any]:
    """The options but for an output activation that the cost does not take."""
    return file if _fit(cost, file.get("output")) else _without(file, "output")


def _without_cost(file: dict[str, Any], output: str) -> dict[str, Any]:
    """The options but for a cost that does not take the output activation."""
    return file if _fit(file.get("cost"), output) else _without(file, "cost")


def _without(file: dict[str, Any], lost: str) -> dict[str, Any]:
    return {name: value for name, value in file.items() if name != lost}


def _fit(cost: str | None, output: str | None) -> bool:
    """Whether a cost takes an output; True if one is not given, or not known."""
    if cost is None or output is None:
        return True
    try:
        found = built_in(cost)
    except bpx.InputError:  # which is told later, by its option
        return True
    outputs = getattr(found, "outputs", None)
    return outputs is None or output in [each.name for each in outputs]


_VOID = {
    "optimizer": _without_options,
    "output": _without_cost,
    "cost": _without_output,
}
"""What is left of the file's options if another value of the option is typed."""
