"""One training step at a time: the same step as `train`'s, with what it found."""

import numpy as np
import pytest

import bpx
from tests.backends import Target, flags, host
from tests.training.small import network, samples

BATCH, N = 8, 40
OPTIMIZERS = {
    "sgd": bpx.SGD(0.5),
    "nesterov": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(0.01),
    "schedule": bpx.AdamW(bpx.optim.warmup_cosine(0.01, warmup=2, steps=9)),
}
KINDS = {
    "labels": {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"},
    "numbers": {"output": "identity"},
    "dropout": {"dropout": 0.3},
    "kp": {"feedback": "kp"},
    "brsf": {"feedback": "brsf"},
}

PAIRS = [
    ("labels", "sgd"), ("labels", "adam"), ("numbers", "nesterov"), ("numbers", "schedule"),
    ("dropout", "adam"), ("dropout", "schedule"), ("kp", "nesterov"), ("brsf", "sgd"),
]  # fmt: skip


def trainer(net, target=Target.NUMPY, **settings):
    settings = {"optimizer": bpx.Adam(0.01), "seed": 1, **settings}
    return bpx.Trainer(net, compile=target.value.compile, **settings)


def targets(kind):
    _, y = samples()
    return np.eye(3)[y] * 2.5 - 0.3 if kind == "numbers" else y


def batches(x, y):
    return [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, N, BATCH)]


def same(one, other):
    pairs = zip(
        [*one.weights, *one.biases, *one.feedback],
        [*other.weights, *other.biases, *other.feedback],
        strict=True,
    )
    for a, b in pairs:
        np.testing.assert_array_equal(host(a), host(b))


@pytest.mark.parametrize(("kind", "optimizer"), PAIRS)
def test_steps_epochs_and_streams_end_in_the_same_bits(target, kind, optimizer):
    x, y, rule = samples()[0], targets(kind), OPTIMIZERS[optimizer]
    nets = [network(target, **KINDS[kind]) for _ in range(3)]
    how = {"optimizer": rule, "seed": 1, "compile": target.value.compile}
    with flags(target):
        nets[0].fit(x, y, epochs=2, batch_size=BATCH, shuffle=False, lmbda=4.0, **how)
        list(bpx.train(nets[1], batches=batches(x, y), epochs=2, penalty=4.0 / N, **how))
        one = bpx.Trainer(nets[2], penalty=4.0 / N, **how)
        for _ in range(2):
            for mine in batches(x, y):
                one.step(*mine)
    same(nets[0], nets[1])
    same(nets[0], nets[2])
    assert one.state.steps == 10


def test_the_cost_and_the_accuracy_are_those_before_the_step(target):
    x, y = samples()
    net = network(target, dtype="float64")
    before, one = net.evaluate(x, y), trainer(net, target)
    with flags(target):
        found = one.step(x, y)
    cost, accuracy = found
    assert all(net.home.owns(each) and each.shape == () for each in found)
    assert float(cost) == pytest.approx(before.cost, rel=1e-12)
    assert float(accuracy) == pytest.approx(before.accuracy, rel=1e-12)
    assert net.evaluate(x, y).cost < before.cost


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_row_weights_are_those_of_bp3_and_bp4(target, shape):
    (x, y), r = samples(), np.random.default_rng(5).random(N)
    nets = [network(target, dtype="float64") for _ in range(2)]
    with flags(target):
        arrays = [target.asarray(each, "float64") for each in (x, r[:, None])]
        trace = nets[1].backprop(arrays[0], target.asarray(y, "int32"), r=arrays[1])
        found = trainer(nets[0], target, optimizer=bpx.SGD(0.5)).step(x, y, r.reshape(shape))
        right = host(trace.a[-1]).argmax(axis=1) == y
        for i, gradient in enumerate(trace.gradients.w):
            moved = host(nets[1].weights[i]) - 0.5 * host(gradient)
            np.testing.assert_allclose(host(nets[0].weights[i]), moved, rtol=1e-12, atol=1e-14)
    assert float(found.cost) == pytest.approx((r * host(trace.cost)).sum(), rel=1e-12)
    assert float(found.accuracy) == pytest.approx((r * right).sum() / r.sum(), rel=1e-12)


def test_row_weights_may_be_one_number():
    (x, y), nets = samples(), [network(dtype="float64") for _ in range(2)]
    found = [trainer(net).step(x, y, r) for net, r in zip(nets, (0.25, None), strict=True)]
    assert found[0].cost == pytest.approx(0.25 * N * found[1].cost, rel=1e-12)
    assert found[0].accuracy == found[1].accuracy


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_is_of_the_step_and_leaves_it_as_it_is(target, kind):
    x, y = samples()[0], targets(kind)
    nets = [network(target, **KINDS[kind]) for _ in range(2)]
    with flags(target):
        plain, traced = (trainer(net, target, optimizer=bpx.SGD(0.5)) for net in nets)
        for _ in range(3):
            before = nets[1].parameters
            cost, _ = plain.step(x, y)
            trace = traced.step(x, y, trace=True)
            assert float(cost) == pytest.approx(host(trace.cost).mean(), rel=1e-5)
            kept = [host(each).copy() for each in (*trace.z, *trace.a, *trace.delta)]
            for i, gradient in enumerate(trace.gradients.w):
                moved = host(before.w[i]) - 0.5 * host(gradient)
                np.testing.assert_allclose(
                    host(nets[1].weights[i]), moved, rtol=1e-4, atol=1e-6
                )
            traced.step(x, y)
            plain.step(x, y)
            for mine, then in zip((*trace.z, *trace.a, *trace.delta), kept, strict=True):
                np.testing.assert_array_equal(host(mine), then)
    same(*nets)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_mini_batch_is_computed_in_chunks(target, weighted):
    """Of 12 samples and then of 7, in chunks of 3 and of 2; r are the weights of its sums."""
    x, y = samples()
    r = np.random.default_rng(5).random(40) if weighted else None
    nets = [network(target, dtype="float64", dropout=0.2, feedback="kp") for _ in range(2)]
    with flags(target):
        cut, whole = trainer(nets[0], target, accumulate=4), trainer(nets[1], target)
        for rows in (slice(0, 12), slice(12, 19), slice(19, 21)):
            mine = x[rows], y[rows], None if r is None else r[rows]
            for a, b in zip(cut.step(*mine), whole.step(*mine), strict=True):
                assert float(a) == pytest.approx(float(b), rel=1e-12)
        cut.step(x[:6], y[:6], trace=True)
        whole.step(x[:6], y[:6])
    arrays = ((*net.weights, *net.biases, *net.feedback) for net in nets)
    for a, b in zip(*arrays, strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-10, atol=1e-14)
    pair = nets[0].weights, nets[1].weights
    assert any((host(a) != host(b)).any() for a, b in zip(*pair, strict=True))
    assert cut.state.steps == 4


@pytest.mark.parametrize("chunks", [0, 1.5, "2"])
def test_chunks_are_a_whole_number(chunks):
    with pytest.raises(bpx.InputError, match=r"accumulate=.* a whole number of at least 1"):
        trainer(network(), accumulate=chunks)


def test_a_trace_keeps_its_inputs_when_the_caller_writes_others():
    (x, y), net = samples(), network()
    x = x.astype("float32")
    trace, before = trainer(net).step(x, y, trace=True), x.copy()
    x[...] = 0.0
    np.testing.assert_array_equal(trace.a[0], before)


def test_what_the_network_had_before_a_step_stays_as_it_is(target):
    (x, y), net = samples(), network(target)
    with flags(target):
        one = trainer(net, target)
        one.step(x, y)
        held, state = net.weights[0], one.state
        before = host(held).copy(), host(state.optimizer.m.w[0]).copy()
        for _ in range(3):
            one.step(x, y)
        np.testing.assert_array_equal(host(held), before[0])
        np.testing.assert_array_equal(host(state.optimizer.m.w[0]), before[1])


def test_mini_batches_may_be_of_any_sizes():
    (x, y), net = samples(), network()
    one = trainer(net)
    for m in (1, 7, 40, 7):
        cost, _ = one.step(x[:m], y[:m])
        assert np.isfinite(cost)
    assert one.state.steps == 4


def test_weights_that_the_caller_sets_are_taken_up():
    (x, y), nets = samples(), [network() for _ in range(2)]
    one, other = map(trainer, nets)
    one.step(x, y)
    nets[0].parameters = nets[1].parameters
    assert one.step(x, y).cost == other.step(x, y).cost


def test_the_learning_rate_can_be_changed_between_steps(target):
    (x, y), nets = samples(), [network(target) for _ in range(2)]
    with flags(target):
        first = trainer(nets[0], target, optimizer=bpx.SGD(0.5))
        second = trainer(nets[1], target, optimizer=bpx.SGD(0.1))
        second.eta = 0.5
        assert second.eta == first.eta == 0.5
        first.step(x, y)
        second.step(x, y)
    same(*nets)


def test_a_schedule_is_followed_and_not_set():
    (x, y), net = samples(), network()
    one = trainer(net, optimizer=OPTIMIZERS["schedule"])
    rates = []
    for _ in range(3):
        rates.append(one.eta)
        one.step(x, y)
    assert rates == pytest.approx([0.005, 0.01, 0.01], rel=1e-6)
    with pytest.raises(bpx.InputError, match=r"eta=0.1 was given.*follows a schedule"):
        one.eta = 0.1
    with pytest.raises(bpx.InputError, match="expected a positive number"):
        trainer(net).eta = -1.0
    bare = trainer(net, optimizer=bpx.optim.chain(bpx.optim.scale(-0.1)))
    assert bare.eta is None
    with pytest.raises(bpx.InputError, match="has no learning rate"):
        bare.eta = 0.1


def test_accuracy_is_told_by_the_dtype_of_y():
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 4)), np.array([0, 1, 0, 1, 1, 0])
    for output, given, known in (
        ("sigmoid", y, True),
        ("sigmoid", y == 1, True),
        ("sigmoid", y.astype("float32"), False),  # 0 and 1 by chance alone
        ("identity", y, False),
    ):
        net = bpx.Network([4, 3, 1], output=output, seed=0)
        assert (trainer(net).step(x, given).accuracy is not None) == known


def test_a_table_is_read_by_the_networks_schema():
    pytest.importorskip("narwhals", reason="DataFrames become tables through narwhals")
    numbers = {"a": [1.0, 2.0, 3.0, 4.0], "b": [5.0, 3.0, 9.0, 1.0]}
    table = bpx.data.as_table({**numbers, "t": ["p", "q", "p", "q"]})
    schema = bpx.data.Schema.fit(table, target="t", task="classes")
    nets = [bpx.Network([2, 3, 2], schema=schema, seed=0) for _ in range(2)]
    nets[0].fit(table, epochs=1, batch_size=4, shuffle=False, optimizer=bpx.SGD(0.5))
    x = np.stack(list(numbers.values()), axis=1)
    trainer(nets[1], optimizer=bpx.SGD(0.5)).step(x, ["p", "q", "p", "q"])
    same(*nets)


def test_what_cannot_be_used_is_refused_and_nothing_has_changed():
    (x, y), net = samples(), network()
    one = trainer(net)
    before, state = net.parameters, one.state
    for arguments, said in (
        ((x[:, :4], y), r"x has shape \(40, 4\); expected \(n, 5\)"),
        ((x, y[:9]), r"y has shape \(9,\); expected labels \(40,\) or \(40, 3\)"),
        ((x, y + 1), r"y\[\d+\] is 3; expected whole labels in 0 ... 2"),
        ((np.where(x == x[7, 2], np.nan, x), y), "x holds NaN.*first in row 7"),
        ((x, y, np.ones(3)), r"r has shape \(3,\) for 40 samples"),
        ((x, y, np.full(40, np.inf)), "r holds NaN, infinity"),
    ):
        with pytest.raises(bpx.InputError, match=said):
            one.step(*arguments)
    assert net.parameters is before
    assert one.state.steps == state.steps == 0
    with pytest.raises(bpx.InputError, match=r"penalty=-1.0 was given"):
        trainer(net, penalty=-1.0)
    with pytest.raises(bpx.InputError, match="optimizer"):
        trainer(net, optimizer=0.1)
    with pytest.raises(bpx.InputError, match="precision='tf32' was given"):
        trainer(net, precision="tf32").step(x, y)


def test_too_small_a_mini_batch_is_refused_before_the_step_is_compiled(target, caplog):
    (x, y), net = samples(), target.network([5, 4, 3], norm="batch", seed=0)
    settings = {"optimizer": bpx.SGD(0.1), "compile": target.value.compile}
    trainer, batches = bpx.Trainer(net, **settings), [(x[:1], y[:1])]
    training = bpx.train(net, batches=[(x, y), *batches], epochs=1, **settings)
    for step in (
        lambda: trainer.step(x[:1], y[:1]),
        lambda: bpx.train(net, batches=batches, epochs=1, **settings),
        lambda: next(training),
    ):
        with pytest.raises(bpx.InputError, match="'batch_norm', needs at least 2 in each mini"):
            step()
    assert not caplog.messages


def test_a_network_that_has_moved_is_refused():
    (x, y), net = samples(), network()
    one = trainer(net)
    net.to(dtype="float64")
    with pytest.raises(bpx.InputError, match="the network moved from numpy, float32"):
        one.step(x, y)


def test_its_repr_is_a_line():
    one = trainer(network())
    one.step(*samples())
    assert repr(one).startswith("<bpx.Trainer of <bpx.Network [5, 4, 3]")
    assert repr(one).endswith("step 1>")


def test_a_trainer_without_a_seed_goes_on_with_that_of_the_state(tmp_path):
    """As of a script that is run twice: what is drawn is in the state."""
    settings = {"sizes": [4, 6, 3], "dropout": 0.5, "seed": 0, "dtype": "float64"}
    x = np.random.default_rng(0).standard_normal((12, 4))
    y = np.arange(12) % 3
    nets = [bpx.Network(**settings) for _ in range(2)]
    one, other = (bpx.Trainer(net, optimizer=bpx.Adam(0.01)) for net in nets)
    assert one.state.seed != other.state.seed
    one.step(x, y)
    one.save_state(tmp_path / "state.safetensors")
    other.load_state(tmp_path / "state.safetensors")
    assert other.state.seed == one.state.seed
    for trainer in (one, other):
        trainer.step(x, y)
    for w, expected in zip(nets[1].weights, nets[0].weights, strict=True):
        np.testing.assert_array_equal(w, expected)
    chosen = bpx.Trainer(bpx.Network(**settings), optimizer=bpx.Adam(0.01), seed=1)
    with pytest.raises(bpx.InputError, match="this one has seed=1"):
        chosen.load_state(tmp_path / "state.safetensors")


def test_a_schedule_whose_length_only_a_training_knows():
    with pytest.raises(bpx.InputError, match="give its length as a number of steps"):
        trainer(network(), optimizer=bpx.SGD(bpx.optim.cosine_decay_schedule(0.1)))
    with pytest.raises(bpx.InputError, match=r"reduce_on_plateau was .* assign trainer.eta"):
        trainer(network(), optimizer=bpx.SGD(bpx.optim.reduce_on_plateau(0.1)))
