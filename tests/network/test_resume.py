"""`resume` and ``fit(..., resume=True)``: what was cut off ends as if it had not been."""

import json
import signal
import tomllib

import numpy as np
import pytest
from safetensors import safe_open

import bpx
from bpx.io.runs import Content, Run
from bpx.training import chunks
from tests.backends import Target, flags, host
from tests.network.resuming.cases import SETTINGS, cut_off, same_records, same_state
from tests.network.test_trainer import KINDS, OPTIMIZERS, targets
from tests.training.small import network, samples

EVERY = ["1 epoch", "3 steps", "0.0001 s"]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(chunks, "SUM_STEPS", 4)


def undisturbed(target=Target.NUMPY, data=None, **settings):
    settings = {**SETTINGS, "compile": target.value.compile, **settings}
    return bpx.train(network(target, dropout=0.2), data or samples(), **settings)


@pytest.mark.parametrize("every", EVERY)
def test_a_run_that_is_cut_off_ends_with_the_same_bits(target, every, tmp_path):
    with flags(target):
        expected = undisturbed(target, validation=samples(12))
        history = expected.finish()
        for moment in (0, 4, 13, 25):
            folder = tmp_path / str(moment)
            cut_off(moment, folder, target, validation=samples(12), every=every)
            resumed = bpx.resume(folder, samples(), validation=samples(12))
            found = resumed.finish()
            same_records(found, history)
            assert found.seed == history.seed
            same_state(resumed, expected)


def test_fit_begins_and_continues_with_the_same_line(tmp_path):
    expected = network(dropout=0.2).fit(*samples(), **SETTINGS)
    cut_off(13, tmp_path / "run", every="5 steps")
    net = bpx.Network([5, 4, 3], dropout=0.2)  # of another seed
    for _ in range(2):  # the second time, there is nothing left to do
        found = net.fit(*samples(), **SETTINGS, checkpoint=tmp_path / "run", resume=True)
        same_records(found, expected)
    begun = network(dropout=0.2)
    found = begun.fit(*samples(), **SETTINGS, checkpoint=tmp_path / "new", resume=True)
    same_records(found, expected)
    for w, v in zip(net.weights, begun.weights, strict=True):
        np.testing.assert_array_equal(w, v)
    assert (net.seed, begun.seed) == (0, 0)
    for folder in ("run", "new"):
        loaded = bpx.load(tmp_path / folder / "model.safetensors")
        np.testing.assert_array_equal(loaded.weights[0], net.weights[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_rule_and_kind_of_network(kind, optimizer, tmp_path):
    data = samples()[0], targets(kind)
    settings = {**SETTINGS, "optimizer": OPTIMIZERS[optimizer]}
    whole = bpx.train(network(**KINDS[kind]), data, **settings)
    history = whole.finish()
    net = network(**KINDS[kind])
    cut_off(17, tmp_path, net=net, data=data, optimizer=OPTIMIZERS[optimizer], every="2 steps")
    resumed = bpx.resume(tmp_path, data)
    same_records(resumed.finish(), history)
    same_state(resumed, whole)


def test_a_run_may_go_on_for_longer(tmp_path):
    expected = undisturbed(epochs=5)
    history = expected.finish()
    network(dropout=0.2).fit(*samples(), **SETTINGS, checkpoint=tmp_path)
    resumed = bpx.resume(tmp_path, samples(), epochs=5)
    same_records(resumed.finish(), history)
    same_state(resumed, expected)
    with pytest.raises(bpx.InputError, match=r"epochs=2 was given, but .* already finished 5"):
        bpx.resume(tmp_path, samples(), epochs=2)


def test_another_backend_continues_with_the_same_batches_and_masks(target, tmp_path):
    expected = undisturbed().finish()
    cut_off(13, tmp_path, every="2 steps")
    with flags(target):
        resumed = bpx.resume(tmp_path, samples(), backend=target.spec)
        found = resumed.finish()
    assert resumed.network.home.backend.name == target.spec.partition(":")[0]
    assert [each.cost for each in found] == pytest.approx([e.cost for e in expected], rel=1e-5)


def test_labels_of_a_batch_that_is_weighted_and_without_shuffle(tmp_path):
    weights = {0: 2.0, 1: 0.5}
    settings = {"class_weight": weights, "shuffle": False, "drop_last": True, "batch_size": 7}
    given = np.linspace(0.0, 1.0, 40)
    expected = undisturbed(**settings, sample_weight=given)
    history = expected.finish()
    cut_off(8, tmp_path, every="2 steps", **settings, sample_weight=given)
    resumed = bpx.resume(tmp_path, samples(), sample_weight=given)
    same_records(resumed.finish(), history)
    same_state(resumed, expected)


def test_health_metrics_and_observers_are_continued(tmp_path):
    class Count:
        """Counts its epochs, which it must not forget."""

        name = "count"

        def __init__(self):
            self.epochs, self.kept = 0, []

        def __call__(self, state, data, epoch):
            self.epochs += 1
            self.kept.append(float(host(state.parameters.w[0])[0, 0]))
            return self.epochs

        def saved(self):
            return {"epochs": self.epochs, "kept": tuple(self.kept)}

        def restore(self, value):
            self.epochs, self.kept = value["epochs"], list(value["kept"])

    settings = {"health": True, "validation": samples(12), "metrics": ["absolute_error"]}
    first, left, last = Count(), Count(), Count()
    history = undisturbed(**settings, observers=[first]).finish()
    cut_off(25, tmp_path, **settings, observers=[left], every="3 steps")
    resumed = bpx.resume(tmp_path, samples(), validation=samples(12), observers=[last])
    same_records(resumed.finish(), history)
    assert (last.epochs, last.kept) == (3, first.kept)
    with pytest.raises(bpx.InputError, match=r"observers=\[\] .* with observers \['count'\]"):
        bpx.resume(tmp_path, samples(), validation=samples(12))


def own_rule(updates, state, parameters):
    return bpx.optim.mapped(lambda g: -0.1 * bpx.namespace(g).sign(g), updates), state


def test_parts_and_rules_of_your_own_are_passed_anew(tmp_path):
    cubic = bpx.Elementwise("cubic", lambda z: z**3, lambda z, a: 3.0 * z * z)
    rule = bpx.optim.Transformation(lambda parameters: (), own_rule)
    top = bpx.metrics.top_k(2)
    settings = {"optimizer": rule, "validation": samples(12), "metrics": [top]}
    whole = bpx.train(network(hidden=cubic), samples(), **{**SETTINGS, **settings})
    history = whole.finish()
    cut_off(13, tmp_path, net=network(hidden=cubic), every="3 steps", **settings)
    data = {"data": samples(), "validation": samples(12)}
    mine = {"custom": {"cubic": cubic}, "optimizer": rule, "metrics": [top]}
    for lacking, said in (
        ("custom", r"the custom part 'cubic'; pass custom=\{'cubic': \.\.\.\}$"),
        ("optimizer", "with optimizer of your own, .*; pass optimizer=... to resume"),
        ("metrics", "the metric 'top_2', which is not built in; pass metrics"),
    ):
        given = {name: value for name, value in mine.items() if name != lacking}
        with pytest.raises(bpx.InputError, match=said):
            bpx.resume(tmp_path, **data, **given)
    other = bpx.optim.chain(rule, bpx.optim.Transformation(lambda p: p, own_rule))
    with pytest.raises(bpx.InputError, match="only one of the two has"):
        bpx.resume(tmp_path, **data, **{**mine, "optimizer": other})
    resumed = bpx.resume(tmp_path, **data, **mine)
    same_records(resumed.finish(), history)
    same_state(resumed, whole)


def test_private_training_continues_with_what_it_has_spent(tmp_path):
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    private = bpx.privacy.DPSGD(noise_multiplier=1.1, delta=1e-3, seed=5, accountant="rdp")
    settings = {"privacy": private, "seed": None}
    expected = undisturbed(**settings)
    history = expected.finish()
    cut_off(25, tmp_path, **settings)
    resumed = bpx.resume(tmp_path, samples())
    assert resumed.network.mechanisms[0].steps == 10 * resumed.state.epochs > 0
    found = resumed.finish()
    assert [each.privacy._replace(seconds=0.0) for each in found] == [
        each.privacy._replace(seconds=0.0) for each in history
    ]
    same_state(resumed, expected)
    assert resumed.network.mechanisms == expected.network.mechanisms
    assert found.seed is None
    with pytest.raises(
        bpx.InputError, match="privacy, whose samples and noise cannot be drawn"
    ):
        network().fit(
            *samples(), **{**SETTINGS, **settings}, checkpoint=tmp_path / "x", every="3 steps"
        )
    assert not (tmp_path / "x").exists()


def of_table():
    """A table, and what makes a network for it."""
    rng = np.random.default_rng(0)
    table = {"a": rng.random(40), "b": rng.random(40), "kind": np.array(["x", "y"] * 20)}
    schema = bpx.data.Schema.fit(table, target="kind")

    def net():
        parts = {"output": "softmax", "cost": "cross_entropy"}
        return bpx.Network([2, 4, 2], **parts, seed=0, schema=schema)

    return table, net


def test_a_table_continues_by_the_schema_in_the_file(tmp_path):
    table, net = of_table()
    whole = bpx.train(net(), table, **SETTINGS)
    history = whole.finish()
    cut_off(13, tmp_path, net=net(), data=table, every="3 steps")
    resumed = bpx.resume(tmp_path, table)
    same_records(resumed.finish(), history)
    same_state(resumed, whole)
    assert resumed.network.classify(table)[0] in ("x", "y")


def test_a_schema_that_differs_is_refused_by_name_and_nothing_changes(tmp_path):
    rng = np.random.default_rng(0)
    table = {"a": rng.random(40), "b": rng.random(40), "kind": np.array(["x", "y"] * 20)}
    given = {"task": None, "target": "kind"}
    schemas = [
        bpx.data.Schema.fit(table, **given, scaling=each, unseen=unseen)
        for each, unseen in (("standard", "ignore"), ("none", "ignore"), ("standard", "refuse"))
    ]
    nets = [
        bpx.Network([2, 4, 2], output="softmax", cost="cross_entropy", seed=0, schema=schema)
        for schema in schemas
    ]
    cut_off(13, tmp_path, net=nets[0], data=table, every="3 steps")
    for net in nets[1:]:
        before, schema = net.parameters, net.schema
        with pytest.raises(bpx.InputError, match="the network has another schema than"):
            net.fit(table, **SETTINGS, checkpoint=tmp_path, resume=True)
        assert (net.parameters, net.schema) == (before, schema)
    assert len(nets[0].fit(table, **SETTINGS, checkpoint=tmp_path, resume=True)) == 3


def test_a_state_that_is_set_after_it_is_continued_is_what_a_signal_keeps(tmp_path):
    """The place within the epoch belongs to the state that it was continued from."""
    other = undisturbed()
    next(other)
    cut_off(13, tmp_path, every="3 steps")
    resumed = bpx.resume(tmp_path, samples())
    other.eta = 0.01
    resumed.state = other.state
    resumed._loop.keeper._signals.install()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(bpx.Preempted, match="and a checkpoint was written"):
        next(resumed)
    again = bpx.resume(tmp_path, samples())
    assert (again.state.epochs, again.eta) == (1, 0.01)
    again.finish()
    list(other)
    same_state(again, other)


def test_divergence_leaves_what_an_undisturbed_run_leaves(tmp_path):
    x, y = samples()
    settings = {"optimizer": bpx.SGD(1.2), "epochs": 200, "batch_size": 8}
    parts = {"hidden": "identity", "output": "identity"}
    nets = [network(**parts) for _ in range(2)]
    data, errors = (x, np.eye(3)[y]), []
    with pytest.raises(bpx.DivergenceError) as error:
        nets[0].fit(*data, **{**SETTINGS, **settings})
    errors.append(error.value)
    steps = 5 * (error.value.epoch - 1) + error.value.step
    assert error.value.epoch > 1
    assert error.value.step > 2
    cut_off(steps - 2, tmp_path, net=nets[1], data=data, every="1 step", **settings)
    resumed = bpx.resume(tmp_path, data)
    with pytest.raises(bpx.DivergenceError) as error:
        resumed.finish()
    assert str(error.value) == str(errors[0])
    np.testing.assert_array_equal(resumed.network.weights[0], nets[0].weights[0])


def test_what_a_loop_does_between_epochs_is_in_the_checkpoint(tmp_path):
    def run(training):
        for epoch in training:
            training.eta = 0.05 / (epoch.number + 1)
        return training

    whole = run(undisturbed())
    settings = {**SETTINGS, "progress": None, "checkpoint": tmp_path}
    training = bpx.train(network(dropout=0.2), samples(), **settings)
    for epoch in training:
        training.eta = 0.05 / (epoch.number + 1)
        if epoch.number == 2:
            break
    training.close()  # before it writes the checkpoint of epoch 2
    resumed = bpx.resume(tmp_path, samples())
    assert resumed.state.epochs == 1
    same_state(run(resumed), whole)


def test_a_folder_that_holds_nothing_to_continue(tmp_path):
    with pytest.raises(
        bpx.InputError, match="run does not exist; expected the folder of a run"
    ):
        bpx.resume(tmp_path / "run", samples())
    (tmp_path / "run").mkdir()
    with pytest.raises(bpx.InputError, match="run has no checkpoint; expected"):
        bpx.resume(tmp_path / "run", samples())
    cut_off(13, tmp_path / "other")
    with pytest.raises(
        bpx.InputError, match=r"data is missing; expected \(x, y\), or a stream$"
    ):
        bpx.resume(tmp_path / "other", None)
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_costs_time_alone(name, tmp_path, caplog):
    expected = undisturbed()
    history = expected.finish()
    cut_off(25, tmp_path, every="3 steps")
    newest = max((tmp_path / "checkpoints").iterdir())
    content = (newest / name).read_bytes()
    (newest / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    resumed = bpx.resume(tmp_path, samples(), every="3 steps")
    assert f"{newest} is not used: {name} is damaged" in caplog.text
    same_records(resumed.finish(), history)
    same_state(resumed, expected)
    caplog.clear()
    assert bpx.resume(tmp_path, samples()).finish().epochs == resumed.records
    assert caplog.text == ""


def stops_after(number):
    return lambda epoch: epoch.number == number


@pytest.mark.parametrize("moment", [4, 12, 21])
def test_a_callback_that_asked_to_stop_is_remembered(tmp_path, moment):
    """Whether the run is cut off before, within or at the end of the last epoch."""
    settings = {"callbacks": [stops_after(2)], "validation": samples(12)}
    whole = undisturbed(**settings)
    history = whole.finish()
    assert history.stopped == ("callback", 2, 2)
    if moment > 20:
        given = {**SETTINGS, **settings, "checkpoint": tmp_path}
        network(dropout=0.2).fit(*samples(), **given)
    else:
        cut_off(moment, tmp_path, every="3 steps", **settings)
    given = {"validation": samples(12)}
    if moment < 20:
        given["callbacks"] = settings["callbacks"]
    resumed = bpx.resume(tmp_path, samples(), **given)
    found = resumed.finish()
    assert found.stopped == history.stopped
    same_records(found, history)
    same_state(resumed, whole)
    longer = bpx.resume(tmp_path, samples(), **given, epochs=4)
    if moment > 20:  # more epochs are asked for, so it goes on
        assert len(longer.finish()) == 4
    longer.close()


@pytest.mark.parametrize("rule", [3, bpx.EarlyStopping(3, warmup=1), "accuracy"])
def test_early_stopping_is_continued_and_its_best_weights_are_no_text(tmp_path, rule):
    if rule == "accuracy":
        rule = bpx.EarlyStopping(3, monitor="accuracy", restore_best=False)
    settings = {
        "optimizer": bpx.SGD(3.0, momentum=0.9), "epochs": 40, "early_stopping": rule,
        "validation_split": 0.3, "accumulate": 2,
    }  # fmt: skip
    whole = undisturbed(**settings)
    history = whole.finish()
    assert history.stopped.reason == "early_stopping"
    chunks_of_an_epoch = 7
    moment = (history.stopped.epoch - 1) * chunks_of_an_epoch
    cut_off(moment, tmp_path, every="3 steps", **settings)
    newest = max((tmp_path / "checkpoints").iterdir())
    state = json.loads((newest / "state.json").read_text())
    best = state["observers"]["early_stopping"]["best"]
    with safe_open(newest / "optimizer.safetensors", framework="numpy") as file:
        kept = [name for name in file.keys() if name.startswith("observers.")]  # noqa: SIM118
    if isinstance(rule, int) or rule.restore_best:
        assert best["parameters"] == [{"$kept": name} for name in sorted(kept)]
        assert len(kept) == 4
    else:
        assert (best["parameters"], kept) == ([], [])
    resumed = bpx.resume(tmp_path, samples())
    found = resumed.finish()
    same_records(found, history)
    assert found.stopped == history.stopped
    same_state(resumed, whole)
    again = bpx.resume(tmp_path, samples())
    assert again.finish().stopped == history.stopped
    same_state(again, whole)


def test_a_rule_of_early_stopping_must_be_the_same(tmp_path):
    settings = {**SETTINGS, "validation_split": 0.3, "checkpoint": tmp_path, "resume": True}
    network().fit(*samples(), early_stopping=bpx.EarlyStopping(3), **settings)
    with pytest.raises(bpx.InputError, match=r"was trained with early_stopping Early.*ence=3"):
        network().fit(*samples(), early_stopping=bpx.EarlyStopping(4), **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": bpx.Adam(bpx.optim.reduce_on_plateau(0.1, patience=1, factor=0.3))},
        {"optimizer": bpx.optim.chain(bpx.Adam(0.05), bpx.optim.average_parameters(0.9))},
        {"accumulate": 3, "validation_split": 0.25, "class_weight": "balanced"},
    ],
    ids=["plateau", "averages", "chunks"],
)
@pytest.mark.parametrize("moment", [13, 25])
def test_what_follows_the_epochs_is_continued(tmp_path, settings, moment):
    settings = {**settings, "epochs": 5}
    whole = undisturbed(**settings)
    history = whole.finish()
    cut_off(moment, tmp_path, every="2 steps", **settings)
    resumed = bpx.resume(tmp_path, samples())
    same_records(resumed.finish(), history)
    same_state(resumed, whole)
    pairs = zip(resumed.network.weights, whole.network.weights, strict=True)
    for w, v in pairs:
        np.testing.assert_array_equal(w, v)


def test_numbers_of_numpy_are_the_same_settings(tmp_path):
    numpys = {
        "batch_size": np.int64(4), "lmbda": np.float64(0.5), "seed": np.int32(1),
        "optimizer": bpx.Adam(np.float64(0.05)), "epochs": np.int64(3),
        "shuffle": np.bool_(True),
    }  # fmt: skip
    expected = network().fit(*samples(), **SETTINGS)
    network().fit(*samples(), **numpys, checkpoint=tmp_path)
    assert tomllib.loads((tmp_path / "run.toml").read_text())["training"]["lmbda"] == 0.5
    same_records(bpx.resume(tmp_path, samples()).finish(), expected)
    again = network().fit(*samples(), **SETTINGS, checkpoint=tmp_path, resume=True)
    same_records(again, expected)


def test_names_of_numpy_are_the_same_classes(tmp_path):
    table, net = of_table()
    weights = dict.fromkeys(table["kind"][:1], 2.0)
    net().fit(table, **SETTINGS, class_weight=weights, checkpoint=tmp_path)
    assert len(bpx.resume(tmp_path, table).finish()) == 3
    given = {"class_weight": {"x": 2.0}, "checkpoint": tmp_path, "resume": True}
    assert len(net().fit(table, **SETTINGS, **given)) == 3


@pytest.mark.parametrize("lacking", ["samples", "observer", "restore"])
def test_what_is_refused_changes_nothing(tmp_path, lacking):
    class Own:
        name = "own"

        def __call__(self, state, data, epoch):
            return 1

        def saved(self):
            return [1]

        def restore(self, value):
            if lacking == "restore":
                raise ValueError("mine")

    cut_off(13, tmp_path, every="3 steps", observers=[Own()])
    net, (x, y) = bpx.Network([5, 4, 3], dropout=0.2, seed=5), samples()
    before, data = net.parameters, (x + 1.0 if lacking == "samples" else x, y)
    observers = [] if lacking == "observer" else [Own()]
    with pytest.raises(ValueError, match=r"x has other values|observers=\[\] was given|mine"):
        net.fit(*data, **SETTINGS, checkpoint=tmp_path, resume=True, observers=observers)
    assert net.parameters is before
    assert net.seed == 5


def test_a_name_that_is_taken_leaves_the_folder_open(tmp_path):
    class Taken:
        name = "callbacks"

        def __call__(self, state, data, epoch):
            return None

    network().fit(*samples(), **SETTINGS, checkpoint=tmp_path)
    with pytest.raises(bpx.InputError, match="named 'callbacks', a name that bpx") as kept:
        bpx.resume(tmp_path, samples(), observers=[Taken()])
    assert kept.value.__traceback__  # which holds what the call held
    assert len(bpx.resume(tmp_path, samples()).finish()) == 3


def test_callbacks_that_are_not_given_again_are_told(tmp_path, caplog):
    seen = []
    net, settings = network(), {**SETTINGS, "checkpoint": tmp_path}
    net.fit(*samples(), callbacks=[seen.append, bpx.CSVLog(tmp_path / "a.csv")], **settings)
    bpx.resume(tmp_path, samples(), callbacks=[seen.append], epochs=4).finish()
    assert len(seen) == 4
    assert caplog.text == ""
    bpx.resume(tmp_path, samples(), epochs=5).finish()
    assert "was trained with callbacks (append), and continues without any" in caplog.text
    caplog.clear()
    bpx.resume(tmp_path, samples(), epochs=6).finish()
    assert caplog.text == ""


def test_a_history_that_was_lost_once_is_told_once(tmp_path, caplog):
    network(dropout=0.2).fit(*samples(), **SETTINGS, checkpoint=tmp_path)
    (tmp_path / "history.jsonl").unlink()
    bpx.resume(tmp_path, samples(), epochs=4).finish()
    assert caplog.text.count("history.jsonl is missing: it has 0 of 3 epochs") == 1
    caplog.clear()
    for epochs in (5, 6):
        found = bpx.resume(tmp_path, samples(), epochs=epochs).finish()
    assert [each.number for each in found] == [4, 5, 6]
    assert caplog.text == ""
    assert not list(tmp_path.glob("*damaged-2*"))


def kept(folder):
    return len(list((folder / "checkpoints").iterdir()))


def test_a_run_keeps_its_interval_and_its_checkpoints(tmp_path):
    cut_off(21, tmp_path, every="2 steps", keep=9, epochs=6)
    assert kept(tmp_path) == 9
    run = Run(tmp_path)
    bpx.resume(tmp_path, samples()).finish()
    assert kept(tmp_path) >= 9
    state = run.read(max(run.numbers()))
    assert (state["every"], state["keep"]) == ("2 steps", 9)
    assert run.read(max(run.numbers()) - 1)["step"] > 0
    bpx.resume(tmp_path, samples(), epochs=8, keep=2, every="1 epoch").finish()
    assert kept(tmp_path) <= 3
    assert run.read(max(run.numbers()) - 1)["step"] == 0
    network(dropout=0.2).fit(
        *samples(), **{**SETTINGS, "epochs": 12}, checkpoint=tmp_path, resume=True
    )
    assert kept(tmp_path) <= 3


def test_a_run_of_an_earlier_version_has_the_usual_interval(tmp_path):
    cut_off(13, tmp_path, every="3 steps", keep=9)
    run = Run(tmp_path)
    newest = max(run.numbers())
    state = run.read(newest)
    del state["every"], state["keep"]
    files = [
        (run.place(newest) / name).read_bytes()
        for name in ("model.safetensors", "optimizer.safetensors")
    ]
    run.write(newest + 1, Content(*files, state))
    assert len(bpx.resume(tmp_path, samples()).finish()) == 3
    assert kept(tmp_path) <= 4


def test_a_setting_of_a_later_version_is_named(tmp_path):
    cut_off(13, tmp_path, every="3 steps")
    run = Run(tmp_path)
    state = run.read(max(run.numbers()))
    state["settings"]["momentous"] = 1
    place = run.place(max(run.numbers()))
    files = [
        (place / name).read_bytes() for name in ("model.safetensors", "optimizer.safetensors")
    ]
    run.write(max(run.numbers()) + 1, Content(*files, state))
    with pytest.raises(
        bpx.FileFormatError, match="the setting 'momentous', which this version"
    ):
        bpx.resume(tmp_path, samples())


@pytest.mark.parametrize("given", ["no", None, 2])
def test_whether_to_resume_is_true_or_false(tmp_path, given):
    with pytest.raises(bpx.InputError, match=f"resume={given!r} was given; expected True or"):
        network().fit(*samples(), **SETTINGS, checkpoint=tmp_path, resume=given)
    assert list(tmp_path.iterdir()) == []


def test_a_loop_that_changes_the_folder_of_the_process_loses_no_checkpoint(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    for _ in bpx.train(network(), samples(), **SETTINGS, checkpoint="run"):
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(bpx.resume(tmp_path / "run", samples()).records) == 3
