"""Recipes: a peer's network is the same network, trained by the same rule."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks import recipes
from benchmarks.recipes import Recipe

TINY = Recipe((12, 7, 6, 4), (0.2, 0.5, 0.5), "layer", 2, 8, 1e-2)


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    y = np.arange(20, dtype=np.int32) % 4
    x = np.repeat(np.eye(4), 3, axis=1)[y] + 0.1 * rng.random((20, 12))
    return x.astype(np.float32), y


def test_a_recipe_is_told_in_one_line():
    assert TINY.short == (
        "12-7-6-4, ReLU, LayerNorm, dropout 0.2, 0.5, 0.5, AdamW, decay 0.01, "
        "one cycle to 0.01, 2 epochs of mini-batches of 8"
    )


def test_smoothed_labels_are_told():
    recipe = TINY._replace(smoothing=0.1)
    assert "labels smoothed by 0.1, AdamW" in recipe.short
    assert recipes.network(recipe, 0).spec.cost != recipes.network(TINY, 0).spec.cost


def test_its_network_has_what_it_says(samples):
    layers = [type(each).__name__ for each in recipes.network(TINY, 0).spec.layers]
    assert layers == ["Dropout", *["Dense", "LayerNorm", "Dropout"] * 2, "Dense"]
    plain = TINY._replace(dropout=(0.0,) * 3, norm=None)
    layers = [type(each).__name__ for each in recipes.network(plain, 0).spec.layers]
    assert layers == ["Dense"] * 3


def test_training_learns(samples):
    recipe = TINY._replace(dropout=(0.0,) * 3, epochs=60)
    net = recipes.network(recipe, 0)
    costs = list(recipes.epochs(net, recipe, *samples, 0))
    assert len(costs) == 60
    assert costs[-1] < 0.1 < costs[0]
    assert recipes.accuracy(net, *samples) == 1.0


@pytest.mark.parametrize("norm", ["layer", "batch", None])
@pytest.mark.parametrize(("cycle", "decay", "smoothing"), [(True, 0.0, 0.0), (False, 0.1, 0.1)])
def test_torch_trains_the_same_network_by_the_same_rule(samples, norm, cycle, decay, smoothing):
    pytest.importorskip("torch")
    from benchmarks.peers import _torch_recipe

    # A full mini-batch, and no dropout: neither the order nor the masks matter.
    recipe = TINY._replace(
        dropout=(0.0,) * 3,
        norm=norm,
        cycle=cycle,
        decay=decay,
        smoothing=smoothing,
        batch=20,
        epochs=40,
    )
    net, peer = recipes.network(recipe, 0), _torch_recipe.model(recipe, 0)
    ours = list(recipes.epochs(net, recipe, *samples, 0))
    theirs = list(_torch_recipe.epochs(peer, recipe, *samples, 0))
    # The cycles of bpx, which are optax's, and of PyTorch turn a step apart.
    np.testing.assert_allclose(ours, theirs, rtol=0.1 if cycle else 1e-3)
    assert recipes.accuracy(net, *samples) == _torch_recipe.accuracy(peer, *samples)
    assert all(a > b for a, b in pairwise(ours)) or cycle


def test_torch_drops_where_we_drop():
    pytest.importorskip("torch")
    from benchmarks.peers import _torch_recipe

    names = [type(each).__name__ for each in _torch_recipe.model(TINY, 0)]
    hidden = ["Linear", "ReLU", "LayerNorm", "Dropout"]
    assert names == ["Dropout", *hidden, *hidden, "Linear"]
