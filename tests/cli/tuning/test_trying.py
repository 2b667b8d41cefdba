"""Each value of a search, tried before the first trial."""

from pathlib import Path

import pytest

import bpx
from bpx.cli.tuning.trying import check
from tests.cli.searches import TRAIN, search

pytestmark = pytest.mark.usefixtures("blobs")
SPACE = 'hidden = ["relu", "tanh"]'


def tried(*changes):
    return check(search(*changes), TRAIN)


def test_it_trains_nothing():
    before = sorted(Path().iterdir())
    work = tried()
    assert work.settings.eta == 1e-3
    assert sorted(Path().iterdir()) == [*before, Path("search.toml")]


def test_options_of_one_optimizer_are_tried_with_it():
    tried(
        (
            SPACE,
            'optimizer = ["adam", "sgd", "adamw"]\nmomentum = [0.0, 0.9]\ndecay = [0.0, 0.1]',
        )
    )


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ('hidden = ["relu", "thanh"]', "hidden = thanh .*did you mean 'tanh'"),
        ('layers = ["3,4,3", "4,3"]', "layers = 4,3 of .tune.space.: --layers 4,3 takes 4"),
        ("layers = {low = 1, high = 2}", "the sizes of at least two layers"),
        ("batch_size = {low = 2, high = 99}", "batch_size = 99 of .*99 was given"),
        ("epochs = {low = 0.5, high = 2}", "epoch.*not a valid integer"),
        ("dropout = {low = 0.0, high = 1.0}", "dropout = 1.0 .*was given; expected"),
        ('optimizer = ["adam", "sdg"]', "optimizer = sdg .*'sdg' is not one of"),
        ("momentum = [0.1, 0.9]", "momentum.* is for --optimizer sgd or rmsprop"),
        ('cost = ["cross_entropy", "hinge"]', "costs of different cost cannot be compared"),
        ('scaling = ["standard", "robust"]', "costs of different scaling cannot"),
        ('output = ["softmax", "identity"]', "categorical_cross_entropy and quadratic, which"),
    ],
)
def test_a_value_that_cannot_be_used(space, said):
    with pytest.raises(bpx.InputError, match=said):
        tried((SPACE, space))


def test_trials_must_be_judged_by_something():
    with pytest.raises(bpx.InputError, match="a validation_fraction above 0"):
        tried(("seed = 3", "validation_fraction = 0.0"))
    numbers = ("seed = 3", 'target = "a"\ntask = "numbers"')
    with pytest.raises(bpx.InputError, match=r"'accuracy' in .tune., which is no number"):
        tried(numbers, ("trials = 3", 'objective = "accuracy"'))
    tried(numbers)


def test_options_that_bpx_train_does_not_have():
    with pytest.raises(bpx.InputError, match="'epoch', which is no option of bpx train"):
        tried(("epochs = 2", "epoch = 2"))
