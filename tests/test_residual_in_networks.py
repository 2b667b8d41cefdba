"""Networks with residual blocks: against autodiff and differences, and on every engine."""

import logging
from functools import partial

import numpy as np
import pytest

import bpx
from bpx import Dense, Dropout, Residual, inspect
from bpx.feedback import FEEDBACKS, Feedback
from bpx.inspect.samples.gradients import squared_layer_norms
from bpx.model.passes import learned
from bpx.model.run import Run, layer_by_layer
from bpx.model.trace import Backward
from bpx.privacy.clipping import columns
from bpx.program.contract import leaves
from bpx.training.several import check_networks_apart
from bpx.training.start import first_state
from bpx.training.step import TrainingStep
from tests.backends import Target, host
from tests.feedbacks import OJA, PERTURBED, halved
from tests.peers import close, torch_functions

BLOCK = Residual(
    [
        Dense(5, 6, "sigmoid"),
        Dropout(6, 0.3),
        Residual([Dense(6, 6, "tanh")]),
        Dense(6, 5, "identity"),
    ]
)
INSIDE = [Dense(4, 5, "tanh"), BLOCK, Dropout(5, 0.2), Dense(5, 3, "softmax")]
FIRST = [Residual([Residual([Dropout(4, 0.2), Dense(4, 4, "tanh")]), Dense(4, 4, "silu")]),
         Dense(4, 3, "softmax")]  # fmt: skip
NETWORKS = {"inside": INSIDE, "first": FIRST}
each_network = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
SETTINGS = {"epochs": 2, "batch_size": 7, "optimizer": bpx.Adam(0.01), "lmbda": 0.1, "seed": 1}


def network(layers=INSIDE, target=Target.NUMPY, dtype="float64", **settings):
    return target.network(layers, cost="cross_entropy", seed=0, dtype=dtype, **settings)


def samples(n=23):
    rng = np.random.default_rng(1)
    return rng.standard_normal((n, 4)), rng.integers(0, 3, n).astype("int32")


# The derivatives, against torch.func: a network of the nested blocks as they were given


class Twin:
    """The costs of a network for PyTorch, as a function of its arrays and its inputs."""

    def __init__(self, net, layers, masks=()):
        self.torch, self.layers = torch_functions(), layers
        self.arrays = tuple(
            map(self.tensor, (x for entry in net.parameters.layers for x in entry))
        )
        self.masks = [self.tensor(mask) for mask in masks]  # none outside training

    def tensor(self, x):
        return self.torch.from_numpy(np.array(host(x)))

    def run(self, layers, a, arrays, masks):
        sigmas = {"silu": self.torch.nn.functional.silu, "identity": lambda z: z}
        for layer in layers:
            if isinstance(layer, Residual):
                a = a + self.run(layer.layers, a, arrays, masks)
            elif isinstance(layer, Dropout):
                a = a * next(masks) if self.masks else a
            else:
                z, name = a @ next(arrays).T + next(arrays), layer.activation.name
                a = (
                    z
                    if name == "softmax"
                    else (sigmas.get(name) or getattr(self.torch, name))(z)
                )
        return a

    def cost(self, arrays, x, y, *masks):
        z = self.run(self.layers, x, iter(arrays), iter(masks))
        return self.torch.nn.functional.cross_entropy(z, y)

    def mean_cost(self, arrays, x, y):
        return self.costs(arrays, x, y).mean()

    def costs(self, arrays, x, y):
        each = self.torch.func.vmap(self.cost, (None, 0, 0, *[0] * len(self.masks)))
        return each(arrays, x, y, *self.masks)

    def each_gradient(self, x, y):
        """One row for each sample, all parameters."""
        grad = self.torch.func.grad(self.cost)
        over = self.torch.func.vmap(grad, (None, 0, 0, *[0] * len(self.masks)))
        found = over(self.arrays, x, y, *self.masks)
        return np.concatenate([host(g.reshape(len(x), -1)) for g in found], axis=1)


def at(twin, x, y):
    return twin.tensor(x), twin.tensor(y.astype("int64"))


def flat(groups):
    return np.concatenate([host(x).reshape(-1) for entry in groups.layers for x in entry])


@each_network
def test_gradients_of_each_sample_are_those_of_torch(layers, target):
    net, (x, y) = network(layers, target), samples(6)
    at_home = target.asarray(x, "float64"), target.asarray(y, "int32")
    twin = Twin(net, layers)
    trace, each = net.backprop(*at_home), twin.each_gradient(*at(twin, x, y))
    close(trace.cost, host(twin.costs(twin.arrays, *at(twin, x, y))))
    close(flat(trace.gradients), each.mean(axis=0))
    close(inspect.gradient_norms(trace), np.linalg.norm(each, axis=1))
    close(inspect.inner_products(trace), each @ each.T)
    [(_, own)] = inspect.individual_gradients(trace)
    parts = [host(g).reshape(6, -1) for entry in own.layers for g in entry]
    close(np.concatenate(parts, axis=1), each)
    factors = np.minimum(1.0, 0.1 / np.linalg.norm(each, axis=1))
    close(flat(bpx.privacy.clipped_sum(trace, 0.1)), factors @ each)


@each_network
def test_gradients_by_the_inputs_are_those_of_torch(layers, target):
    net, (x, y) = network(layers, target), samples(6)
    twin = Twin(net, layers)
    there, labels = at(twin, x, y)
    expected = host(
        twin.torch.func.grad(lambda x: twin.costs(twin.arrays, x, labels).sum())(there)
    )
    at_home = target.asarray(x, "float64"), target.asarray(y, "int32")
    close(net.input_gradients(x, y), expected)
    close(inspect.input_gradients(net, *at_home), expected)
    found = inspect.input_jacobian(net, at_home[0], of="z")

    def z(x):
        return twin.run(layers, x, iter(twin.arrays), iter(()))

    close(found, host(twin.torch.func.vmap(twin.torch.func.jacrev(z))(there)))


@each_network
def test_hessian_products_are_those_of_torch(layers, target):
    net, (x, y) = network(layers, target), samples(6)
    at_home = target.asarray(x, "float64"), target.asarray(y, "int32")
    rng, twin = np.random.default_rng(3), Twin(net, layers)
    ways = [rng.standard_normal(p.shape) for p in leaves(net.parameters)]
    v = net.parameters.grown([target.asarray(way, "float64") for way in ways])
    there, labels = at(twin, x, y)
    way = [twin.tensor(x) for entry in v.layers for x in entry]

    def slope(arrays):
        cost = partial(twin.mean_cost, x=there, y=labels)
        pairs = zip(twin.torch.func.grad(cost)(arrays), way, strict=True)
        return sum((g * d).sum() for g, d in pairs)

    expected = twin.torch.func.grad(slope)(twin.arrays)
    found = inspect.hessian_vector_product(net, *at_home, v)
    close(flat(found), np.concatenate([host(g).reshape(-1) for g in expected]))
    u = rng.standard_normal(x.shape)
    sides = [
        flat(net.backprop(*(target.asarray(x + t * u, "float64"), at_home[1])).gradients)
        for t in (1e-5, -1e-5)
    ]
    moved = inspect.input_gradient_product(net, *at_home, target.asarray(u, "float64"))
    close(flat(moved), (sides[0] - sides[1]) / 2e-5, 1e-7)


def by_jax(net, layers, x, y):
    """C_x, and its gradients by all parameters, a row for each sample, and by the inputs."""
    jax = pytest.importorskip("jax", reason="the peer is jax.grad")
    sigmas = {"tanh": jax.numpy.tanh, "sigmoid": jax.nn.sigmoid, "silu": jax.nn.silu}

    def run(layers, a, arrays):
        for layer in layers:
            if isinstance(layer, Residual):
                a = a + run(layer.layers, a, arrays)
            elif isinstance(layer, Dense):
                z = next(arrays) @ a + next(arrays)
                a = sigmas.get(layer.activation.name, lambda z: z)(z)
        return a

    def cost(arrays, x, label):
        return -jax.nn.log_softmax(run(layers, x, iter(arrays)))[label]

    with jax.enable_x64(True):
        arrays = [np.array(host(p)) for entry in net.parameters.layers for p in entry]
        found = jax.vmap(jax.value_and_grad(cost, (0, 1)), (None, 0, 0))(arrays, x, y)
        value, (by_arrays, by_x) = jax.tree.map(np.asarray, found)
    return value, np.concatenate([g.reshape(len(x), -1) for g in by_arrays], axis=1), by_x


@each_network
def test_gradients_are_those_of_jax(layers, target):
    net, (x, y) = network(layers, target), samples(6)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    cost, each, by_x = by_jax(net, layers, x, y)
    close(trace.cost, cost)
    close(flat(trace.gradients), each.mean(axis=0))
    [(_, own)] = inspect.individual_gradients(trace)
    parts = [host(g).reshape(6, -1) for entry in own.layers for g in entry]
    close(np.concatenate(parts, axis=1), each)
    close(net.input_gradients(x, y), by_x)


@each_network
def test_in_training_norms_and_clipping_are_through_the_masks(layers):
    """Each sample's own mask, inside the block and behind it."""
    net, (x, y) = network(layers), samples(9)
    rule = bpx.SGD(0.1)
    state = first_state(net.spec, net.parameters, (), rule, 5)
    made = TrainingStep(net.spec, rule.update, "argmax").passes(state, x, y)
    masks = [kept.mask for kept in made.layers if hasattr(kept, "mask")]
    assert all((mask == 0.0).any() and (mask > 1.0).any() for mask in masks)
    twin = Twin(net, layers, masks)
    each = twin.each_gradient(*at(twin, x, y))
    squares = squared_layer_norms(Backward(made.layers, made.deltas))
    close(sum(squares), (each**2).sum(axis=1))
    [factors] = columns(squares, (0.1,))
    clipped = np.minimum(1.0, 0.1 / np.linalg.norm(each, axis=1))
    close(flat(learned(made.run, factors, made.deltas)), clipped @ each)


def test_the_equations_by_hand():
    """a2 = a1 + tanh(w2 a1 + b2), and back."""
    block = Residual([Dense(5, 5, "tanh")])
    net = network([Dense(4, 5, "tanh"), block, Dense(5, 3, "softmax")])
    (x, y), w, b = samples(9), net.weights, net.biases
    a1 = np.tanh(x @ w[0].T + b[0])
    f = np.tanh(a1 @ w[1].T + b[1])
    z = (a1 + f) @ w[2].T + b[2]
    p = np.exp(z)
    delta3 = p / p.sum(axis=1, keepdims=True) - np.eye(3)[y]
    g = delta3 @ w[2]
    delta2 = g * (1.0 - f**2)
    delta1 = (delta2 @ w[1] + g) * (1.0 - a1**2)
    trace = net.backprop(x, y)
    for found, expected in zip(trace.delta, (delta1, delta2, delta3), strict=True):
        close(found, expected)
    for found, expected in zip(trace.a, (x, a1, a1 + f), strict=False):
        close(found, expected)
    close(trace.layers[1].a, f)
    close(trace.deltas[2], g)


# What checks and examines it


@each_network
def test_its_equations_are_right(layers):
    net = network(layers)
    report = inspect.check(net)
    assert report.ok, str(report)
    ends = [i for i, layer in enumerate(net.spec.layers, 1) if layer.kind == "add"]
    rows = [row for row in report.rows if row.part == "add"]
    assert {row.equation for row in rows} == {"BP2"}
    assert sorted(row.layer for row in rows) == ends
    assert "Hessian" in {row.equation for row in report.rows}


def test_a_block_that_is_wrong_on_the_way_back_is_named(monkeypatch):
    def forgetful(skips, i, g, deltas):
        return g

    monkeypatch.setattr("bpx.model.passes.returned", forgetful)
    wrong = {(row.equation, row.layer) for row in inspect.check(network()).wrong}
    assert wrong == {("BP2", 5), ("BP2", 7), ("gradient", None)} | {("Hessian", None)}


def test_it_is_examined():
    health = inspect.examine(network(), *samples())
    assert health.sizes == (4, 5, 6, 6, 5, 3)
    assert len(health.errors) == 5
    assert all(np.isfinite(health.errors))


# Trained


def trained(layers, target, dtype="float64", *, compile=True, **settings):  # noqa: A002
    net = network(layers, target, dtype, **settings)
    net.fit(*samples(), **SETTINGS, compile=compile)
    return net


def alike(one, other, within):
    for a, b in zip(leaves(one.parameters), leaves(other.parameters), strict=True):
        assert np.linalg.norm(host(a) - host(b)) <= within * np.linalg.norm(host(b))


@each_network
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_engine_fuses_it(layers, dtype, target, caplog):
    """The log says when a step cannot be compiled: it says nothing."""
    within = {"float32": 2e-5, "float64": 1e-11}[dtype]
    with caplog.at_level(logging.WARNING, "bpx"):
        net = trained(layers, target, dtype, compile=target.value.compile)
    assert not caplog.records
    alike(net, trained(layers, target, dtype, compile=False), within)
    alike(net, trained(layers, Target.NUMPY, dtype, compile=False), within)


@each_network
def test_numba_fuses_it_too(layers, monkeypatch, caplog):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    with caplog.at_level(logging.WARNING, "bpx"):
        net = trained(layers, Target.NUMPY)
    assert not caplog.records
    alike(net, trained(layers, Target.NUMPY, compile=False), 1e-11)


def test_its_steps_agree_equation_by_equation():
    found = bpx.testing.compare(network(FIRST), ["numpy", "strict"], samples(40), steps=4)
    assert not found.parted, str(found)


@each_network
def test_several_networks_at_once_stay_apart(layers):
    """With the axis of networks in front; tests/engines/test_stacks.py compiles their steps."""
    check_networks_apart(network(layers).spec, bpx.SGD(0.1))
    check_networks_apart(network(layers, feedback="kp").spec, bpx.Adam(0.1))


def test_private_training_clips_what_went_through_it(target):
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    nets = [network(target=target) for _ in range(2)]
    for net, compiled in zip(nets, (target.value.compile, False), strict=True):
        private = bpx.privacy.DPSGD(noise_multiplier=0.5, seed=3)
        settings = {"epochs": 2, "batch_size": 15, "optimizer": bpx.SGD(0.1)}
        net.fit(*samples(), **settings, privacy=private, compile=compiled)
    alike(*nets, 1e-10)


def test_a_loop_of_ones_own_trains_it():
    x, y = samples(14)
    net, whole = network(FIRST), network(FIRST)
    settings = {"optimizer": bpx.Adam(0.01), "seed": 1}
    trainer = bpx.Trainer(net, **settings)
    for rows in (slice(0, 7), slice(7, 14)):
        trainer.step(x[rows], y[rows])
    whole.fit(x, y, epochs=1, batch_size=7, shuffle=False, **settings)
    alike(net, whole, 1e-12)


# Read, saved and copied


def test_a_step_reads_like_the_equations():
    layers = [Dense(4, 5, "tanh"), Residual([Dense(5, 5, "relu")]), Dense(5, 3, "softmax")]
    text = str(network(layers).program(batch_size=2, optimizer=bpx.SGD(0.1)))
    assert "a2_2 = a2 + a1 " in text
    assert "z3 = a2_2 @ parameters.w[2].mT" in text
    assert "t3 = delta3 @ parameters.w[2] " in text
    assert "delta2 = t3 * sigma_prime(z2) " in text
    assert "delta1 = (delta2 @ parameters.w[1] + t3) * sigma_prime(z1) " in text
    assert "# add" in text


@each_network
def test_it_is_saved_and_loaded(layers, tmp_path):
    net, (x, _) = network(layers), samples()
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net")
    assert again.spec == net.spec
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


def test_training_is_resumed_from_a_file(tmp_path):
    net, settings = network(FIRST), {"epochs": 1, "batch_size": 7, "optimizer": bpx.SGD(0.3)}
    net.fit(*samples(), **settings, seed=1)
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net")
    for each in (net, again):
        each.fit(*samples(), **settings, seed=2)
    for one, other in zip(leaves(net.parameters), leaves(again.parameters), strict=True):
        np.testing.assert_array_equal(one, other)


# Other rules than BP2


def named(rule):
    return bpx.feedback.get(rule).name


@pytest.mark.parametrize("rule", sorted(FEEDBACKS.keys() - {"dfa"}))
@each_network
def test_a_rule_replaces_the_matrices_and_the_skip_passes_the_error_on(layers, rule, target):
    """As torch's, with each matrix of BP2 in place of w on the way back."""
    net = network(layers, target, feedback=rule)
    spec, (x, y) = net.spec, samples(6)
    at_home = target.asarray(x, "float64"), target.asarray(y, "int32")
    trace = net.backprop(*at_home)
    plain = net.parameters.w
    matrices = [None] + [
        host(spec.feedback.matrix(plain[i:], B))
        for i, B in enumerate(net.feedback or [None] * (len(plain) - 1), 1)
    ]
    g, carried, number = None, {}, len(plain)
    for i in reversed(range(len(spec.layers))):
        layer, kept = spec.layers[i], trace.layers[i]
        g = carried.pop(i + 1, 0.0) + g if g is not None else None
        if layer.kind == "add":
            begins = i - layer.over
            carried[begins] = carried.get(begins, 0.0) + g
        elif layer.kind == "dense":
            delta = host(trace.deltas[-1])
            if g is not None:
                delta = host(layer.error(kept, target.asarray(g, "float64")))
            close(trace.deltas[i], delta)
            number -= 1
            g = None if number == 0 else delta @ matrices[number]
            if number == 0:
                break


@pytest.mark.parametrize("rule", ["fa", "brsf", "kp", PERTURBED, OJA, halved], ids=named)
def test_rules_are_compiled(rule, target, caplog):
    with caplog.at_level(logging.WARNING, "bpx"):
        net = trained(INSIDE, target, feedback=rule, compile=target.value.compile)
    assert not caplog.records
    alike(net, trained(INSIDE, target, feedback=rule, compile=False), 1e-7)


def test_a_learned_matrix_takes_the_steps_of_its_weights():
    """B^l belongs to w^{l+1}: both take the same steps, within the block too."""
    net = network(feedback="kp")
    before = [w - B for w, B in zip(net.weights[1:], net.feedback, strict=True)]
    net.fit(*samples(), epochs=2, batch_size=7, optimizer=bpx.SGD(0.3), seed=1)
    after = [w - B for w, B in zip(net.weights[1:], net.feedback, strict=True)]
    assert len(after) == 4
    for one, other in zip(before, after, strict=True):
        close(other, one)


DIRECT = Feedback("mine", send=lambda w, delta, B: delta[-1] @ B, draw=bpx.feedback.glorot,
                  direct=True)  # fmt: skip


@pytest.mark.parametrize("rule", ["dfa", DIRECT], ids=named)
def test_a_direct_rule_is_refused_by_name(rule):
    said = f"feedback '{named(rule)}' was given with a bpx.Residual"
    with pytest.raises(bpx.InputError, match=said):
        network(feedback=rule)


def test_the_cost_that_a_rule_sees_is_of_all_layers_above_with_their_skips():
    net, (x, y) = network(), samples(5)
    layers = tuple(layer_by_layer(net.spec, net.parameters, x))
    run = Run(net.spec, net.parameters, layers, np.eye(3)[y])
    trace = net.backprop(x, y)
    nudge = np.random.default_rng(2)
    for number, (z, delta) in enumerate(zip(trace.z, trace.delta, strict=True), 1):
        view = run.view(number)
        close(view.cost(z), trace.cost)
        way = nudge.standard_normal(z.shape)
        slope = (view.cost(z + 1e-5 * way) - view.cost(z - 1e-5 * way)) / 2e-5
        close(slope, (way * delta).sum(axis=1), 1e-7)


class Lost(Dropout):
    """It sends back one column, which a sum with the skip would hide."""

    def send_back(self, parameters, saved, delta):
        return delta[..., :1]


def test_a_wrong_shape_inside_a_block_is_named():
    block = Residual([Lost(5, 0.5), Dense(5, 5, "tanh")])
    net = network([Dense(4, 5, "tanh"), block, Dense(5, 3, "softmax")])
    with pytest.raises(bpx.InputError, match=r"send_back of layer 2, 'dropout', gave .*, 1\)"):
        net.fit(*samples(), **SETTINGS)
