"""The domains of settings."""

import pytest

pytest.importorskip("click", reason="the command line is an extra")

import bpx
from bpx.cli.tuning.space import Choices, Numbers, asked, read_space


def test_numbers_and_choices():
    space = read_space(
        "f",
        {
            "batch-size": {"low": 8, "high": 64, "step": 8},
            "eta": {"low": 1, "high": 0.5e1, "log": True},
            "layers": ["4,3", [4, 5, 3]],
            "nesterov": [True, False],
        },
    )
    assert list(space) == ["nesterov", "eta", "layers", "batch_size"]
    assert space["batch_size"] == Numbers(8, 64, step=8)
    assert space["eta"] == Numbers(1.0, 5.0, log=True)
    assert space["layers"] == Choices(("4,3", "4,5,3"))
    assert [str(each) for each in space.values()] == [
        "True | False",
        "1 to 5, log",
        "4,3 | 4,5,3",
        "8 to 64, step 8",
    ]
    assert space["batch_size"].ends == (8, 64)
    assert space["layers"].ends == ("4,3", "4,5,3")


class Asked:
    """What a domain asks of Optuna."""

    def __getattr__(self, kind):
        return lambda *given, **more: (kind, given, more)


def test_what_optuna_is_asked_for():
    trial = Asked()
    whole = Numbers(8, 64, step=8).suggested(trial, "n")
    assert whole == ("suggest_int", ("n", 8, 64), {"step": 8, "log": False})
    found = Numbers(0.1, 1.0, log=True).suggested(trial, "x")
    assert found == ("suggest_float", ("x", 0.1, 1.0), {"step": None, "log": True})
    assert Choices((1, 2)).suggested(trial, "c")[:2] == ("suggest_categorical", ("c", (1, 2)))


def test_options_of_other_optimizers_are_not_asked_for():
    space = read_space("f", {"momentum": [0.1, 0.9], "decay": [0.1, 0.2], "eta": [0.1, 0.2]})
    assert asked(space, "sgd") == ["momentum", "eta"]
    assert asked(space, "adamw") == ["decay", "eta"]
    assert asked(space, "adam") == ["eta"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "f has no table"),
        ({}, "f has no table"),
        ({"seed": [1, 2]}, "'seed' in .tune.space., which cannot be searched; expected"),
        ({"epoch": [1, 2]}, r"'epoch' .*\(did you mean 'epochs'\?\)"),
        ({"eta": 0.1}, "eta in .tune.space. as 0.1; expected {low"),
        ({"eta": {"low": 1}}, "as {'low': 1}; expected {low"),
        ({"eta": {"low": True, "high": 2}}, "expected {low"),
        ({"eta": {"low": 1, "high": 2, "log": 1}}, "expected {low"),
        ({"eta": {"low": 1, "high": 2, "size": 1}}, "with 'size'; expected {low"),
        ({"eta": {"low": 2, "high": 2}}, "expected low < high"),
        ({"eta": {"low": 0, "high": 2, "log": True}}, "a low above 0"),
        ({"eta": {"low": 1, "high": 2, "log": True, "step": 1}}, "without it a step"),
        ({"eta": {"low": 1, "high": 2, "step": 0}}, "a step above 0"),
        ({"hidden": ["relu"]}, "at least two different choices"),
        ({"hidden": ["relu", "relu"]}, "at least two different choices"),
        ({"hidden": ["relu", {}]}, "expected texts, numbers or lists"),
    ],
)
def test_what_is_no_domain(given, said):
    with pytest.raises(bpx.InputError, match=said):
        read_space("f", given)
