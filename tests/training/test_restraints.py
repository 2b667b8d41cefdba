"""Penalties and limits of layers: what they add to an update, on every engine."""

import logging
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import bpx
from bpx.layers.dense import DenseParameters
from bpx.model.parameters import Gradients
from bpx.program.contract import leaves
from bpx.training.restraints import constrained, constrains, penalised
from bpx.training.step import joined
from tests.backends import Target, host
from tests.extending.rms_norm import RMSNorm

C, D = 0.5, 0.6
OPTIMIZERS = {
    "sgd": bpx.SGD(0.3),
    "adam": bpx.Adam(0.05),  # PyTorch's own kernel, where nothing comes after it
    "clipped": bpx.optim.chain(bpx.optim.clip_by_global_norm(0.5), bpx.SGD(0.3, momentum=0.5)),
}
SETTINGS = {"epochs": 3, "batch_size": 7, "seed": 1}


def layers(**options):
    first = options or {"l1": 0.01, "l2": 0.02, "max_norm": C}
    second = options or {"l2": 0.05, "max_norm": D, "bias": False}
    return [
        bpx.Dense(6, 5, "tanh", **first),
        bpx.Dropout(5, 0.1),
        bpx.Dense(5, 3, "softmax", **second),
    ]


def network(target=Target.NUMPY, dtype="float64", given=None, **settings):
    settings = {"cost": "cross_entropy", "seed": 3} | settings
    return target.network(given or layers(), dtype=dtype, **settings)


def samples(n=45):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 6)), rng.integers(0, 3, n).astype("int32")


def norms(net):
    return [np.linalg.norm(host(w), axis=1) for w in net.weights]


# What is asked of the layers


def test_a_network_without_is_left_alone():
    net = bpx.Network([4, 3, 2], dropout=0.1, seed=0)
    gradients = Gradients(net.parameters.layers)
    assert penalised(net.spec, gradients, net.parameters) is gradients
    assert constrained(net.spec, net.parameters) is net.parameters
    assert not constrains(net.spec)
    plain = bpx.Network([bpx.Dense(4, 3, "tanh"), bpx.Dense(3, 2, "tanh")], seed=0)
    given = {"batch_size": 5, "optimizer": bpx.Adam(0.1)}
    one, other = network(given=layers(bias=True)), network(given=layers(max_norm=2.0))
    assert len(other.program(**given).operations) > len(one.program(**given).operations)
    assert "sign" not in plain.program(**given).counts


def test_only_the_layers_with_options_change():
    net = network(given=[bpx.Dense(6, 5, "tanh"), bpx.Dense(5, 3, "softmax", l2=0.5)])
    gradients = Gradients(net.parameters.layers)
    found = penalised(net.spec, gradients, net.parameters)
    assert found.layers[0] is gradients.layers[0]
    np.testing.assert_allclose(found.w[1], 1.5 * net.weights[1])
    assert type(found) is Gradients
    assert not constrains(net.spec)


def test_a_matrix_that_a_feedback_learns_is_treated_as_its_w():
    net = network(feedback="kp")
    (B,) = net.feedback
    entered = joined(net.spec, net.parameters, net.feedback)
    gradients = joined(net.spec, Gradients(net.parameters.layers), (0.0 * B,))
    found = penalised(net.spec, gradients, entered)
    np.testing.assert_allclose(found.layers[-1].B, 0.05 * B)
    held = constrained(net.spec, entered)
    assert np.linalg.norm(B, axis=1).max() > D
    expected = net.spec.layers[-1].constrained(DenseParameters(B)).w
    np.testing.assert_array_equal(held.layers[-1].B, expected)


# A step


def test_a_step_against_pytorch():
    torch = pytest.importorskip("torch", reason="the peer is PyTorch")
    given = [
        bpx.Dense(6, 5, "tanh", l1=0.003, l2=0.02, max_norm=C),
        bpx.Dense(5, 3, "softmax", l2=0.01, max_norm=D, bias=False),
    ]
    net, (x, y) = network(given=given), samples()
    w = [torch.tensor(each, requires_grad=True) for each in net.weights]
    b = torch.tensor(net.biases[0], requires_grad=True)
    optimizer = torch.optim.SGD([*w, b], lr=0.3, momentum=0.9)
    inputs, labels = torch.tensor(x), torch.tensor(y).long()
    for _ in range(4):
        optimizer.zero_grad()
        logits = torch.tanh(inputs @ w[0].T + b) @ w[1].T
        cost = torch.nn.functional.cross_entropy(logits, labels)
        penalty = (
            0.003 * w[0].abs().sum() + 0.01 * (w[0] ** 2).sum() + 0.005 * (w[1] ** 2).sum()
        )
        (cost + penalty).backward()
        optimizer.step()
        with torch.no_grad():
            for each, largest in zip(w, (C, D), strict=True):
                each *= largest / each.norm(dim=1, keepdim=True).clamp(min=largest)
    net.fit(
        x,
        y,
        epochs=4,
        batch_size=len(x),
        optimizer=bpx.SGD(0.3, momentum=0.9),
        seed=0,
        shuffle=False,
    )
    assert norms(net)[0].max() == pytest.approx(C, rel=1e-12)
    for ours, theirs in zip((*net.weights, net.biases[0]), (*w, b), strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-11, atol=1e-14)


def test_the_limit_is_renorm_of_pytorch():
    torch = pytest.importorskip("torch", reason="the peer is PyTorch")
    w = np.random.default_rng(2).standard_normal((40, 3))
    found = bpx.Dense(3, 40, "tanh", max_norm=1.5).constrained(DenseParameters(w)).w
    expected = torch.renorm(torch.from_numpy(w), 2, 0, 1.5).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # it divides by norm + 1e-7


def test_l2_of_every_layer_is_the_penalty_of_training():
    x, y = samples()
    ours, theirs = network(given=layers(l2=0.1)), network(given=layers(bias=True))
    settings = SETTINGS | {"optimizer": bpx.SGD(0.3)}
    ours.fit(x, y, **settings)
    theirs.fit(x, y, **settings, lmbda=0.1 * len(x))
    for a, b in zip(leaves(ours.parameters), leaves(theirs.parameters), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_l1_brings_weights_to_zero():
    x, y = samples()
    settings = {"epochs": 40, "batch_size": 15, "optimizer": bpx.SGD(0.1), "seed": 0}
    small = []
    for l1 in (0.0, 0.1):
        net = network(given=[bpx.Dense(6, 3, "softmax", l1=l1)])
        net.fit(x, y, **settings)
        small.append(int((np.abs(net.weights[0]) < 0.02).sum()))
    assert small[0] < 4
    assert small[1] > 10


def test_a_trace_has_no_penalty_and_the_weights_before_training_stay():
    x, y = samples()
    without = [bpx.Dense(6, 5, "tanh"), layers()[1], bpx.Dense(5, 3, "softmax", bias=False)]
    ours, plain = network(), network(given=without)
    assert np.array_equal(ours.weights[1], plain.weights[1])
    assert norms(ours)[1].max() > D
    one, other = ours.backprop(x, y).gradients, plain.backprop(x, y).gradients
    for a, b in zip(one.w, other.w, strict=True):
        np.testing.assert_array_equal(a, b)
    assert ours.evaluate(x, y) == plain.evaluate(x, y)


def test_a_printed_step_names_them():
    given = {"batch_size": 5, "optimizer": bpx.SGD(0.1)}
    lines = str(network().program(**given)).splitlines()
    limited = [line for line in lines if "# max_norm" in line]
    assert len(limited) == 2
    assert f"{C} / maximum(sqrt(sum(" in limited[0]
    assert sum("sign(parameters.w[0])" in line for line in lines) == 1


# Every engine


def agree(nets, within):
    for pairs in zip(*([*leaves(n.parameters), *n.feedback] for n in nets), strict=True):
        first, *others = map(host, pairs)
        for other in others:
            assert np.linalg.norm(first - other) <= within * np.linalg.norm(first)


@pytest.mark.parametrize(
    ("optimizer", "dtype"),
    [("sgd", "float64"), ("adam", "float32"), ("adam", "float64"), ("clipped", "float64")],
)
def test_every_engine_compiles_them(target, optimizer, dtype, caplog):
    x, y = samples()
    settings = SETTINGS | {"optimizer": OPTIMIZERS[optimizer], "lmbda": 0.1}
    nets = [network(target, dtype), network(target, dtype), network(dtype=dtype)]
    with caplog.at_level(logging.WARNING, "bpx"):
        nets[0].fit(x, y, **settings, compile=target.value.compile)
    assert not caplog.records
    for net in nets[1:]:
        net.fit(x, y, **settings, compile=False)
    agree(nets, {"float32": 2e-5, "float64": 1e-11}[dtype])
    first, second = norms(nets[0])
    rounding = {"float32": 1e-6, "float64": 1e-14}[dtype]
    assert first.max() <= C * (1.0 + rounding)
    assert second.max() <= D * (1.0 + rounding)


@pytest.mark.parametrize("option", [{"l1": 0.02}, {"l2": 0.1}, {"max_norm": 0.7}])
def test_each_alone_with_adam(target, option):
    """PyTorch runs its own kernel with a penalty, and not with a limit."""
    x, y = samples()
    nets = [network(target, given=layers(**option)) for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        net.fit(x, y, **SETTINGS, optimizer=bpx.Adam(0.05), compile=compile_)
    agree(nets, 1e-11)
    plain = network(target, given=layers(bias=True))
    plain.fit(x, y, **SETTINGS, optimizer=bpx.Adam(0.05), compile=False)
    assert not np.allclose(host(plain.weights[0]), host(nets[0].weights[0]), rtol=1e-4)


def test_numba_compiles_them_too(monkeypatch, caplog):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    x, y = samples()
    nets = [network(), network()]
    with caplog.at_level(logging.WARNING, "bpx"):
        nets[0].fit(x, y, **SETTINGS, optimizer=bpx.Adam(0.05))
    assert not caplog.records
    nets[1].fit(x, y, **SETTINGS, optimizer=bpx.Adam(0.05), compile=False)
    agree(nets, 1e-11)


def test_a_learned_feedback(target):
    x, y = samples()
    nets = [network(target, feedback="kp") for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        net.fit(x, y, **SETTINGS, optimizer=bpx.Adam(0.05), compile=compile_)
    agree(nets, 1e-11)
    assert np.linalg.norm(host(nets[0].feedback[0]), axis=1).max() <= D * (1 + 1e-14)


def test_private_training_has_them_after_its_noise(target):
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    x, y = samples()
    private = bpx.privacy.DPSGD(noise_multiplier=0.5, clip=0.5, seed=3)
    settings = {"epochs": 2, "batch_size": 15, "optimizer": bpx.SGD(0.3)}
    nets = [network(target) for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        net.fit(x, y, **settings, privacy=private, compile=compile_)
    agree(nets, 1e-10)
    assert norms(nets[0])[0].max() <= C * (1.0 + 1e-14)
    shrunk = [network(given=layers(**each)) for each in ({"l2": 0.1}, {"bias": True})]
    shrunk[0].fit(x, y, **settings, privacy=private)
    shrunk[1].fit(x, y, **settings, privacy=private, lmbda=0.1 * len(x))
    agree(shrunk, 1e-11)


def test_a_file_keeps_them(tmp_path):
    net, (x, _) = network(), samples()
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net")
    assert again.spec == net.spec
    assert again.spec.layers[0].max_norm == C
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


# Layers of your own


@dataclass(frozen=True)
class Kept(RMSNorm):
    """Its gain has an L2 penalty, and stays at most 1."""

    penalises: ClassVar = True
    constrains: ClassVar = True

    def penalised(self, gradient, parameters):
        return gradient._replace(gain=gradient.gain + 0.5 * parameters.gain)

    def constrained(self, parameters):
        xp = bpx.namespace(parameters.gain)
        return parameters._replace(gain=xp.minimum(parameters.gain, 1.0))


def test_a_layer_of_your_own_may_have_them(target, caplog):
    x, y = samples()
    own = [bpx.Dense(6, 5, "tanh"), Kept(5), bpx.Dense(5, 3, "softmax")]
    nets = [network(target, given=own) for _ in range(2)]
    with caplog.at_level(logging.WARNING, "bpx"):
        for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
            net.fit(x, y, **SETTINGS, optimizer=bpx.SGD(0.3), compile=compile_)
    assert not caplog.records
    agree(nets, 1e-11)
    gain = host(nets[0].parameters.layers[1].gain)
    assert gain.max() <= 1.0
    assert gain.min() < 0.9
