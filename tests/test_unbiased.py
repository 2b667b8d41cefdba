"""Dense layers without biases, in networks: training, files, and what looks at the samples."""

import logging

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.program.contract import leaves
from tests.backends import Target, host
from tests.peers import torch_functions

SETTINGS = {"epochs": 3, "batch_size": 7, "optimizer": bpx.Adam(0.01), "lmbda": 0.1, "seed": 1}


def layers(*biases):
    first, second, third = biases or (False, True, False)
    return [
        bpx.Dense(6, 5, "tanh", bias=first),
        bpx.Dense(5, 4, "gelu_tanh", bias=second),
        bpx.Dense(4, 3, "softmax", bias=third),
    ]


def network(target=Target.NUMPY, *, biases=(), dtype="float64", **settings):
    settings = {"cost": "cross_entropy", "seed": 3} | settings
    return target.network(layers(*biases), dtype=dtype, **settings)


def samples(n=45):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 6)), rng.integers(0, 3, n).astype("int32")


def twin(net):
    """The same network of PyTorch's modules, up to the logits."""
    torch = torch_functions()
    made = []
    for layer, w, b in zip(net.spec.layers, net.weights, net.biases, strict=True):
        linear = torch.nn.Linear(layer.n_in, layer.n_out, bias=layer.bias, dtype=torch.float64)
        linear.weight.data = torch.from_numpy(w.copy())
        if b is not None:
            linear.bias.data = torch.from_numpy(b.copy())
        made += [linear, torch.nn.Tanh() if len(made) == 0 else torch.nn.GELU("tanh")]
    return torch, torch.nn.Sequential(*made[:-1])


def test_the_biases_are_none():
    net = network()
    assert [b is None for b in net.biases] == [True, False, True]
    assert [w.shape for w in net.weights] == [(5, 6), (4, 5), (3, 4)]
    assert len(list(leaves(net.parameters))) == 4
    assert repr(net.parameters) == "<bpx.Parameters w (5, 6) (4, 5) (3, 4), b (4,)>"
    with_biases = network(biases=(True, True, True))
    for one, other in zip(net.weights, with_biases.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_gradients_are_those_of_pytorch():
    net, (x, y) = network(), samples()
    torch, theirs = twin(net)
    logits = theirs(torch.from_numpy(x))
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(y).long()).backward()
    trace = net.backprop(x, y)
    np.testing.assert_allclose(trace.z[-1], logits.detach().numpy(), rtol=1e-12, atol=1e-14)
    found = [g for entry in trace.gradients.layers for g in leaves(entry)]
    for ours, parameter in zip(found, theirs.parameters(), strict=True):
        np.testing.assert_allclose(ours, parameter.grad.numpy(), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_engine_compiles_it(target, dtype, caplog):
    x, y = samples()
    nets = [network(target, dtype=dtype) for _ in range(2)]
    with caplog.at_level(logging.WARNING, "bpx"):
        nets[0].fit(x, y, **SETTINGS, compile=target.value.compile)
    assert not caplog.records
    nets[1].fit(x, y, **SETTINGS, compile=False)
    there = network(dtype=dtype)
    there.fit(x, y, **SETTINGS, compile=False)
    assert nets[0].biases[0] is None
    within = {"float32": 2e-5, "float64": 1e-12}[dtype]
    for a, b, c in zip(*(leaves(n.parameters) for n in (*nets, there)), strict=True):
        for one, other in ((a, b), (b, c)):
            off = np.linalg.norm(host(one) - host(other))
            assert off <= within * np.linalg.norm(host(other))


def test_numba_compiles_it_too(monkeypatch, caplog):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    x, y = samples()
    net, eager = network(), network()
    with caplog.at_level(logging.WARNING, "bpx"):
        net.fit(x, y, **SETTINGS)
    assert not caplog.records
    eager.fit(x, y, **SETTINGS, compile=False)
    for a, b in zip(leaves(net.parameters), leaves(eager.parameters), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_all_layers_may_be_without(target):
    net, (x, y) = network(target, biases=(False, False, False)), samples()
    history = net.fit(x, y, **SETTINGS, validation=(x, y), compile=target.value.compile)
    assert history[-1].cost < history[0].cost
    assert list(net.biases) == [None] * 3
    assert net.predict(x).shape == (45, 3)
    assert net.input_gradients(x, y).shape == x.shape


def test_its_equations_are_right(target):
    report = inspect.check(network(target))
    assert report.ok, str(report)
    assert [row.layer for row in report.rows if row.equation == "BP3"] == [2]
    assert [row.layer for row in report.rows if row.equation == "BP4"] == [1, 2, 3]


def rows_of(net, x, y):
    """The gradient of each sample by itself, one row each, in the order of `flatten`."""
    each = (net.backprop(x[i : i + 1], y[i : i + 1]).gradients for i in range(len(x)))
    return np.stack([inspect.flatten(g) for g in each])


def test_gradients_of_each_sample():
    net, (x, y) = network(), samples(9)
    trace, rows = net.backprop(x, y), rows_of(net, x, y)
    assert rows.shape == (9, 30 + 20 + 4 + 12)
    np.testing.assert_allclose(inspect.gradient_norms(trace), np.linalg.norm(rows, axis=1))
    np.testing.assert_allclose(inspect.inner_products(trace), rows @ rows.T, atol=1e-14)
    own = [own for _, own in inspect.individual_gradients(trace, chunk=4)]
    assert own[0].b[0] is None
    flat = np.concatenate(
        [np.concatenate([g.reshape(len(g), -1) for e in o.layers for g in leaves(e)], axis=1)
         for o in own]
    )  # fmt: skip
    np.testing.assert_allclose(flat, rows, atol=1e-15)
    found = inspect.moments(trace)
    np.testing.assert_allclose(inspect.flatten(found.second), (rows**2).mean(axis=0))
    factors = bpx.privacy.clip_factors(trace, 0.3)
    clipped = (np.minimum(1.0, 0.3 / np.linalg.norm(rows, axis=1))[:, None] * rows).sum(axis=0)
    np.testing.assert_allclose(inspect.flatten(bpx.privacy.clipped_sum(trace, 0.3)), clipped)
    assert factors.min() < 1.0


def hessian(net, x, y):
    """The Hessian by PyTorch, in the order of `flatten`."""
    torch, theirs = twin(net)
    given = dict(theirs.named_parameters())
    sizes = [p.numel() for p in given.values()]

    def cost(vector):
        parts = zip(given.items(), torch.split(vector, sizes), strict=True)
        named = {name: part.reshape(p.shape) for (name, p), part in parts}
        logits = torch.func.functional_call(theirs, named, (torch.from_numpy(x),))
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(y).long())

    flat = torch.cat([p.detach().reshape(-1) for p in given.values()])
    return torch.func.jacrev(torch.func.grad(cost))(flat).numpy()


def test_curvature_is_that_of_pytorch():
    net, (x, y) = network(), samples(9)
    expected = hessian(net, x, y)
    like, units = net.parameters, np.eye(len(expected))
    trace = net.backprop(x, y)
    given = net.spec, net.parameters, trace, y

    def dense(product, *arguments):
        columns = (product(*arguments, inspect.unflatten(u, like)) for u in units)
        return np.stack([inspect.flatten(column) for column in columns])

    found = dense(inspect.hessian_vector_product, *given)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    ggn = dense(inspect.ggn_vector_product, *given)
    diagonal = inspect.flatten(inspect.ggn_diagonal(*given))
    np.testing.assert_allclose(diagonal, np.diag(ggn), rtol=1e-10, atol=1e-14)
    fisher = dense(inspect.empirical_fisher_vector_product, trace)
    rows = rows_of(net, x, y)
    np.testing.assert_allclose(fisher, rows.T @ rows / 9, rtol=1e-10, atol=1e-14)


def test_kronecker_factors_have_no_one_for_a_bias():
    """For a single sample the product of the means is the mean of the products."""
    net, (x, y) = network(), samples(1)
    given = net.spec, net.parameters, net.backprop(x, y), y
    factors = inspect.kfac(*given)
    assert [len(a) for a in factors.A] == [6, 6, 4]
    first = np.kron(factors.G[0], factors.A[0])
    basis = np.eye(66)[:30]
    columns = (inspect.unflatten(u, net.parameters) for u in basis)
    block = [inspect.flatten(inspect.ggn_vector_product(*given, v))[:30] for v in columns]
    np.testing.assert_allclose(first, np.stack(block), rtol=1e-10, atol=1e-14)


def test_the_spectrum_counts_what_there_is():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    from bpx.interop import spectrum

    net, (x, y) = network(), samples(9)
    operator = spectrum.curvature_operator(net, x, y)
    assert operator.shape == (66, 66)


def test_a_direction_has_none_there():
    net, (x, y) = network(), samples(5)
    given = net.spec, net.parameters, net.backprop(x, y), y
    w, b = net.weights, net.biases
    ours = inspect.hessian_vector_product(*given, net.parameters)
    pair = inspect.hessian_vector_product(*given, (w, b))
    assert all(map(np.array_equal, leaves(ours), leaves(pair)))
    with pytest.raises(bpx.InputError, match=r"v's b of layer 1 is .* has no such parameters"):
        inspect.hessian_vector_product(*given, (w, (np.ones(5), b[1], None)))
    with pytest.raises(bpx.InputError, match=r"v's b of layer 2 is None.* of shape \(4,\)"):
        inspect.hessian_vector_product(*given, (w, (None, None, None)))


@pytest.mark.parametrize("rule", ["fa", "dfa", "brsf", "kp"])
def test_with_other_feedback_too(rule, target):
    x, y = samples()
    nets = [network(target, feedback=rule) for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        net.fit(x, y, **SETTINGS, compile=compile_)
    for a, b in zip(*(leaves(n.parameters) for n in nets), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-10, atol=1e-12)


def own_gradients(layer, delta, r):
    dw = (r * delta).mT @ layer.a_prev
    xp = bpx.namespace(delta)
    return dw, None if layer.b is None else xp.sum(r * delta, axis=-2)


def with_biases(layer, delta, r):
    return own_gradients(layer, delta, r)[0], delta[0, :]


def without_biases(layer, delta, r):
    return own_gradients(layer, delta, r)[0], None


def test_a_rule_with_gradients_gives_none_for_biases():
    x, y = samples()
    rule = bpx.feedback.Feedback("own", gradients=own_gradients)
    ours, plain = network(feedback=rule), network()
    for net in (ours, plain):
        net.fit(x, y, **SETTINGS)
    for a, b in zip(leaves(ours.parameters), leaves(plain.parameters), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert inspect.check(ours).ok
    for wrong, said in (
        (with_biases, r"layer [13], gave .*shape \(\d,\); expected .* and None, since"),
        (without_biases, r"layer 2, gave .*None; expected .* and of b, shape \(4,\)"),
    ):
        net = network(feedback=bpx.feedback.Feedback("own", gradients=wrong))
        with pytest.raises(bpx.InputError, match=said):
            net.fit(x, y, **SETTINGS)


def test_private_training(target):
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    x, y = samples()
    private = bpx.privacy.DPSGD(noise_multiplier=0.5, seed=3, clip=(0.5, 0.4, 0.3))
    nets = [network(target) for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        settings = SETTINGS | {"batch_size": 15, "seed": None}
        net.fit(x, y, **settings, privacy=private, compile=compile_)
    for a, b in zip(*(leaves(n.parameters) for n in nets), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-9, atol=1e-11)


def test_a_file_has_no_biases_either(tmp_path):
    from safetensors.numpy import load_file

    net, (x, _) = network(), samples()
    net.save(tmp_path / "net")
    assert set(load_file(tmp_path / "net")) == {
        "0.weight", "2.weight", "2.bias", "4.weight",
    }  # fmt: skip
    again = bpx.load(tmp_path / "net")
    assert again.spec == net.spec
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


def test_what_is_assigned():
    net, other = network(), network(seed=8)
    net.parameters = other.weights, other.biases
    assert all(map(np.array_equal, leaves(net.parameters), leaves(other.parameters)))
    net.parameters = other.parameters
    kept = net.parameters
    w, b = other.weights, other.biases
    for wrong in ((np.zeros(5), b[1], None), (None, None, None)):
        with pytest.raises(
            bpx.InputError, match=r"has weights .* and biases \[None, \(4,\), N"
        ):
            net.parameters = w, wrong
    assert net.parameters is kept


def test_moved_and_saved_training_go_on(target, tmp_path):
    net, (x, y) = network(), samples()
    net.to(target.spec)
    assert net.biases[0] is None
    trainer = bpx.Trainer(net, optimizer=bpx.Adam(0.01))
    trainer.step(x[:7], y[:7])
    trainer.save_state(tmp_path / "state")
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net", backend=target.spec)
    going = bpx.Trainer(again, optimizer=bpx.Adam(0.01))
    going.load_state(tmp_path / "state")
    for each in (trainer, going):
        each.step(x[7:14], y[7:14])
    for a, b in zip(leaves(net.parameters), leaves(again.parameters), strict=True):
        np.testing.assert_array_equal(host(a), host(b))
