"""The group of all commands: which of them run on several ranks together."""

from contextlib import contextmanager

import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from bpx.cli import group
from tests.cli.invoked import invoke, refused


@pytest.fixture
def attended(monkeypatch):
    seen = []

    @contextmanager
    def attending():
        seen.append("together")
        yield

    monkeypatch.setattr(group.ranks, "attended", attending)
    return seen


def test_commands_run_together(attended):
    refused("train", "no.csv")
    assert attended == ["together"]


def test_a_search_runs_alone(attended):
    refused("tune", "no.toml")
    assert attended == []


def test_errors_are_sentences():
    assert refused("tune", "no.toml").startswith("Error: ")
    assert "Did you mean '--eta'?" in refused("train", "digits", "--lr", "1", code=2)


def test_no_command_at_all():
    assert "Usage" in invoke().output
