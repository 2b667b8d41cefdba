"""The options of a run: what their help promises."""

import pytest

from tests.cli.invoked import ok


@pytest.mark.parametrize(
    ("command", "every", "keep"),
    [
        ("train", "[default: 1 epoch]", "[default: 3]"),
        ("resume", "[default: that of the run]", "[default: that of the run]"),
    ],
)
def test_the_defaults_of_checkpoints_are_those_of_the_command(command, every, keep):
    said = " ".join(ok(command, "--help").split())
    assert every in said.partition("--every")[2].partition("--keep")[0]
    assert keep in said.partition("--keep")[2].partition("--quiet")[0]
