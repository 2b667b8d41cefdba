"""What TensorBoard reads of a training."""

import struct
import subprocess
import sys
import threading

import numpy as np
import pytest

import bpx
from tests.training.small import SETTINGS, network, samples
from tests.training.test_rows import epoch

TENSORBOARD = "tensorboardX"


@pytest.fixture
def events():
    pytest.importorskip(TENSORBOARD, reason="tensorboardX is not installed")
    from tensorboardX.proto.event_pb2 import Event

    def read(folder):
        found = []
        for path in sorted(folder.glob("events*")):
            data, at = path.read_bytes(), 0
            while at < len(data):  # a length, its checksum, the event, and its checksum
                (length,) = struct.unpack_from("<Q", data, at)
                event = Event.FromString(data[at + 12 : at + 12 + length])
                found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
                at += 16 + length
        return found

    return read


def test_each_number_is_a_scalar_by_the_epoch(tmp_path, events):
    x, y = samples()
    log = bpx.TensorBoard(tmp_path / "run")
    history = network().fit(x, y, validation=(x, y), callbacks=[log], **SETTINGS)
    found = events(tmp_path / "run")
    costs = [(step, value) for tag, step, value in found if tag == "validation_cost"]
    expected = [(each.number, np.float32(each.validation.cost)) for each in history]
    assert costs == expected
    assert {tag for tag, *_ in found} == {
        "cost", "accuracy", "validation_cost", "validation_accuracy", "seconds",
        "samples_per_second", "eta",
    }  # fmt: skip


def test_values_that_do_not_apply_are_not_written(tmp_path, events):
    x, _ = samples()
    network().fit(x, x[:, :3], callbacks=[bpx.TensorBoard(tmp_path)], **SETTINGS)
    assert "accuracy" not in {tag for tag, *_ in events(tmp_path)}


def test_it_is_closed_by_an_error_and_can_go_on(tmp_path, events):
    def fail(epoch):
        if epoch.number == 2:
            raise ZeroDivisionError

    log = bpx.TensorBoard(tmp_path)
    training = bpx.train(network(), samples(), callbacks=[log, fail], **SETTINGS)
    with pytest.raises(ZeroDivisionError):
        list(training)
    assert "_EventLoggerThread" not in {type(each).__name__ for each in threading.enumerate()}
    assert [step for tag, step, _ in events(tmp_path) if tag == "cost"] == [1, 2]
    list(training)
    assert sorted(step for tag, step, _ in events(tmp_path) if tag == "cost") == [1, 2, 3]
    log.close()


def test_a_place_that_is_no_folder_is_refused_before_any_training(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "run"):
        with pytest.raises(bpx.InputError, match="file is a file; expected a folder"):
            bpx.TensorBoard(place)
    with pytest.raises(bpx.InputError, match="None was given as a path; expected a text"):
        bpx.TensorBoard(None)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    pytest.importorskip(TENSORBOARD, reason="tensorboardX is not installed")
    log = bpx.TensorBoard(tmp_path / "run")
    (tmp_path / "run").write_text("mine")
    with pytest.raises(bpx.InputError, match="run cannot be written: Not a directory"):
        log(epoch())


def test_without_the_package_the_error_has_the_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, TENSORBOARD, None)
    with pytest.raises(
        bpx.InputError, match=r"install it with: pip install 'tensorboardX>=2.6'"
    ):
        bpx.TensorBoard(tmp_path)


def test_the_package_is_not_imported_before():
    asked = f"print({TENSORBOARD!r} in sys.modules)"
    code = f"import sys; sys.path[:] = {sys.path!r}; import bpx; {asked}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.strip() == "False", ran.stderr
