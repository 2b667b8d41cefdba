"""Other rules than BP2 in a network: trained on every engine, moved, saved, and examined."""

import copy
import pickle

import numpy as np
import pytest

import bpx
from bpx.feedback import FEEDBACKS, Feedback
from tests.backends import assert_at_home, host
from tests.feedbacks import DIRECT, SIZES, arrays, every_rule, halved, network, train
from tests.peers import close, random_samples

DRAWN = [name for name, rule in FEEDBACKS.items() if rule.shapes(SIZES)]


# On every backend and engine, moved, saved, and recorded.


@every_rule
def test_on_every_backend(target, rule):
    net, there = network(rule, target=target), network(rule)
    for B, expected in zip(net.feedback, there.feedback, strict=True):
        assert_at_home(B, net, "int32" if rule == "brsf" else None)
        np.testing.assert_array_equal(host(B), expected)
    x, y = random_samples(net)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    for delta, expected in zip(trace.delta, there.backprop(x, y).delta, strict=True):
        assert_at_home(delta, net)
        np.testing.assert_allclose(host(delta), expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("rule", ["brsf", "kp"])  # tests/engines/test_engines.py has them all
def test_training_is_the_same_on_every_backend(target, rule, caplog):
    net, there = network(rule, target=target), network(rule)
    train(net, bpx.Adam(0.01), lmbda=0.5, epochs=1, compile=target.value.compile)
    train(there, bpx.Adam(0.01), lmbda=0.5, epochs=1, compile=False)
    assert not caplog.records  # of a step that could not be recorded
    for ours, theirs in zip(arrays(net), arrays(there), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-12)


def test_a_trained_network_is_saved_as_it_is(tmp_path):
    for rule in ("brsf", "kp"):
        net = network(rule)
        train(net)
        net.save(tmp_path / "net")
        for ours, theirs in zip(arrays(bpx.load(tmp_path / "net")), arrays(net), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@every_rule
def test_two_trainings_are_one_longer(rule):
    """All that changes is in the network: SGD alone has no state of its own."""
    whole, parts = network(rule), network(rule)
    train(whole, epochs=4, shuffle=False)
    for _ in range(2):
        train(parts, epochs=2, shuffle=False)
    for one, other in zip(arrays(whole), arrays(parts), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("compile", [True, False])
@every_rule
def test_a_divergence_is_found_and_the_network_kept(rule, compile):  # noqa: A002
    net = network(rule, hidden="relu", output="identity", cost="quadratic")
    before = arrays(net)
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 5)), rng.random((40, 3))
    settings = {"optimizer": bpx.SGD(1e30), "seed": 0, "compile": compile}
    with pytest.raises(bpx.DivergenceError, match="epoch 1, step") as error:
        net.fit(x, y, epochs=3, batch_size=4, **settings)
    assert 1 < error.value.step <= 10
    for old, new in zip(before, arrays(net), strict=True):
        np.testing.assert_array_equal(old, new)


def test_learned_feedback_is_of_the_last_finished_epoch():
    net = network("kp")
    x, y = random_samples(net, 40)
    run = bpx.train(net, (x, y), epochs=3, batch_size=7, optimizer=bpx.SGD(0.3), seed=0)
    next(run)
    after_one = arrays(net)
    next(run)
    run.close()
    again = network("kp")
    again_run = bpx.train(again, (x, y), epochs=1, batch_size=7, optimizer=bpx.SGD(0.3), seed=0)
    list(again_run)
    for one, other in zip(after_one, arrays(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(after_one[-1], net.feedback[-1])


def test_the_step_of_backpropagation_is_as_it_was():
    program = bpx.Network(SIZES, seed=0).program(batch_size=2, optimizer=bpx.SGD(0.1))
    explicit = bpx.Network(SIZES, seed=0, feedback="transpose")
    assert str(explicit.program(batch_size=2, optimizer=bpx.SGD(0.1))) == str(program)
    assert "feedback" not in str(program)
    assert len(program.state) == 3 + 3 + 1 + 2  # w, b, eta and the two metrics


def test_a_rules_step_reads_as_its_equation():
    text = str(network("dfa").program(batch_size=2, optimizer=bpx.SGD(0.1)))
    assert "delta2 = delta3 @ feedback[1] * " in text
    assert "delta1 = delta3 @ feedback[0] * " in text
    text = str(network(halved).program(batch_size=2, optimizer=bpx.SGD(0.1)))
    assert "g1 = 0.5 * (delta2 @ parameters.w[1]) " in text
    assert "delta1 = g1 * sigma_prime(z1) " in text


def test_a_learned_feedback_is_in_the_program():
    program = network("kp").program(batch_size=2, optimizer=bpx.Adam(), lmbda=1.0)
    assert "feedback[1] <- " in str(program)


@every_rule
def test_a_network_is_saved_with_what_its_feedback_drew(tmp_path, rule, target):
    net = network(rule, target=target)
    net.save(tmp_path / "net")
    loaded = bpx.load(tmp_path / "net", backend="numpy")
    assert loaded.spec == net.spec
    for ours, theirs in zip(arrays(loaded), arrays(net), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@every_rule
def test_a_network_can_be_pickled_and_copied(rule):
    net = network(rule)
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert twin.spec == net.spec
        before = arrays(net)
        train(twin)
        for old, new in zip(before, arrays(net), strict=True):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("rule", DRAWN)
def test_a_network_moves_with_its_feedback(rule, target):
    net, there = network(rule), network(rule)
    net.to(target.spec)
    for B, expected in zip(net.feedback, there.feedback, strict=True):
        assert_at_home(B, net, "int32" if rule == "brsf" else None)
        np.testing.assert_array_equal(host(B), expected)
    net.to("numpy", dtype="float32")
    assert {str(B.dtype) for B in net.feedback} == {"int32" if rule == "brsf" else "float32"}


def test_new_weights_leave_the_feedback():
    net = network("fa")
    before = arrays(net)[-2:]
    net.parameters = [0.0 * w for w in net.weights], net.biases
    for old, new in zip(before, net.feedback, strict=True):
        np.testing.assert_array_equal(old, new)


def test_feedback_can_be_set():
    net = network("fa")
    net.feedback = [w.tolist() for w in net.weights[1:]]
    x, y = random_samples(net)
    expected = network("transpose").backprop(x, y).delta
    for delta, other in zip(net.backprop(x, y).delta, expected, strict=True):
        close(delta, other, 1e-13)


def test_from_arrays_draws_by_the_seed_or_is_given():
    net = network("fa", seed=4)
    given = net.spec, net.parameters, net.home
    drawn = bpx.Network.from_arrays(*given, seed=4)
    handed = bpx.Network.from_arrays(*given, feedback=net.feedback)
    for each in (drawn, handed):
        for B, expected in zip(each.feedback, net.feedback, strict=True):
            np.testing.assert_array_equal(B, expected)
    assert handed.feedback[0] is not net.feedback[0]
    with pytest.raises(bpx.InputError, match=r"feedback arrays of shapes \[\] were given"):
        bpx.Network.from_arrays(*given)


# Rules of one's own.


def noisy(w, delta, B):
    xp = bpx.namespace(w[0])
    return delta[0] @ (w[0] + bpx.random.normal(B[:2], B[2:], tuple(w[0].shape), xp.float64))


@pytest.mark.parametrize("rule", [DIRECT, Feedback("noisy", send=noisy, redrawn=True)])
def test_a_rule_of_ones_own_trains_compiled(rule, caplog):
    nets = [network(rule), network(rule)]
    for net, compiled in zip(nets, (True, False), strict=True):
        train(net, compile=compiled)
    assert not caplog.records
    for one, other in zip(*map(arrays, nets), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_rule_of_ones_own_is_saved_by_name(tmp_path):
    net = network(DIRECT)
    net.save(tmp_path / "net")
    with pytest.raises(bpx.InputError, match=r"the custom part 'mine'.*custom="):
        bpx.load(tmp_path / "net")
    assert bpx.load(tmp_path / "net", custom={"mine": DIRECT}).spec == net.spec
    network(Feedback("fa", send=halved)).save(tmp_path / "net")
    with pytest.raises(bpx.InputError, match="the custom part 'fa'"):
        bpx.load(tmp_path / "net")


# What is refused.


WRONG = {
    "no units": (Feedback("thin", send=lambda w, d, B: (d[0] @ w[0])[:, :1]), "send", "(2, 1)"),
    "no array": (Feedback("none", send=lambda w, d, B: None), "send", "None"),
    "turned": (Feedback("turned", matrix=lambda w, B: w[0].mT), "matrix", "(4, 3)"),
    "widened": (
        Feedback("wide", matrix=lambda w, B: bpx.namespace(w[0]).astype(w[0], "float64")),
        "matrix",
        "float64",
    ),
}


@pytest.mark.parametrize("which", WRONG)
def test_wrong_shapes_are_named_before_training(which):
    rule, part, gave = WRONG[which]
    net = bpx.Network([5, 4, 3], feedback=rule, seed=0, dtype="float32")
    with pytest.raises(bpx.InputError) as error:
        train(net)
    assert f"{part} of the feedback {rule.name!r}, layer 1, gave" in str(error.value)
    assert gave in str(error.value)


@pytest.mark.parametrize("rule", [name for name in FEEDBACKS if name != "transpose"])
def test_what_goes_through_the_transpose_is_refused(rule):
    net = network(rule)
    x, _ = random_samples(net)
    given = net.parameters, net.forward(x)
    said = rf"layer 1 gets its error by {rule!r}, .*pass spec\.by_transpose\(\)"
    with pytest.raises(bpx.InputError, match=said):
        bpx.inspect.output_traces(net.spec, *given)
    with pytest.raises(bpx.InputError, match=said):
        bpx.inspect.neural_tangent_kernel(net.spec, *given)
    found = bpx.inspect.neural_tangent_kernel(net.spec.by_transpose(), *given)
    np.testing.assert_array_equal(
        found, bpx.inspect.neural_tangent_kernel(network("transpose").spec, *given)
    )


def test_a_network_without_hidden_layers_has_nothing_to_refuse():
    net = network("dfa", [5, 3])
    x, y = random_samples(net)
    assert net.feedback == ()
    assert len(list(bpx.inspect.output_traces(net.spec, net.parameters, net.forward(x)))) == 3
    close(net.backprop(x, y).delta[0], network("transpose", [5, 3]).backprop(x, y).delta[0])


def test_the_scores_of_samples_are_of_the_cost():
    net = network("dfa")
    x, y = random_samples(net)
    plain = bpx.Network.from_arrays(net.spec.by_transpose(), net.parameters, net.home)
    close(bpx.inspect.grand(net, x, y), bpx.inspect.grand(plain, x, y))
    close(bpx.inspect.el2n(net, x, y), bpx.inspect.el2n(plain, x, y))
    steps, true = net.backprop(x, y), plain.backprop(x, y)
    expected = bpx.inspect.inner_products(steps, true)
    close(bpx.inspect.tracin([net], (x, y), (x, y)), expected)
