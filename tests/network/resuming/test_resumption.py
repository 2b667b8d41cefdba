"""A checkpoint must fit the network; if not, nothing changes."""

import pytest

import bpx
from bpx.network.resuming.opening import open_run
from bpx.network.resuming.resumption import read, tell_differences
from bpx.program.contract import leaves
from tests.network.resuming.cases import SETTINGS, cut_off
from tests.training.small import network, samples


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            lambda: bpx.Network([5, 6, 3]),
            r"it has the sizes \[5, 4, 3\], and this one \[5, 6, 3",
        ),
        (lambda: network(), r"it has the layers \['dense', 'dropout', 'dense'\], and this one"),
        (lambda: network(dropout=0.3), "its layers have other settings"),
        (
            lambda: network(dropout=0.2, hidden="relu"),
            r"the activations \['sigmoid', 'sigmoid'",
        ),
        (
            lambda: network(dropout=0.2, cost="binary_cross_entropy"),
            "it has the cost quadratic, and this one binary_cross_entropy",
        ),
        (
            lambda: network(dropout=0.2, feedback="fa"),
            "it has the feedback transpose, and this",
        ),
        (lambda: network(dropout=0.2, dtype="float64"), "the dtype float64, but .* in float32"),
    ],
)
def test_another_network_is_refused_by_name_and_nothing_changes(other, said, tmp_path):
    cut_off(13, tmp_path, every="3 steps")
    net = other()
    before, files = list(leaves(net.parameters)), sorted(tmp_path.rglob("*"))
    contents = [path.read_bytes() for path in files if path.is_file()]
    with pytest.raises(bpx.InputError, match=said):
        net.fit(*samples(), **SETTINGS, checkpoint=tmp_path, resume=True)
    assert all(a is b for a, b in zip(leaves(net.parameters), before, strict=True))
    assert [path.read_bytes() for path in files if path.is_file()] == contents


def test_parts_that_the_network_lacks_are_another_network(tmp_path):
    cubic = bpx.Elementwise("cubic", lambda z: z**3, lambda z, a: 3.0 * z * z)
    cut_off(5, tmp_path, net=network(hidden=cubic))
    with pytest.raises(bpx.InputError, match=r"another network: .* custom part 'cubic'"):
        network().fit(*samples(), **SETTINGS, checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize(
    "settings", [{"batch_size": 5}, {"optimizer": bpx.SGD(0.1)}, {"seed": 2}, {"lmbda": 0.0}]
)
def test_other_settings_change_nothing(settings, tmp_path):
    cut_off(13, tmp_path)
    net = network(dropout=0.2)
    before = list(leaves(net.parameters))
    with pytest.raises(bpx.InputError, match=f"{next(iter(settings))}="):
        net.fit(*samples(), **{**SETTINGS, **settings}, checkpoint=tmp_path, resume=True)
    assert all(a is b for a, b in zip(leaves(net.parameters), before, strict=True))


def test_what_is_read_is_what_was_written(tmp_path):
    net = network(dropout=0.2)
    net.fit(*samples(), **SETTINGS, checkpoint=tmp_path)
    opened = open_run(tmp_path, resume=True, begins=False)
    found = read(opened, net.spec, "float32")
    opened.close()
    assert (found.state["epoch"], found.saved.seed) == (3, 0)
    assert (found.saved.parameters.w[0] == net.weights[0]).all()
    assert {"optimizer.eta", "optimizer.m.w[0]", "randomness.step"} <= found.arrays.keys()
    assert (found.schema, found.mechanisms) == (None, ())


def test_another_machine_is_told(tmp_path, caplog):
    opened = open_run(tmp_path, resume=False, begins=True)
    now = {"backend": "numpy", "cores": 2, "versions": {"numpy": "2"}}
    tell_differences(opened, now, now)
    tell_differences(opened, {**now, "backend": "jax", "cores": 3}, now)
    assert caplog.text == ""
    tell_differences(opened, {**now, "cores": 3}, now)
    assert "was trained with cores 3, now 2: it continues with the same batches" in caplog.text
    opened.close()
