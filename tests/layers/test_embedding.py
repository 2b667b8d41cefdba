"""An Embedding layer: its equations against one-hot products and torch.nn.Embedding."""

import copy
import pickle

import numpy as np
import pytest

import bpx
from bpx.layers import Context, Embedding
from bpx.layers.embedding import EmbeddingParameters
from tests.backends import host
from tests.peers import close
from tests.tables import Inputs

N, LAYER = 8, Embedding(5, columns=[1, 4], levels=[4, 3], dim=2)
RNG = np.random.default_rng(0)
E, R = RNG.standard_normal((7, 2)), RNG.uniform(0.5, 1.5, (N, 1))
G = RNG.standard_normal((N, LAYER.n_out))
CODES = np.stack([RNG.integers(0, 4, N), RNG.integers(0, 3, N)], axis=1)


def inputs(codes=CODES):
    x = np.random.default_rng(1).standard_normal((len(codes), 5))
    x[:, [1, 4]] = codes
    return x


X = inputs()
HOT = np.concatenate([np.eye(4)[CODES[:, 0]], np.eye(3)[CODES[:, 1]]], axis=1)
BLOCKS = np.zeros((N, 7, 2))
BLOCKS[:, :4], BLOCKS[:, 4:] = G[:, None, 3:5], G[:, None, 5:7]
ROWS = HOT[:, :, None] * BLOCKS
"""The gradient of each sample."""


def ran(target, x=X):
    p = EmbeddingParameters(target.asarray(E, "float64"))
    return p, LAYER.forward(p, target.asarray(x, "float64"), Context())


# What it is


def test_equal_layers_are_equal_and_lists_are_tuples():
    assert Embedding(5, (1, 4), (4, 3), 2) == LAYER != Embedding(5, (1, 3), (4, 3), 2)
    assert Embedding(5, np.array([1, 4]), np.array([4, 3]), 2) == LAYER
    assert hash(Embedding(5, (1, 4), (4, 3), 2)) == hash(LAYER)
    assert (LAYER.kind, LAYER.couples_samples, LAYER.draws) == ("embedding", False, False)
    assert (LAYER.n_out, LAYER.shapes, LAYER.passed) == (7, {"E": (7, 2)}, (0, 2, 3))
    assert LAYER.codes == {1: 4, 4: 3}
    assert LAYER.rows == (slice(0, 4), slice(4, 7))


@pytest.mark.parametrize(
    "given",
    [
        {"n_in": 0},
        {"columns": [5]},
        {"levels": [4]},
        {"levels": [4, 0]},
        {"levels": [4, 2**23 + 1]},
        {"levels": "43"},
        {"levels": 4},
        {"dim": 0},
        {"unseen": 1},
    ],
)
def test_what_it_cannot_be(given):
    name = next(iter(given))
    usual = {"n_in": 5, "columns": [1, 4], "levels": [4, 3], "dim": 2}
    with pytest.raises(bpx.InputError, match=f"{name}=.* was given; expected"):
        Embedding(**usual | given)


@pytest.mark.parametrize("unseen", [True, False])
def test_its_first_vectors_are_about_of_length_1(unseen):
    layer = Embedding(2, [0, 1], levels=[50, 150], dim=16, unseen=unseen)
    drawn = bpx.Network([layer, bpx.Dense(32, 1, "tanh")], seed=0).parameters.layers[0].E
    zeros = [49, 199] if unseen else []
    assert [*np.flatnonzero((drawn == 0.0).all(axis=1))] == zeros
    others = np.delete(drawn, zeros, axis=0)
    assert abs((others**2).sum(axis=1).mean() - 1.0) < 0.1
    assert abs(others.mean()) < 0.02


def test_of_a_schema_it_takes_the_codes():
    layer = Embedding.of(Inputs(5, codes={1: 4, 4: 3}), 2)
    assert layer == Embedding(5, [1, 4], [4, 3], 2, unseen=True)
    before = bpx.Periodic(5, [0, 3], frequencies=2)
    after = Embedding.of(Inputs(5, codes={1: 4, 4: 3}), 2, after=before)
    assert (after.n_in, after.columns, after.levels) == (11, (0, 2), (4, 3))
    with pytest.raises(bpx.InputError, match=r"makes no codes.*categories='codes'"):
        Embedding.of(Inputs(5), 2)


# Its equations


def test_forward_and_back_are_those_of_one_hot_vectors(target):
    p, saved = ran(target)
    a = np.concatenate([X[:, [0, 2, 3]], E[CODES[:, 0]], E[4 + CODES[:, 1]]], axis=1)
    np.testing.assert_array_equal(host(saved.a), a)
    np.testing.assert_array_equal(host(saved.codes), CODES)
    delta = LAYER.error(saved, target.asarray(G, "float64"))
    np.testing.assert_array_equal(host(delta), G)
    sent = np.zeros((N, 5))
    sent[:, [0, 2, 3]] = G[:, :3]
    np.testing.assert_array_equal(host(LAYER.send_back(p, saved, delta)), sent)
    found = saved.gradients(target.asarray(R, "float64"), delta).E
    close(found, (R[:, :, None] * ROWS).sum(axis=0))
    close(saved.gradients(0.5, delta).E, 0.5 * ROWS.sum(axis=0))


def test_of_torch_the_same_comes_out():
    torch = pytest.importorskip("torch", reason="the peer is torch.nn.Embedding")
    tables = [
        torch.nn.Embedding.from_pretrained(torch.tensor(part), freeze=False)
        for part in (E[:4], E[4:])
    ]
    vectors = [table(torch.tensor(CODES[:, j])) for j, table in enumerate(tables)]
    output = torch.cat([torch.tensor(X[:, [0, 2, 3]]), *vectors], dim=1)
    (output * torch.tensor(R * G)).sum().backward()
    saved = LAYER.forward(EmbeddingParameters(E), X, Context())
    np.testing.assert_array_equal(saved.a, output.detach().numpy())
    expected = np.concatenate([table.weight.grad.numpy() for table in tables])
    np.testing.assert_allclose(saved.gradients(R, G).E, expected, rtol=1e-12)


def test_of_jax_the_same_comes_out():
    jax = pytest.importorskip("jax", reason="the peer is jax.grad")
    if not jax.config.jax_enable_x64:
        pytest.skip("JAX_ENABLE_X64 is off")

    def summed(table, x):
        return (R * G * LAYER.forward(EmbeddingParameters(table), x, Context()).a).sum()

    table, x = jax.grad(summed, (0, 1))(jax.numpy.asarray(E), jax.numpy.asarray(X))
    saved = LAYER.forward(EmbeddingParameters(E), X, Context())
    np.testing.assert_allclose(saved.gradients(R, G).E, host(table), rtol=1e-12)
    sent = LAYER.send_back(EmbeddingParameters(E), saved, G)
    np.testing.assert_allclose(R * sent, host(x), rtol=1e-12)


def test_a_vector_that_does_not_occur_gets_no_gradient_and_stays():
    layer = Embedding(1, [0], levels=[4], dim=3, unseen=True)
    net = bpx.Network([layer, bpx.Dense(3, 2, "softmax")], cost="cross_entropy", seed=0)
    before = net.parameters.layers[0].E
    x, y = np.arange(12)[:, None] % 2, np.arange(12) % 2
    net.fit(x, y, epochs=5, batch_size=4, optimizer=bpx.Adam(0.1), lmbda=1.0, seed=0)
    after = net.parameters.layers[0].E
    np.testing.assert_array_equal(after[2:], before[2:])
    assert (after[3] == 0.0).all()
    assert (after[:2] != before[:2]).all()


# Of each sample


def test_of_each_sample(target):
    _, saved = ran(target)
    codes = CODES[:3, ::-1] % 3
    _, other = ran(target, inputs(codes))
    delta = target.asarray(G, "float64")
    g = target.asarray(RNG.standard_normal((3, LAYER.n_out)), "float64")
    found = host(saved.individual(delta).E)
    close(found, ROWS)
    rows, rows_other = found.reshape(N, -1), host(other.individual(g).E).reshape(3, -1)
    close(saved.squared_norms(delta), (rows**2).sum(axis=1))
    close(saved.inner_products(delta, other, g), rows @ rows_other.T)
    v = EmbeddingParameters(target.asarray(RNG.standard_normal((7, 2)), "float64"))
    close(saved.along(v, delta), (rows @ host(v.E).reshape(-1))[:, None])
    close(saved.squared().gradients(1.0, delta * delta).E, (ROWS**2).sum(axis=0))


def test_what_is_saved_can_be_copied_and_pickled():
    saved = LAYER.forward(EmbeddingParameters(E), X, Context())
    for again in (copy.deepcopy(saved), copy.copy(saved), pickle.loads(pickle.dumps(saved))):
        assert type(again) is type(saved)
        np.testing.assert_array_equal(again.gradients(R, G).E, saved.gradients(R, G).E)
    other = Embedding(5, columns=[1, 4], levels=[4, 5], dim=2)
    twelve = EmbeddingParameters(RNG.standard_normal((9, 2)))
    assert type(other.forward(twelve, X, Context())) is not type(saved)


# Differentiated once


def test_derivatives_along_a_direction():
    """Exactly, since a is linear in E; of the codes nothing moves."""
    p, saved = EmbeddingParameters(E), LAYER.forward(EmbeddingParameters(E), X, Context())
    v, rx = EmbeddingParameters(RNG.standard_normal((7, 2))), RNG.standard_normal((N, 5))
    moved = LAYER.r_forward(p, v, saved, rx)
    of_v = LAYER.forward(v, X, Context()).a
    np.testing.assert_array_equal(LAYER.r_output(saved, moved)[:, 3:], of_v[:, 3:])
    np.testing.assert_array_equal(moved[:, :3], rx[:, [0, 2, 3]])
    still = LAYER.r_forward(p, v, saved, None)
    np.testing.assert_array_equal(still[:, 3:], of_v[:, 3:])
    assert (still[:, :3] == 0.0).all()
    rg = RNG.standard_normal(G.shape)
    assert LAYER.r_error(saved, moved, None, rg) is rg
    assert not LAYER.bends
    np.testing.assert_array_equal(
        LAYER.r_gradients(R, saved, moved, G, rg).E, saved.gradients(R, rg).E
    )
    sent = LAYER.r_send_back(p, v, saved, moved, G, rg)
    np.testing.assert_array_equal(sent, LAYER.send_back(p, saved, rg))
