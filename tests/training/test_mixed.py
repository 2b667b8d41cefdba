"""Training in 16 bits: near float32, the same on both sides of a stop, refused by name."""

from itertools import product
from typing import Any

import numpy as np
import pytest

import bpx
from bpx.arrays.registry import dtype_name
from bpx.model.passes import learned
from bpx.model.stacks import stacked
from bpx.optim.trees import mapped
from bpx.program.contract import eager, keeping, leaves, named_leaves
from bpx.program.operation import HALVES
from bpx.program.record import record
from bpx.training.accumulated import AccumulatedStep
from bpx.training.loss_scale import INTERVAL
from bpx.training.mixed import MixedStep
from bpx.training.start import first_state
from bpx.training.step import Data, TrainingStep, zero_metrics
from tests.backends import Target, host, problem

EPSILON = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
SETTINGS: dict[str, Any] = {
    "epochs": 4, "batch_size": 12, "optimizer": bpx.Adam(0.01), "seed": 1,
}  # fmt: skip
KINDS = {
    "plain": {"hidden": "relu"},
    "sigmoid": {"output": "sigmoid", "cost": "quadratic"},
    "layer": {"norm": "layer", "hidden": "gelu_tanh"},
    "batch": {"norm": "batch", "hidden": "leaky_relu"},
    "dropout": {"dropout": 0.2, "hidden": "silu"},
}


@pytest.fixture(params=[Target.TORCH, Target.JAX], ids=["torch", "jax"])
def target(request):
    if reason := problem(request.param.spec):
        pytest.skip(reason)
    return request.param


@pytest.fixture
def silent(caplog):
    """Nothing may run eagerly for want of an engine."""
    yield
    assert not [each for each in caplog.records if each.name == "bpx"]


def on(names, *cases, jax):
    """Each case on PyTorch, and those of `jax`, which compiles for seconds, on JAX."""
    every = [(Target.TORCH, *each) for each in cases] + [(Target.JAX, *each) for each in jax]
    return pytest.mark.parametrize(f"target, {names}", every, indirect=["target"], ids=str)


on_torch = pytest.mark.parametrize("target", [Target.TORCH], indirect=True, ids=["torch"])


def samples(n=40, k0=5, k=3):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, k0)), rng.integers(0, k, n)


def network(target, sizes=(5, 8, 6, 3), **settings):
    how = {"output": "softmax", "cost": "cross_entropy", "seed": 0}
    return target.network(list(sizes), **{**how, **settings})


def residual(target):
    block = bpx.Residual([bpx.LayerNorm(8), bpx.Dense(8, 8, "tanh"), bpx.Dropout(8, 0.1)])
    layers = [bpx.Dense(5, 8, "relu"), block, bpx.Dense(8, 3, "softmax", bias=False)]
    return target.network(layers, cost="cross_entropy", seed=0)


def begun(target, net, half, m, kind=MixedStep, rule=None, weighted=False):
    """A step, its state, and its data."""
    rule = bpx.SGD(0.1) if rule is None else rule
    x, y = samples()
    s = target.asarray(np.random.default_rng(5).random(40)) if weighted else None
    data = Data(target.asarray(x), target.asarray(y, "int32"), s)
    scaled = kind is MixedStep and half == "float16"
    state = first_state(net.spec, net.parameters, (), rule, 1, loss_scale=scaled)
    metrics = zero_metrics(state.parameters.like, m, "argmax", weighted)
    return kind(net.spec, rule.update, "argmax", half), state._replace(metrics=metrics), data


def gradient(target, net, half, kind=MixedStep, weighted=False):
    """The gradient of one mini-batch, with its scale removed, and the costs."""
    step, state, data = begun(target, net, half, 40, kind, weighted=weighted)
    rows = target.asarray(np.arange(40), "int32")
    r = step.row_weights(step.weights(data, rows), 40)
    made = step.passes(state, *step.picked(data, rows), r if weighted else None)
    found = learned(made.run, r, made.deltas)
    scale = None if state.loss_scale is None else state.loss_scale.scale
    found = found if scale is None else mapped(lambda dw: dw / scale, found)
    return found, step.costs(made)


def near(found, expected, within):
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        a, b = host(a).astype("float64"), host(b).astype("float64")
        assert np.linalg.norm(a - b) <= within * np.linalg.norm(b) + 1e-6


def equal(found, expected):
    for (place, a), (other, b) in zip(named_leaves(found), named_leaves(expected), strict=True):
        assert place == other
        assert host(a).tobytes() == host(b).tobytes(), place


@on(
    "kind, half, weighted",
    *product(("plain", "sigmoid", "layer", "batch"), HALVES, (False, True)),
    jax=[("plain", "float16", True)],
)
def test_gradients_are_as_near_as_the_mantissa_allows(target, kind, half, weighted):
    net = network(target, **KINDS[kind])
    found, costs = gradient(target, net, half, weighted=weighted)
    expected, exact = gradient(target, net, "float32", TrainingStep, weighted)
    near(found, expected, 25 * EPSILON[half])
    near((costs,), (exact,), 8 * EPSILON[half])
    assert {dtype_name(x) for x in (*leaves(found), costs)} == {"float32"}


@on(
    "kind, half",
    *product((*KINDS, "residual"), HALVES),
    jax=[("residual", "bfloat16"), ("batch", "float16")],
)
def test_it_trains_on_the_engine(target, kind, half, silent):
    make = residual if kind == "residual" else lambda at: network(at, **KINDS[kind])
    net, plain = make(target), make(target)
    history = net.fit(*samples(), **SETTINGS, precision=half)
    expected = plain.fit(*samples(), **SETTINGS)
    assert history[-1].cost == pytest.approx(expected[-1].cost, rel=0.1)
    assert net.weights[0].dtype == plain.weights[0].dtype
    pairs = zip(net.weights, plain.weights, strict=True)
    assert any((host(a) != host(b)).any() for a, b in pairs)


@on(
    "rule, half",
    *product((bpx.Adam(0.01), bpx.SGD(0.3, momentum=0.9)), HALVES),
    jax=[(bpx.Adam(0.01), "float16")],
)
def test_the_engine_follows_the_plain_loop(target, half, rule, silent):
    nets = [network(target, hidden="tanh") for _ in range(2)]
    settings = {**SETTINGS, "optimizer": rule, "epochs": 2, "lmbda": 0.1}
    for net, compiled in zip(nets, (True, False), strict=True):
        net.fit(*samples(), **settings, precision=half, compile=compiled)
    near(nets[0].parameters, nets[1].parameters, 20 * EPSILON[half])


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", [*KINDS, "residual"])
def test_the_step_can_be_recorded(kind, half):
    """JAX would say nothing if it could not."""
    target = Target.NUMPY  # a recording reads only shapes and dtypes
    net = residual(target) if kind == "residual" else network(target, **KINDS[kind])
    step, state, data = begun(target, net, half, 12, rule=bpx.Adam(0.1))
    rows = target.asarray(np.arange(12), "int32")
    program = record(keeping(step), state, data, rows)
    products = [op for op in program.operations if op.name == "matmul"]
    assert products
    assert {op.result.dtype.name for op in products} == {half}
    wide = ("exp", "log", "mean", "sqrt", "sum", "tanh", "expm1")
    others = [op for op in program.operations if op.name in wide]
    assert {op.result.dtype.name for op in others} == {"float32"}


@on("half", ("bfloat16",), ("float16",), jax=[("bfloat16",)])
def test_digits_are_learned_as_well(target, half):
    digits = bpx.data.load("digits")
    settings = {**SETTINGS, "epochs": 6, "batch_size": 32}
    found = []
    for precision in ("float32", half):
        net = network(target, (64, 40, 10), hidden="relu")
        net.fit(*digits.train, **settings, precision=precision)
        found.append(net.evaluate(*digits.test).accuracy)
    assert found[0] > 0.9
    assert found[1] == pytest.approx(found[0], abs=0.02)


@on_torch
def test_parameters_and_state_stay_float32(target):
    training = bpx.train(network(target), samples(), **SETTINGS, precision="float16")
    next(training)
    state = training.state
    kinds = {place: dtype_name(x) for place, x in named_leaves(state.arrays)}
    assert set(kinds.values()) == {"float32", "int32"}
    assert kinds["loss_scale.scale"] == "float32"
    assert [place for place, kind in kinds.items() if kind == "int32"] == ["loss_scale.good"]
    plain = bpx.train(network(target), samples(), **SETTINGS, precision="bfloat16")
    assert plain.state.loss_scale is None


def scaled(trainer, scale, good=0):
    old = trainer.state.loss_scale
    xp = bpx.namespace(old.scale)
    new = old._replace(scale=xp.full_like(old.scale, scale), good=xp.full_like(old.good, good))
    trainer.state = trainer.state._replace(loss_scale=new)


def numbers(trainer):
    scale, good = trainer.state.loss_scale
    return float(host(scale)[0]), int(host(good)[0])


@on("kind, compiled", *product(("plain", "batch"), (True, False)), jax=[("batch", True)])
def test_an_overflow_skips_the_step_and_halves_the_scale(target, kind, compiled, silent):
    net = network(target, **KINDS[kind])
    given = {"optimizer": bpx.Adam(0.01), "seed": 1, "compile": compiled}
    trainer = bpx.Trainer(net, **given, precision="float16")
    trainer.step(*samples())
    scaled(trainer, 2.0**40, good=7)
    before = trainer.state
    cost, accuracy = trainer.step(*samples())
    assert np.isfinite(float(host(cost)))
    assert 0.0 <= float(host(accuracy)) <= 1.0
    after = trainer.state
    equal(after.parameters, before.parameters)
    equal(after.optimizer, before.optimizer)
    assert numbers(trainer) == (2.0**39, 0)
    assert after.steps == before.steps + 1
    scaled(trainer, 2.0**8)
    trainer.step(*samples())
    assert (host(trainer.state.parameters.w[0]) != host(before.parameters.w[0])).any()
    assert numbers(trainer) == (2.0**8, 1)


def test_the_scale_grows_after_many_good_steps(target):
    trainer = bpx.Trainer(network(target), optimizer=bpx.SGD(0.1), precision="float16")
    scaled(trainer, 2.0**7, good=INTERVAL - 2)
    trainer.step(*samples())
    assert numbers(trainer) == (2.0**7, INTERVAL - 1)
    trainer.step(*samples())
    assert numbers(trainer) == (2.0**8, 0)


def test_the_scale_keeps_small_deltas(target):
    """Without it the gradient of so flat a cost would be 0 in float16."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 5)), 3e-7 * rng.standard_normal((64, 3))
    net = network(target, (5, 3), output="identity", cost="quadratic")
    net.parameters = [0.0 * net.weights[0]], net.biases
    trainer = bpx.Trainer(net, optimizer=bpx.SGD(1.0), precision="float16")
    scaled(trainer, 1.0)
    trainer.step(x, y)
    assert not host(trainer.state.parameters.w[0]).any()
    scaled(trainer, 2.0**16)
    trainer.step(x, y)
    expected = -(-y).T @ x / 64
    found = host(trainer.state.parameters.w[0])
    assert np.linalg.norm(found - expected) <= 0.01 * np.linalg.norm(expected)


@pytest.mark.parametrize("half", HALVES)
def test_a_step_is_that_of_pytorchs_autocast(half):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = network(Target.TORCH, hidden="relu")
    trainer = bpx.Trainer(net, optimizer=bpx.SGD(0.25), precision=half)
    parameters = [torch.tensor(host(p), requires_grad=True) for p in leaves(net.parameters)]
    w, b = parameters[:3], parameters[3:]
    rule = torch.optim.SGD(parameters, lr=0.25)
    scaler = torch.amp.GradScaler("cpu", enabled=half == "float16")
    x, y = (torch.tensor(each) for each in samples())
    for _ in range(12):
        with torch.autocast("cpu", getattr(torch, half)):
            a = x.float()
            for i in range(3):
                a = torch.nn.functional.linear(a, w[i], b[i])
                a = torch.relu(a) if i < 2 else a
        cost = torch.nn.functional.cross_entropy(a.float(), y)
        rule.zero_grad()
        scaler.scale(cost).backward()
        scaler.step(rule)
        scaler.update()
        found, _ = trainer.step(*samples())
        assert float(found) == pytest.approx(float(cost.detach()), rel=2 * EPSILON[half])
    near(trainer.state.parameters, tuple(parameters), 4 * EPSILON[half])
    if half == "float16":
        assert numbers(trainer) == (scaler.get_scale(), scaler._get_growth_tracker())


@on_torch
@pytest.mark.parametrize("half", HALVES)
def test_chunks_of_a_mini_batch(target, half, silent):
    nets = [network(target, hidden="tanh", dropout=0.1) for _ in range(2)]
    for net, chunks in zip(nets, (1, 3), strict=True):
        net.fit(*samples(), **{**SETTINGS, "epochs": 1}, precision=half, accumulate=chunks)
    near(nets[0].parameters, nets[1].parameters, 20 * EPSILON[half])


@on_torch
def test_an_overflow_in_a_chunk_skips_the_whole_step(target):
    net = network(target, hidden="relu")
    step, state, data = begun(target, net, "float16", 10)
    step = AccumulatedStep(step, 4, step.update)
    assert step.constrains
    scale = state.loss_scale.scale * 2.0**30
    state = state._replace(loss_scale=state.loss_scale._replace(scale=scale))
    rows = target.asarray(np.arange(40)[None, :], "int32")
    after = eager(step, state, data, rows, 0, 1)
    equal(after.parameters, state.parameters)
    assert float(host(after.loss_scale.scale)[0]) == 2.0**45


def test_of_several_networks_each_has_its_own_scale(target):
    """One overflows, and is left as it was; the others move as they do alone."""
    nets = [network(target, hidden="relu", seed=i) for i in range(3)]
    step, _, data = begun(target, nets[0], "float16", 12, rule=bpx.Adam(0.1))
    rows = target.asarray(np.arange(24).reshape(2, 12), "int32")

    def state(parameters):
        first = first_state(nets[0].spec, parameters, (), bpx.Adam(0.1), loss_scale=True)
        return first._replace(metrics=zero_metrics(parameters.like, 12, "argmax"))

    together = state(stacked(nets[0].spec, [net.parameters for net in nets]))
    factor = target.asarray([[[0.25]], [[2.0**30]], [[0.125]]])
    scale = together.loss_scale.scale * factor
    together = together._replace(loss_scale=together.loss_scale._replace(scale=scale))
    home = nets[0].home
    with home.active():
        after = home.backend.scan(step, together, data, rows, 0, 2)
    assert host(after.loss_scale.scale).ravel().tolist() == [2.0**14, 2.0**44, 2.0**13]
    for i, net in enumerate(nets):
        one = state(net.parameters)
        factor = 2.0**44 if i == 1 else 2.0**14
        scale = bpx.namespace(one.loss_scale.scale).full_like(one.loss_scale.scale, factor)
        one = one._replace(loss_scale=one.loss_scale._replace(scale=scale))
        alone = eager(step, one, data, rows, 0, 2)
        for (place, a), b in zip(
            named_leaves(after.parameters), leaves(alone.parameters), strict=True
        ):
            given, b = host(a)[i].reshape(b.shape), host(b)
            if i == 1:
                start = dict(named_leaves(net.parameters))[place]
                np.testing.assert_array_equal(given, host(start))
            else:
                near((given,), (b,), 20 * EPSILON["float16"])


@on("half", ("bfloat16",), ("float16",), jax=[("float16",)])
def test_a_run_that_stops_goes_on_to_the_same_bits(target, half, tmp_path):
    make = {"hidden": "relu", "dropout": 0.2}
    whole, net = network(target, **make), network(target, **make)
    expected = bpx.train(whole, samples(), **SETTINGS, precision=half)
    list(expected)
    given = {**SETTINGS, "precision": half, "checkpoint": tmp_path, "every": "2 steps"}
    first = bpx.train(net, samples(), **given)
    next(first)
    first.close()
    second = network(target, **make)
    rest = bpx.train(second, samples(), **given, resume=True)
    assert (rest.state.loss_scale is None) == (half == "bfloat16")
    list(rest)
    equal(second.parameters, whole.parameters)
    equal(rest.state.arrays, expected.state.arrays)
    with pytest.raises(bpx.InputError, match="precision"):
        bpx.train(net, samples(), **{**given, "precision": "float32"}, resume=True)


@on_torch
def test_streams_windows_and_learning_rates(target, silent):
    x, y = samples()
    rule = {"optimizer": bpx.SGD(0.1), "seed": 1, "precision": "float16"}
    batches = [(x[i : i + 12], y[i : i + 12]) for i in range(0, 40, 12)]
    for given in (
        {"batches": batches, "epochs": 2},
        {"data": bpx.data.stream(x, y, window=20), "batch_size": 12, "epochs": 2},
        {"data": (x, y), "batch_size": 12, "epochs": 2, "health": True, "validation": (x, y)},
    ):
        training = bpx.train(network(target), **given, **rule)
        history = list(training)
        assert np.isfinite([each.cost for each in history]).all()
        assert numbers(training)[1] > 0
    found = bpx.learning_rate_range(
        network(target), (x, y), batch_size=12, steps=20, high=1.0, **rule
    )
    assert np.isfinite(found.costs).all()


class Own(bpx.Dense):
    pass


def refused(message, net, **given):
    before = list(leaves(net.parameters))
    with pytest.raises(bpx.InputError, match=message):
        net.fit(*samples(), **{**SETTINGS, "precision": "bfloat16", **given})
    assert all(a is b for a, b in zip(leaves(net.parameters), before, strict=True))


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("backend", ["numpy", "strict"])
def test_a_backend_that_cannot_says_which_can(backend, half):
    if reason := problem(backend):
        pytest.skip(reason)
    net = bpx.Network([5, 3], seed=0, backend=backend)
    where = "backend='cupy' or backend='torch' or backend='jax'"
    message = f"precision='{half}' was given; expected float32, .*; {half} needs {where}"
    refused(message, net, precision=half)


def test_what_cannot_be_is_refused_by_name(target):
    refused("for a network in float64.*dtype='float32'", network(target, dtype="float64"))
    refused("with the feedback 'fa'; expected feedback='trans", network(target, feedback="fa"))
    refused("with the feedback 'own'", network(target, feedback=bpx.feedback.Feedback(
        "own", gradients=lambda layer, delta, r: None)))  # fmt: skip
    own = target.network([Own(5, 4, "tanh"), bpx.Dense(4, 3, "sigmoid")], seed=0)
    refused("layer 1 is a Own, whose own equations", own)
    refused(
        "expected float32 or bfloat16 or float16, in which", network(target), precision="tf32"
    )
    trainer = bpx.Trainer(network(target), optimizer=bpx.SGD(0.1), precision="bfloat16")
    with pytest.raises(bpx.InputError, match=r"trace=True was given .* precision='bfloat16'"):
        trainer.step(*samples(), trace=True)


def test_private_training_is_refused(target):
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    private = bpx.privacy.DPSGD(noise_multiplier=1.1, delta=1e-3)
    refused(
        "precision='bfloat16' was given with privacy",
        network(target),
        privacy=private,
        seed=None,
    )


def test_a_scale_that_does_not_help_ends_the_training(target):
    """The cost is finite, but its gradient is not, in any scale."""

    def grad_a(a, y):
        return bpx.namespace(a).full_like(a, float("inf"))

    cost = bpx.costs.Cost("steep", bpx.costs.COSTS["quadratic"].value, grad_a)
    net = network(target, (5, 3), output="identity", cost=cost)
    before = net.parameters
    training = bpx.train(
        net, samples(), **{**SETTINGS, "batch_size": 1, "epochs": 3}, precision="float16"
    )
    next(training)  # of 40 steps, which halve 2^16 to 2^-24
    with pytest.raises(
        bpx.DivergenceError, match="with any loss scale: the steps were skipped"
    ):
        next(training)
    equal(net.parameters, before)
