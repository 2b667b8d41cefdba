"""Commands that end in a judgement: their output, by their exit code."""

import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from click.testing import CliRunner

from bpx.cli.commands import cli


def invoke(*words, code=0, env=None):
    result = CliRunner().invoke(cli, [str(word) for word in words], env=env)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def refused(*words, code=1, env=None):
    output = invoke(*words, code=code, env=env)
    assert "Error: " in output
    return " ".join(output.split())
