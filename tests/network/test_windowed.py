"""`evaluate`, `predict` and `classify` on a stream: the bits that arrays in memory give."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest

import bpx
from bpx.data.streams.direct import PAGE
from bpx.model import inputs
from tests.backends import flags, host
from tests.network.test_windows import HOW, stream
from tests.training.small import network, samples

METRICS = ["log_loss", "confusion_matrix", "f1_macro", "absolute_error"]


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch):
    monkeypatch.setattr(inputs, "AT_ONCE", 16 * 12 * 5)  # 5 samples of the small network


@pytest.fixture
def in_lines(monkeypatch):
    """16 samples at once: all parts begin in a cache line, which decides the bits of MKL's."""
    monkeypatch.setattr(inputs, "AT_ONCE", 16 * 12 * inputs.LINE)


def binary(**settings):
    return bpx.Network([5, 4, 1], cost="cross_entropy", seed=0, **settings)


def same_evaluation(one, other):
    assert one == other
    assert one.metrics.keys() == other.metrics.keys()
    for name, value in one.metrics.items():
        np.testing.assert_array_equal(value, other.metrics[name])


@pytest.mark.usefixtures("in_lines")
def test_outputs_and_classes_are_those_of_arrays(target):
    (x, y), net = samples(), network(target)
    with flags(target):
        for made in (stream(x, y), stream(x, None), bpx.data.stream([x[:7], x[7:]], window=9)):
            np.testing.assert_array_equal(net.predict(made), host(net.predict(x)))
            assert net.classify(made).tolist() == host(net.classify(x)).tolist()
    assert isinstance(net.predict(stream(x, y)), np.ndarray)


@pytest.mark.usefixtures("in_lines")
def test_an_evaluation_is_that_of_arrays(target):
    (x, y), net = samples(), network(target, output="softmax", cost="cross_entropy")
    s = np.random.default_rng(0).random(40)
    s[:16] = 0.0  # all of a window
    metrics = METRICS
    with flags(target):
        same_evaluation(
            net.evaluate(stream(x, y, window=8), metrics=metrics),
            net.evaluate(x, y, metrics=metrics),
        )
        same_evaluation(
            net.evaluate(stream(x, y, sample_weight=s, window=8), metrics=metrics),
            net.evaluate(x, y, sample_weight=s, metrics=metrics),
        )


def test_a_metric_that_needs_every_output_gets_them():
    (x, _), net = samples(), binary()
    y = (x[:, 0] > 0.4).astype(int)
    found = net.evaluate(stream(x, y), metrics=["roc_auc"])
    same_evaluation(found, net.evaluate(x, y, metrics=["roc_auc"]))


def test_one_hot_rows_and_zeros_and_ones_are_classes_as_in_arrays():
    (x, y), net = samples(), network(output="softmax", cost="cross_entropy")
    rows = np.eye(3)[y]
    same_evaluation(net.evaluate(stream(x, rows)), net.evaluate(x, y))
    assert net.evaluate(stream(x, rows)).accuracy is not None
    ones = (y > 0).astype(float)
    same_evaluation(binary().evaluate(stream(x, ones)), binary().evaluate(x, ones))


@pytest.mark.parametrize("odd", [0, 20, 39])
def test_targets_that_are_not_all_classes_are_numbers(odd):
    (x, y), net = samples(), network(output="softmax", cost="cross_entropy")
    rows = np.eye(3)[y]
    rows[odd] = 0.25, 0.25, 0.5
    found, expected = net.evaluate(stream(x, rows)), net.evaluate(x, rows)
    assert found.accuracy is expected.accuracy is None
    same_evaluation(found, expected)
    ones = (y > 0).astype(float)
    ones[odd] = 0.5
    same_evaluation(binary().evaluate(stream(x, ones)), binary().evaluate(x, ones))
    with pytest.raises(bpx.InputError, match="'f1_macro' was given targets that are"):
        net.evaluate(stream(x, rows), metrics=["f1_macro"])


def test_windows_of_outputs_come_in_the_order_of_the_samples():
    (x, y), net = samples(), network()
    parts = list(net.predict_windows(stream(x, y, window=12)))
    assert [len(part) for part in parts] == [15, 15, 10]  # three parts of 5 at once
    np.testing.assert_array_equal(np.concatenate(parts), net.predict(x))
    with pytest.raises(bpx.InputError, match=r"expected a bpx.data.stream\(...\), or predict"):
        next(net.predict_windows(x))
    abandoned = net.predict_windows(stream(x, y))
    next(abandoned)
    abandoned.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("bpx-reads-ahead") for name in names)


def test_tables_are_encoded_and_answers_are_in_their_terms():
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=60).tolist(), "b": list("uvw" * 20), "y": ["p", "q"] * 30}
    schema = bpx.data.Schema.fit(table, target="y")
    net = bpx.Network([schema.width, 4, 2], output="softmax", cost="cross_entropy", seed=0,
                      schema=schema)  # fmt: skip
    parts = [{name: cells[i : i + 7] for name, cells in table.items()} for i in range(0, 60, 7)]
    inputs_only = [{name: part[name] for name in "ab"} for part in parts]
    same_evaluation(net.evaluate(bpx.data.stream(parts, window=16)), net.evaluate(table))
    for chunks in (parts, inputs_only):
        made = bpx.data.stream(chunks, window=16)
        np.testing.assert_array_equal(net.predict(made), net.predict(table))
        assert net.classify(made).tolist() == net.classify(table).tolist()


def test_numbers_are_in_the_units_of_the_target():
    table = {"a": np.linspace(0, 1, 40), "price": 1000 + 50 * np.linspace(0, 1, 40)}
    schema = bpx.data.Schema.fit(table, target="price")
    net = bpx.Network([1, 1], output="identity", schema=schema, seed=0)
    made = bpx.data.stream([table])
    np.testing.assert_array_equal(net.predict(made), net.predict(table))
    (part,) = net.predict_windows(made)
    np.testing.assert_array_equal(part, net.predict(table))


def test_a_network_of_numbers_leaves_out_the_target_and_the_weights():
    rng = np.random.default_rng(0)
    table = {name: rng.random(30).tolist() for name in "abcde"} | {"y": [0, 1, 2] * 10}
    table["s"] = [1.0] * 30
    given = {"target": "y", "sample_weight": "s", "window": 8}
    x, net = np.stack([table[name] for name in "abcde"], axis=-1), network()
    for names in ("abcdeys", "abcde"):
        chunk = {name: table[name] for name in names}
        np.testing.assert_array_equal(
            net.predict(bpx.data.stream([chunk], **given)), net.predict(x)
        )


def test_what_does_not_apply_or_is_missing_is_refused():
    (x, y), net = samples(), network()
    with pytest.raises(bpx.InputError, match=r"y was given with .*Stream; give the targets"):
        net.evaluate(stream(x, y), y)
    with pytest.raises(
        bpx.InputError, match=r"sample_weight was given with .*; give it to bpx"
    ):
        net.evaluate(stream(x, y), sample_weight=np.ones(40))
    with pytest.raises(bpx.InputError, match="y is missing for ndarray"):
        net.evaluate(stream(x, None))
    with pytest.raises(bpx.InputError, match="y is missing for ndarray"):
        net.fit(stream(x, None), epochs=1, **HOW)
    with pytest.raises(bpx.InputError, match="gradients of all samples are as large as"):
        net.input_gradients(stream(x, y))
    with pytest.raises(bpx.InputError, match="is 0 for every sample"):
        net.evaluate(stream(x, y, sample_weight=np.zeros(40)))
    bad = x.copy()
    bad[37, 2] = np.nan
    with pytest.raises(bpx.InputError, match=r"first in row 7.*; rows are counted in a window"):
        net.predict(stream(bad, y, window=10))


def test_samples_that_change_while_they_are_read_are_noticed():
    class Shrinking:
        shape, dtype = (40, 5), np.dtype("float32")

        def __getitem__(self, rows):
            return np.zeros((40, 5), "float32")[rows][:3]

    with pytest.raises(bpx.InputError, match="has 3 samples, not 40 as before; it changed"):
        network().predict(bpx.data.stream(Shrinking(), block=40))


def test_validation_samples_may_be_a_stream(target):
    (x, y), (u, v) = samples(), samples(23)
    nets = [network(target) for _ in range(3)]
    how = {**HOW, "epochs": 2, "metrics": ["absolute_error"], "compile": target.value.compile}
    with flags(target):
        histories = [
            net.fit(*data, validation=held, **how)
            for net, data, held in (
                (nets[0], (x, y), (u, v)),
                (nets[1], (x, y), stream(u, v, window=8)),
                (nets[2], (stream(x, y, block=40, window=40),), stream(u, v, window=8)),
            )
        ]
    for one, other in zip(*histories[:2], strict=True):
        assert one.cost == other.cost
        same_evaluation(one.validation, other.validation)
    same_evaluation(histories[2][-1].validation, nets[2].evaluate(u, v, metrics=how["metrics"]))


def test_mini_batches_of_the_caller_have_a_validation_stream_too():
    (x, y), (u, v), net = samples(), samples(23), network()
    given = {"optimizer": bpx.SGD(0.1), "epochs": 1, "validation": stream(u, v, window=8)}
    (record,) = bpx.train(net, batches=[(x, y)], **given)
    same_evaluation(record.validation, net.evaluate(u, v))


def test_weights_of_validation_samples_come_with_their_stream():
    (x, y), (u, v), s = samples(), samples(23), np.random.default_rng(0).random(23)
    nets = [network() for _ in range(2)]
    held = (u, v, s), stream(u, v, sample_weight=s)
    ends = [
        net.fit(x, y, epochs=1, validation=each, **HOW)[-1]
        for net, each in zip(nets, held, strict=True)
    ]
    same_evaluation(ends[0].validation, ends[1].validation)


def test_early_stopping_and_callbacks_with_streams():
    (x, y), (u, v), seen = samples(), samples(23), []
    nets = [network() for _ in range(2)]
    rule = bpx.EarlyStopping(2, monitor="accuracy")
    how = {**HOW, "epochs": 30, "early_stopping": rule, "seed": 1}
    found = nets[0].fit(stream(x, y), validation=stream(u, v), callbacks=[seen.append], **how)
    expected = nets[1].fit(stream(x, y), validation=(u, v), **how)
    assert found.stopped == expected.stopped
    assert found.stopped.reason == "early_stopping"
    assert len(found) == len(seen) == len(expected) < 30
    np.testing.assert_array_equal(nets[0].weights[0], nets[1].weights[0])
    ended = network().fit(stream(x, y), epochs=9, callbacks=[lambda epoch: True], **HOW)
    assert (len(ended), ended.stopped.reason) == (1, "callback")


def test_bad_validation_streams_are_refused_before_training():
    (x, y), net = samples(), network()
    with pytest.raises(bpx.InputError, match=r"validation x has shape .*; expected \(n, 5\)"):
        net.fit(x, y, epochs=1, validation=stream(x[:, :4], y), **HOW)
    with pytest.raises(bpx.InputError, match="y is missing for ndarray"):
        net.fit(x, y, epochs=1, validation=stream(x, None), **HOW)
    with pytest.raises(bpx.InputError, match="monitor='accuracy' was given; with targets that"):
        net.fit(
            x, y, epochs=1, validation=stream(x, np.eye(3)[y] / 2),
            early_stopping=bpx.EarlyStopping(2, monitor="accuracy"), **HOW,
        )  # fmt: skip
    with pytest.raises(bpx.InputError, match=r"Stream; give validation=.*, or a stream of"):
        net.fit(stream(x, y), epochs=1, validation_split=0.2, **HOW)


def test_windows_move_aside_in_the_reading_thread_and_are_there_when_they_are_used(monkeypatch):
    """As on a GPU, where `aside` copies beside the steps, and waits for the copy at its end."""
    (x, y), net, log = samples(), network(), []
    plain = network()

    @contextmanager
    def aside(device):
        log.append(("in", threading.current_thread() is threading.main_thread()))
        yield
        log.append(("out", device))

    def pinned(device, shape, dtype):
        log.append(("pinned", shape[0]))
        return np.empty(shape, dtype)

    backend = net.home.backend
    how = {**HOW, "epochs": 2}
    plain.fit(stream(x, y), validation=stream(x, y), **how)
    monkeypatch.setattr(backend, "aside", aside, raising=False)
    monkeypatch.setattr(backend, "pinned", pinned, raising=False)
    net.fit(stream(x, y), validation=stream(x, y), **how)
    np.testing.assert_array_equal(net.weights[0], plain.weights[0])
    for compute in (net.evaluate, net.predict, net.classify):
        log.clear()
        compute(stream(x, y))
        moves = [each for each in log if each[0] != "pinned"]
        assert moves == [("in", False), ("out", net.home.device)] * 2
        of_x = 20 * x.shape[1] * 4 + PAGE
        assert {size for name, size in log if name == "pinned"} - {20} == {of_x}
