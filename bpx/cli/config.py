"""``--config``: the options of a command from a TOML file, such as a run's ``run.toml``."""

import tomllib
from collections.abc import Mapping
from typing import Any

import click

import bpx
from bpx._files import expanded
from bpx.errors import nearest

__all__ = ["config_option"]

_OF_A_RUN = (
    "run",
    "command",
    "samples",
    "drawn",
    "versions",
    "training",
    "network",
    "fingerprints",
    "machine",
)
"""What ``run.toml`` has besides the options of the command line."""


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


def _read(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    tree = {name.replace("-", "_"): each for name, each in _tree(value).items()}
    if "run" in tree:
        tree = {name: each for name, each in tree.items() if name not in _OF_A_RUN}
    known = {each.name: each for each in ctx.command.params if each.name and each is not param}
    renamed = _by_flag(known)
    defaults = {}
    for name, given in tree.items():
        taken = renamed.get(name, name)
        if isinstance(given, dict):
            raise bpx.InputError(
                f"{value} has the table [{name}]; expected options alone, such as epochs = 30, "
                "before any table"
            )
        if taken not in known:
            flags = [each for each in {*known, *renamed} if each != "config"]
            raise bpx.InputError(
                f"{value} has {name!r}, which is no option of bpx "
                f"{ctx.command.name}{nearest(name, flags)}: see bpx {ctx.command.name} --help"
            )
        defaults[taken] = _as_typed(known[taken], given)
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


def _tree(path: str) -> Mapping[str, Any]:
    file = expanded(path)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise bpx.MissingFileError(
            f"--config {path} does not exist; expected a TOML file, such as run.toml"
        ) from error
    except (OSError, ValueError) as error:
        raise bpx.FileFormatError(
            f"--config {path} cannot be read ({error}); expected a TOML file, with lines "
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


def _as_typed(parameter: click.Parameter, given: Any) -> Any:
    """Return a value as it would be typed: a list in one option is separated by commas."""
    if isinstance(given, list) and not getattr(parameter, "multiple", False):
        return ",".join(map(str, given))
    return given
