"""The commands, invoked in this process, and what they leave behind."""

import csv
import sys
import tomllib

import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from click.testing import CliRunner

from bpx.cli import folder
from bpx.cli.commands import cli

COLUMNS = list(folder.COLUMNS)
COMMAND = [sys.executable, "-m", "bpx.cli"]
SECONDS = 120  # how long a subprocess may take before a test gives up


def invoke(*words, env=None):
    return CliRunner().invoke(cli, [str(word) for word in words], env=env)


def ok(*words, env=None):
    result = invoke(*words, env=env)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words, code=1, env=None):
    """The message of a command that ends in an error, without a traceback."""
    result = invoke(*words, env=env)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Error: " in result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def history(run):
    with open(f"{run}/history.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def learned(run):
    """The columns of the history that do not depend on the machine's speed at all."""
    return [[row[name] for name in COLUMNS[:1] + COLUMNS[2:5]] for row in history(run)]


def costs(run):
    """In their last digits they do: they are summed in chunks that are cut by the clock."""
    return [float(row["cost"]) for row in history(run)]


def settings(run):
    """All but the run's own name, which no other run has."""
    with open(f"{run}/run.toml", "rb") as file:
        found = tomllib.load(file)
    assert len(found.pop("run")) == 16
    return found


def interrupt(*_, **__):
    raise KeyboardInterrupt
