"""`fit` on a stream: the same bits as on arrays, in bounded memory, and clear refusals."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import bpx
from tests.backends import flags
from tests.network.test_trainer import same
from tests.training.small import network, samples

HOW = {"batch_size": 8, "optimizer": bpx.Adam(0.01), "seed": 1}


def stream(x, y, **given):
    return bpx.data.stream(x, y, **({"block": 4, "window": 16} | given))


def test_a_stream_in_order_trains_as_arrays_do(target):
    (x, y), nets = samples(), [network(target, dtype="float64") for _ in range(2)]
    how = {**HOW, "epochs": 2, "shuffle": False, "compile": target.value.compile}
    with flags(target):
        streamed = nets[0].fit(stream(x, y), lmbda=0.1, **how)
        fitted = nets[1].fit(x, y, lmbda=0.1, **how)
    same(*nets)
    for one, other in zip(streamed, fitted, strict=True):
        assert one.cost == pytest.approx(other.cost, rel=1e-12)
        assert one.accuracy == pytest.approx(other.accuracy, rel=1e-12)


def test_weights_come_with_the_samples():
    (x, y), s = samples(), np.random.default_rng(0).random(40)
    nets = [network(dtype="float64") for _ in range(2)]
    how = {**HOW, "epochs": 1, "shuffle": False}
    nets[0].fit(stream(x, y, sample_weight=s), **how)
    nets[1].fit(x, y, sample_weight=s, **how)
    same(*nets)


def test_the_seed_decides_the_order():
    x, y = samples()
    nets = [network() for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        net.fit(stream(x, y), epochs=2, **{**HOW, "seed": seed})
    same(nets[0], nets[1])
    assert not np.array_equal(nets[0].weights[0], nets[2].weights[0])


def test_shuffled_training_learns_what_training_on_arrays_learns():
    rng = np.random.default_rng(0)
    x = rng.random((2000, 5))
    y = x[:, :3].argmax(axis=1)
    nets = [network() for _ in range(2)]
    how = {**HOW, "epochs": 10, "validation": (x, y)}
    ends = [
        net.fit(*given, **how)[-1].validation.accuracy
        for net, given in zip(
            nets, ((stream(x, y, block=50, window=500),), (x, y)), strict=True
        )
    ]
    assert min(ends) > 0.9
    assert abs(ends[0] - ends[1]) < 0.05


def test_a_network_with_a_schema_encodes_the_tables_of_a_stream():
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=60).tolist(), "b": list("uvw" * 20), "y": ["p", "q"] * 30}
    own = bpx.data.Schema.fit(table, target="y")
    nets = [
        bpx.Network([own.width, 4, 2], output="softmax", cost="cross_entropy", seed=0,
                    schema=own, dtype="float64")
        for _ in range(2)
    ]  # fmt: skip
    parts = [{name: cells[i : i + 7] for name, cells in table.items()} for i in range(0, 60, 7)]
    how = {**HOW, "epochs": 2, "shuffle": False}
    nets[0].fit(bpx.data.stream(parts, window=16), **how)
    nets[1].fit(table, **how)
    same(*nets)


def test_no_thread_is_left_after_training_and_after_an_error():
    x, y = samples()
    network().fit(stream(x, y), epochs=1, **HOW)
    bad = x.copy()
    bad[37, 2] = np.nan
    with pytest.raises(
        bpx.InputError, match=r"first in row 5; .*; rows are counted in a window of ndarray"
    ):
        network().fit(stream(bad, y), epochs=1, shuffle=False, **HOW)
    training = bpx.train(network(), stream(x, y), epochs=2, **HOW)
    next(training)
    del training
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("bpx-reads-ahead") for name in names)


def test_an_error_in_an_epoch_leaves_the_network_as_it_was():
    x, y = samples()
    bad, net = y.copy(), network()
    bad[39] = 7
    before = [w.copy() for w in net.weights]
    with pytest.raises(bpx.InputError, match="expected whole labels in 0"):
        net.fit(stream(x, bad), epochs=1, shuffle=False, **HOW)
    assert all(np.array_equal(a, b) for a, b in zip(before, net.weights, strict=True))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"class_weight": "balanced"}, "class_weight was given with a bpx.data.Stream"),
        ({"sample_weight": np.ones(40)}, "sample_weight was given with a bpx.data.Stream"),
        ({"health": True}, "health was given with a bpx.data.Stream"),
        (
            {"batch_size": 41},
            r"batch_size=41 was given; expected a whole number in 1 \.\.\. 40",
        ),
        ({"epochs": 0}, "epochs=0 was given"),
        ({"lmbda": -1.0}, "lmbda=-1.0 was given"),
    ],
)
def test_what_does_not_apply_is_refused(changed, message):
    x, y = samples()
    with pytest.raises(bpx.InputError, match=message):
        network().fit(stream(x, y), **{**HOW, "epochs": 1, **changed})


def test_mini_batches_too_small_for_a_layer_are_refused():
    (x, y), net = samples(), network(norm="batch")
    for changed in ({"batch_size": 13}, {"batch_size": 20, "accumulate": 20}):
        with pytest.raises(bpx.InputError, match="needs at least 2 in each mini-batch"):
            net.fit(stream(x, y), **{**HOW, "epochs": 1, **changed})
    net.fit(stream(x, y), **{**HOW, "epochs": 1, "batch_size": 13}, drop_last=True)


def test_the_penalty_of_samples_that_nobody_has_counted():
    x, y = samples()
    chunks = bpx.data.stream([(x[:20], y[:20]), (x[20:], y[20:])])
    with pytest.raises(bpx.InputError, match="give its coefficient, lmbda / n, as penalty"):
        network().fit(chunks, epochs=1, lmbda=1.0, **HOW)
    nets = [network(dtype="float64") for _ in range(2)]
    how = {**HOW, "epochs": 1, "shuffle": False}
    list(bpx.train(nets[0], chunks, penalty=0.5 / 40, **how))
    nets[1].fit(x, y, lmbda=0.5, **how)
    same(*nets)


def test_a_wrong_width_is_refused_before_training():
    x, y = samples()
    with pytest.raises(bpx.InputError, match="expected"):
        bpx.train(network(), stream(x[:, :4], y), epochs=1, **HOW)


def test_a_stream_without_samples_is_refused_before_its_batches_are_counted():
    x, y = samples()
    with pytest.raises(bpx.InputError, match="ndarray has no samples; expected at least one"):
        network().fit(stream(x[:0], y[:0]), epochs=1, **HOW)


def one_output(**settings):
    return bpx.Network([1, 3, 1], seed=0, **settings)


def test_first_samples_that_must_be_a_mistake_are_refused_as_in_arrays():
    times = 1.7e9 + np.arange(40)[:, None]
    for y in (np.arange(40) * 8, np.arange(40) * 8.0):
        with pytest.raises(bpx.InputError, match="the first samples' y runs from 0 to "):
            one_output().fit(stream(np.ones((40, 1)), y), epochs=1, **HOW)
    zeros = np.zeros(40)
    with pytest.raises(bpx.InputError, match="column 0 of the first samples' x runs from"):
        one_output().fit(stream(times, zeros), epochs=1, **HOW)
    identity = {"output": "identity"}
    with pytest.raises(bpx.InputError, match="the first samples' y runs from 1700000000"):
        one_output(**identity).fit(stream(np.ones((40, 1)), times[:, 0]), epochs=1, **HOW)
    one_output(dtype="float64").fit(stream(times, zeros), epochs=1, **HOW)
    one_output().fit(stream(np.ones((40, 1)), zeros.astype(int)), epochs=1, **HOW)
    one_hot = np.eye(3)[samples()[1]]
    network().fit(stream(samples()[0], one_hot), epochs=1, **HOW)


def test_weights_of_0_are_refused_only_if_all_samples_of_an_epoch_have_them():
    (x, y), net = samples(), network()
    before = [w.copy() for w in net.weights]
    with pytest.raises(bpx.InputError, match="sample_weight of ndarray is 0 for every sample"):
        net.fit(stream(x, y, sample_weight=np.zeros(40)), epochs=1, **HOW)
    assert all(np.array_equal(a, b) for a, b in zip(before, net.weights, strict=True))
    s = np.zeros(40)
    s[35] = 1.0
    how = {**HOW, "epochs": 1, "shuffle": False}
    nets = [network(dtype="float64") for _ in range(2)]
    nets[0].fit(stream(x, y, sample_weight=s), **how)
    nets[1].fit(x, y, sample_weight=s, **how)
    same(*nets)


MEMORY = """
import numpy as np, sys, threading
import bpx
from pathlib import Path

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(each.split()[1]) * 1024 for each in lines if each.startswith("RssAnon"))

x, y, window = sys.argv[1], sys.argv[2], int(sys.argv[3])
net = bpx.Network([784, 16, 10], hidden="relu", output="softmax", cost="cross_entropy", seed=0)
how = dict(batch_size=256, optimizer=bpx.Adam(), seed=0)
net.fit(np.zeros((512, 784), "float32"), np.zeros(512, int), epochs=1, **how)
start, most, done = anonymous(), [0], threading.Event()

def watch():
    while not done.wait(0.005):
        most[0] = max(most[0], anonymous() - start)

thread = threading.Thread(target=watch)
thread.start()
samples = bpx.data.stream(x, y, window=window)
net.fit(samples, epochs=1, validation=samples, **how)
net.evaluate(samples, metrics=["confusion_matrix"])
net.predict(samples)
done.set()
thread.join()
print(most[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_is_two_windows_and_not_the_samples(tmp_path):
    n, window = 64_000, 5168  # those that are evaluated at once
    made = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (n, 784))
    made[:] = np.random.default_rng(0).random((1, 784), dtype=np.float32)
    made.flush()
    np.save(tmp_path / "y.npy", np.arange(n) % 10)
    root = Path(bpx.__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "x.npy", tmp_path / "y.npy", str(window)],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    # Two windows of 16 MB, of 200 MB of samples; and what the thread and the checks need.
    assert int(ran.stdout) < 2 * window * 784 * 4 + 64e6
