"""An option of another program is refused with the one that bpx has for it."""

import pytest

from bpx.cli.elsewhere import _ELSEWHERE
from tests.cli.invoked import cli, refused


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--lr", "--eta"),
        ("--learning_rate", "--eta"),
        ("--weight-decay", "--decay"),
        ("--loss", "--cost"),
        ("--patience", "--early-stopping"),
        ("--batch_size", "--batch-size"),  # with the wrong dash
    ],
)
def test_the_option_that_is_meant(given, meant):
    message = refused("train", "digits", given, 1, code=2)
    assert f"No such option '{given}'" in message
    assert f"Did you mean '{meant}'?" in message


def test_another_is_named_by_its_spelling_as_before():
    assert "--epochs" in refused("train", "digits", "--epoch", 1, code=2)


def test_an_option_that_the_command_does_not_have_is_not_named():
    assert "--eta" not in refused("evaluate", "run", "digits", "--lr", 1, code=2)


def test_each_is_an_option_of_train_and_none_of_them_is_taken():
    there = {flag for each in cli.commands["train"].params for flag in each.opts}
    assert there.issuperset(_ELSEWHERE.values())
    assert there.isdisjoint(_ELSEWHERE)
