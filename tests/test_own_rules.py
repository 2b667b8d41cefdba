"""Rules of your own that see their layer, or replace BP3 and BP4: local, Hebbian, by noise."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx.feedback import FEEDBACKS, Feedback
from bpx.inspect.checks.check import check
from tests.backends import host
from tests.feedbacks import LOCAL, NUDGE, OJA, OWN, PERTURBED, arrays, network, train
from tests.peers import close, random_samples

every_own = pytest.mark.parametrize("rule", OWN.values(), ids=OWN)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# What they compute, by NumPy alone.


def test_a_local_loss_is_each_layers_own():
    net = network(LOCAL)
    x, y = random_samples(net)
    trace, targets = net.backprop(x, y), np.eye(3)[y]
    for i, B in enumerate(net.feedback):
        a = trace.a[i + 1]
        g = (softmax(a @ B.T) - targets) @ B
        close(trace.delta[i], g * (1.0 - a * a))
        close(trace.gradients.w[i], trace.delta[i].T @ trace.a[i] / len(x))
    close(trace.delta[-1], trace.a[-1] - targets)


def test_ojas_rule_replaces_bp3_and_bp4_of_the_hidden_layers():
    net = network(OJA)
    x, y = random_samples(net)
    r = np.random.default_rng(0).uniform(0.0, 1.0, (len(x), 1))
    trace, plain = net.backprop(x, y, r=r), network("transpose").backprop(x, y, r=r)
    for i in (0, 1):
        a, w = trace.a[i + 1], net.weights[i]
        sums = [weight * (np.outer(a_x**2, np.ones(w.shape[1])) * w - np.outer(a_x, p))
                for weight, a_x, p in zip(r[:, 0], a, trace.a[i], strict=True)]  # fmt: skip
        close(trace.gradients.w[i], np.sum(sums, axis=0), 1e-13)
        assert not trace.gradients.b[i].any()
    assert (trace.gradients.w[2] == plain.gradients.w[2]).all()
    assert (trace.gradients.b[2] == plain.gradients.b[2]).all()
    for one, other in zip(trace.delta, plain.delta, strict=True):
        assert (one == other).all()


def test_node_perturbation_is_the_gradient_in_the_mean():
    net = network(PERTURBED, [3, 4, 2])
    x, y = random_samples(net, 5)
    assert [key.shape for key in net.feedback] == [(3,), (3,)]  # of the output layer, too
    true, found = network("transpose", [3, 4, 2]).backprop(x, y).gradients, []
    for step in range(3000):
        net.feedback = [np.array([*key[:2], step], "int32") for key in net.feedback]
        found.append(net.backprop(x, y).gradients)
    for i in (0, 1):
        draws = np.array([each.w[i] for each in found])
        off = np.abs(draws.mean(axis=0) - true.w[i])
        assert (off < 5.0 * draws.std(axis=0) / np.sqrt(len(draws)) + NUDGE).all()


def test_one_perturbation_by_hand():
    net = network(PERTURBED)
    x, y = random_samples(net)
    trace, key = net.backprop(x, y), net.feedback[0]
    noise = bpx.random.normal(key[:2], key[2:], trace.z[0].shape, "float64")
    a = np.tanh(trace.z[0] + NUDGE * noise)
    for w, b in list(zip(net.weights, net.biases, strict=True))[1:]:
        z = a @ w.T + b
        a = np.tanh(z)
    change = -np.log(softmax(z)[np.arange(len(y)), y]) - trace.cost
    estimate = change[:, None] * noise / NUDGE
    close(trace.gradients.w[0], estimate.T @ x / len(x), 1e-9)
    close(trace.gradients.b[0], estimate.mean(axis=0), 1e-9)


def test_bp4_and_bp3_handed_back_are_backpropagation():
    def same(layer, delta, r):
        return bpx.equations.bp4(r, delta, layer.a_prev), bpx.equations.bp3(r, delta)

    nets = network(Feedback("same", gradients=same)), network("transpose")
    for net in nets:
        train(net)
    for one, other in zip(*map(arrays, nets), strict=True):
        assert (one == other).all()


# As part of a network.


@every_own
def test_on_every_backend(target, rule):
    net, plain = network(rule, target=target), network(rule)
    x, y = random_samples(plain)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    expected = plain.backprop(x, y)
    limit = 1e-8 if rule is PERTURBED else 1e-12  # a difference of costs
    for one, other in zip(trace.gradients.w, expected.gradients.w, strict=True):
        close(one, other, limit)
    for one, other in zip(trace.delta, expected.delta, strict=True):
        close(one, other)


@every_own
def test_training_is_compiled_and_the_same_on_every_backend(target, rule, caplog):
    settings = {"epochs": 1, "compile": target.value.compile}
    net, plain = network(rule, target=target), network(rule)
    train(net, **settings)
    train(plain, compile=False, epochs=1)
    assert not caplog.records
    for one, other in zip(arrays(net), arrays(plain), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@every_own
def test_it_is_saved_by_name_pickled_and_trained_on(tmp_path, rule):
    net = network(rule)
    train(net)
    net.save(tmp_path / "net")
    with pytest.raises(bpx.InputError, match=f"the custom part '{rule.name}'"):
        bpx.load(tmp_path / "net")
    for again in (
        bpx.load(tmp_path / "net", custom={rule.name: rule}),
        pickle.loads(pickle.dumps(net)),
    ):
        assert again.spec == net.spec
        for one, other in zip(arrays(again), arrays(net), strict=True):
            assert (one == other).all()


@every_own
def test_steps_and_fits_end_in_the_same_bits(rule):
    nets = network(rule), network(rule)
    x, y = random_samples(nets[0], 20)
    nets[0].fit(x, y, epochs=1, batch_size=5, optimizer=bpx.Adam(0.1), shuffle=False, seed=0)
    trainer = bpx.Trainer(nets[1], optimizer=bpx.Adam(0.1), seed=0)
    for i in range(0, 20, 5):
        found = trainer.step(x[i : i + 5], y[i : i + 5], trace=True)
    for one, other in zip(*map(arrays, nets), strict=True):
        assert (one == other).all()
    assert np.isfinite(found.gradients.w[0]).all()


@pytest.mark.parametrize("rule", [LOCAL, PERTURBED], ids=lambda rule: rule.name)
def test_it_learns(rule):
    net = network(rule, [4, 30, 3])
    rng = np.random.default_rng(0)
    x, teacher = rng.standard_normal((300, 4)), rng.standard_normal((4, 3))
    y = (x @ teacher).argmax(axis=1).astype("int32")
    before = net.evaluate(x, y).cost
    net.fit(x, y, epochs=30, batch_size=10, optimizer=bpx.Adam(0.01), seed=0)
    after = net.evaluate(x, y)
    assert after.cost < 0.6 * before
    assert after.accuracy > 0.8


def test_ojas_units_find_the_principal_component():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 4)) * [3.0, 1.0, 0.5, 0.2]
    net = network(OJA, [4, 1, 2], activations=["identity", "softmax"])
    y = rng.integers(0, 2, 500).astype("int32")
    net.fit(x, y, epochs=20, batch_size=10, optimizer=bpx.SGD(0.01), seed=0)
    w = net.weights[0][0]
    _, _, directions = np.linalg.svd(x, full_matrices=False)
    assert abs(w @ directions[0]) / np.linalg.norm(w) > 0.99
    assert np.linalg.norm(w) == pytest.approx(1.0, abs=0.05)


def test_between_dense_layers_the_rule_sees_what_is_passed_on():
    seen = []

    def looks(layer, delta):
        seen.append(layer)
        return delta[0] @ layer.above[0]

    rule = Feedback("looks", local=looks)
    layers = [bpx.Dense(4, 6, "tanh"), bpx.Dropout(6, 0.5), bpx.Dense(6, 3, "softmax")]
    net = bpx.Network(layers, cost="cross_entropy", feedback=rule, seed=0, dtype="float64")
    plain = bpx.Network(layers, cost="cross_entropy", seed=0, dtype="float64")
    for each in (net, plain):
        train(each, compile=False)
    for one, other in zip(*map(arrays, (net, plain)), strict=True):
        assert (one == other).all()
    masked = [view.a for view in seen if (host(view.a) == 0.0).any()]
    assert masked
    assert all(view.number == 1 for view in seen)


def test_a_second_forward_pass_has_no_numbers_of_its_own():
    """Each z^l of a printed step is that of layer l."""
    net = network(PERTURBED)
    lines = str(net.program(batch_size=5, optimizer=bpx.SGD(0.1))).splitlines()
    left = {line.partition(" = ")[0]: line for line in lines}
    assert {name for name in left if name[:1] == "z"} == {"z1", "z2", "z3"}
    assert {name for name in left if name[:1] == "a"} == {"a1", "a2", "a3"}
    for i in range(3):
        assert f"parameters.b[{i}]" in left[f"z{i + 1}"]


def test_a_printed_step_says_what_the_rule_gives():
    lines = str(network(OJA).program(batch_size=5, optimizer=bpx.SGD(0.1))).splitlines()
    said = {line.partition(" = ")[0]: line.rpartition("# ")[2] for line in lines}
    assert [said[name] for name in ("dw1", "db1", "dw2", "dw3", "db3")] == [
        *["oja"] * 3,
        "BP4",
        "BP3",
    ]
    lines = str(network(LOCAL).program(batch_size=5, optimizer=bpx.SGD(0.1))).splitlines()
    assert any(line.startswith("g1 = ") and line.endswith("# local_loss") for line in lines)


# What is told, and what is refused.


def test_gradient_alignment_is_of_what_the_rule_gives():
    net = network(OJA)
    x, y = random_samples(net)
    found = bpx.inspect.gradient_alignment(net, x, y)
    trace, true = net.backprop(x, y), network("transpose").backprop(x, y).gradients
    given = [np.append(w, b) for w, b in zip(trace.gradients.w, trace.gradients.b, strict=True)]
    expected = [np.append(w, b) for w, b in zip(true.w, true.b, strict=True)]
    for i, (one, other) in enumerate(zip(given, expected, strict=True)):
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert found.angle[i] == pytest.approx(
            np.degrees(np.arccos(min(cosine, 1.0))), abs=1e-5
        )
        assert found.ratio[i] == pytest.approx(np.linalg.norm(one) / np.linalg.norm(other))
    assert found.angle[1] > 10.0
    without = bpx.Backward(trace.layers, trace.deltas)
    with pytest.raises(
        bpx.InputError, match="'oja' replaces BP3 and BP4; expected the trace of"
    ):
        bpx.inspect.gradient_alignment(net.spec, net.parameters, without)


@every_own
def test_the_checks_know_it(rule):
    report = check(rule)
    assert report.ok, str(report)
    layers = {row.layer for row in report.rows if row.equation == "pure"}
    assert layers == {LOCAL: {1, 2}, OJA: {1, 2}, PERTURBED: {1, 2, 3}}[rule]
    assert any("degrees from the gradient" in note for note in report.notes)


def checked(**parts):
    return check(Feedback("odd", **parts))


def test_the_checks_find_what_a_rule_does_wrong():
    def batch(layer, delta):
        return delta[0] @ layer.above[0] + bpx.namespace(layer.z).mean(layer.z, axis=0)

    def writes(layer, delta, r):
        layer.a_prev[...] = 0.0
        return bpx.equations.bp4(r, delta, layer.a_prev), bpx.equations.bp3(r, delta)

    def moves(layer, delta, r):
        layer.w[...] += 0.1
        return bpx.equations.bp4(r, delta, layer.a_prev), bpx.equations.bp3(r, delta)

    def random(layer, delta, r):
        db = bpx.equations.bp3(r, delta) * draws.uniform()
        return bpx.equations.bp4(r, delta, layer.a_prev), db

    def unweighted(layer, delta, r):
        return bpx.equations.bp4(r, delta, layer.a_prev), bpx.equations.bp3(1.0, delta)

    def counts(layer, delta, r):
        return bpx.equations.bp4(0.1, delta, layer.a_prev), bpx.equations.bp3(0.1, delta)

    wrong = checked(local=batch).wrong
    assert [(row.equation, row.layer) for row in wrong] == [
        ("each sample alone", 1),
        ("each sample alone", 2),
    ]
    wrong = checked(gradients=writes).wrong
    assert {row.equation for row in wrong} == {"pure"}
    assert "wrote into its argument" in wrong[0].where
    draws = np.random.default_rng(0)
    wrong = checked(gradients=moves).wrong
    assert any("into the network's parameters" in row.where for row in wrong)
    assert any(row.equation == "pure" for row in checked(gradients=random).wrong)
    for rule in (counts, unweighted):
        report = checked(gradients=rule)
        assert report.ok
        assert [row.layer for row in report.rows if row.warning] == [1, 2, 3]
        assert "the row weights r do not scale them" in str(report)


def test_a_network_is_not_changed_by_its_check():
    def moves(layer, delta, r):
        layer.w[...] += 0.1
        return bpx.equations.bp4(r, delta, layer.a_prev), bpx.equations.bp3(r, delta)

    net = network(Feedback("moves", gradients=moves))
    before = [w.copy() for w in net.weights]
    assert not check(net).ok
    for w, expected in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(w, expected)


def test_a_rule_that_is_wrong_for_a_column_of_weights_is_named_before_training():
    def by_number(layer, delta, r):
        return r * (delta.mT @ layer.a_prev), bpx.equations.bp3(r, delta)

    net = network(Feedback("by_number", gradients=by_number), [5, 9, 4, 3])
    with pytest.raises(Exception, match=r"by_number|broadcast") as caught:
        train(net)
    assert "epoch" not in str(caught.value)


def test_rules_with_keys_for_every_layer_have_a_matrix_alignment():
    found = bpx.inspect.matrix_alignment(network(PERTURBED))
    np.testing.assert_allclose(found.angle, 0.0, atol=1e-9)
    assert found.angle.shape == (2,)


WRONG = {
    "thin": (
        Feedback("thin", local=lambda layer, delta: layer.z[..., :1]),
        r"local of the feedback 'thin', layer 2, gave shape \(2, 1\)|"
        r"local of the feedback 'thin' gave shape \(2, 1\); expected \(2, 4\)",
    ),
    "none": (
        Feedback("none", local=lambda layer, delta: None),
        "local of the feedback 'none'.* gave None; expected",
    ),
    "wide": (
        Feedback("wide", local=lambda layer, delta: layer.z.astype("float64")),
        "local of the feedback 'wide', layer 2, gave shape .*float64; expected .*float32",
    ),
    "single": (
        Feedback("single", gradients=lambda layer, delta, r: layer.w),
        r"gradients of the feedback 'single', layer 1, gave shape \(6, 5\); expected a pair, "
        r"the gradient of w, shape \(6, 5\), and of b, shape \(6,\)",
    ),
    "turned": (
        Feedback("turned", gradients=lambda layer, delta, r: (layer.w.mT, layer.b)),
        r"layer 1, gave shape \(5, 6\) and shape \(6,\); expected a pair",
    ),
    "numbers": (
        Feedback("numbers", gradients=lambda layer, delta, r: (1.0, 2.0)),
        r"layer 1, gave 1\.0 and 2\.0; expected a pair",
    ),
    "widened": (
        Feedback(
            "widened",
            gradients=lambda layer, delta, r: (
                layer.w,
                bpx.namespace(layer.b).astype(layer.b, "float64"),
            ),
        ),
        "b of the gradients of the feedback 'widened', layer 1, gave .*float64; expected",
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", WRONG)
def test_wrong_shapes_are_named_before_training(which):
    rule, said = WRONG[which]
    net = bpx.Network([5, 6, 4, 3], feedback=rule, seed=0, dtype="float32")
    before = arrays(net)
    with pytest.raises(bpx.InputError, match=said):
        train(net)
    for one, other in zip(before, arrays(net), strict=True):
        assert (one == other).all()


def test_what_needs_a_gradient_of_each_sample_is_refused():
    net = network(OJA)
    x, y = random_samples(net)
    said = "the feedback 'oja' replaces BP3 and BP4"
    with pytest.raises(bpx.InputError, match=f"the influence of training samples .*{said}"):
        bpx.inspect.tracin([net], (x, y), (x, y))
    with pytest.raises(bpx.InputError, match=f"clipping each sample's gradient .*{said}"):
        bpx.privacy.clipped_backprop(net.spec, net.parameters, x, y, 1.0)
    by_transpose = r"layer 1 learns by 'oja'.*pass spec\.by_transpose\(\)"
    with pytest.raises(bpx.InputError, match=by_transpose):
        bpx.inspect.ggn_diagonal(net, x, y)
    plain = replace(net.spec, feedback=FEEDBACKS["transpose"])
    assert net.spec.by_transpose() == plain


def test_private_training_refuses_a_rule_that_mixes_samples():
    pytest.importorskip("dp_accounting", reason="private training needs dp-accounting")

    def mixes(layer, delta):
        xp = bpx.namespace(layer.a)
        return delta[0] @ layer.above[0] + xp.mean(layer.a, axis=-2, keepdims=True)

    private = bpx.privacy.DPSGD(noise_multiplier=1.0, clip=1.0)
    settings = {"epochs": 1, "batch_size": 8, "optimizer": bpx.SGD(0.1), "privacy": private}
    net = network(Feedback("mixes", local=mixes))
    x, y = random_samples(net, 40)
    with pytest.raises(
        bpx.InputError, match=r"'mixes' makes a sample's error depend on the oth"
    ):
        net.fit(x, y, **settings)
    network(LOCAL).fit(x, y, **settings)


def test_private_training_is_refused():
    pytest.importorskip("dp_accounting", reason="private training needs dp-accounting")
    net = network(OJA)
    x, y = random_samples(net, 40)
    settings = {"epochs": 1, "batch_size": 8, "optimizer": bpx.SGD(0.1)}
    with pytest.raises(bpx.InputError, match=r"private training .*'oja' replaces BP3 and BP4"):
        net.fit(x, y, **settings, privacy=bpx.privacy.DPSGD(noise_multiplier=1.0, clip=1.0))


@every_own
def test_axes_from_the_end_keep_several_networks_apart(rule):
    from bpx.training.several import check_networks_apart

    check_networks_apart(network(rule).spec, bpx.SGD(0.1))


def test_an_axis_from_the_front_is_named():
    from bpx.training.several import check_networks_apart

    def front(layer, delta, r):
        xp = bpx.namespace(layer.w)
        return layer.w + xp.mean(layer.w, axis=0), bpx.equations.bp3(r, delta)

    spec = network(Feedback("front", gradients=front)).spec
    with pytest.raises(bpx.InputError, match="w of the gradients of the feedback 'front'"):
        check_networks_apart(spec, bpx.SGD(0.1))
