"""Options: what cannot be understood, and the help."""

import pytest

from tests.cli.invoked import ok, refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train"], "Missing argument 'DATA'"),
        (["train", "digits", "--layers", "30"], "such as 784,30,10"),
        (["train", "digits", "--layers", "64,x,10"], "such as 784,30,10"),
        (["train", "digits", "--optimizer", "lbfgs"], "'sgd', 'adam'"),
        (["train", "digits", "--momentum", "0.9"], "for --optimizer sgd"),
        (
            ["train", "digits", "--class-weight", "even"],
            "'even' is not one of 'balanced', 'none'",
        ),
        (["train", "digits", "--validation-fraction", "1"], "0<=x<1"),
        (["evaluate", "run", "digits", "--split", "all"], "'test', 'validation', 'train'"),
        (["train", "digits", "--early-stopping", "never"], "'never' is not a valid integer"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_words_that_cannot_be_understood(words, message):
    assert message in refused(*words, code=2)


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["predict"], ["info"]])
def test_help(command):
    said = ok(*command, "--help")
    assert "Usage: " in said
    assert command == ["info"] or "Examples:" in said
