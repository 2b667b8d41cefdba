"""The arguments of `train`, before a run's folder is touched or after it is opened."""

import inspect
from dataclasses import fields

import pytest

import bpx
from bpx.network.prepare import Arguments, prepare
from tests.training.small import SETTINGS, network, samples


def test_the_arguments_are_those_of_train_with_the_same_defaults():
    parameters = inspect.signature(bpx.train).parameters
    rest = {"network", "data", "checkpoint", "every", "keep", "resume"}
    assert {each.name for each in fields(Arguments)} == parameters.keys() - rest
    required = {"epochs", "batch_size", "optimizer"}
    for each in fields(Arguments):
        if each.name not in required:
            assert each.default == parameters[each.name].default


def test_fit_takes_the_same_except_for_streams():
    taken = {"self", "x", "y"} | (inspect.signature(bpx.train).parameters.keys() - {"network"})
    streams = {"data", "batches", "steps_per_epoch", "penalty"}
    assert inspect.signature(bpx.Network.fit).parameters.keys() == taken - streams


@pytest.mark.parametrize("name", ["every", "keep", "resume"])
def test_what_belongs_to_a_folder_needs_one(name):
    value = {"every": "1 epoch", "keep": 3, "resume": True}[name]
    with pytest.raises(bpx.InputError, match=f"{name} was given without checkpoint"):
        network().fit(*samples(), **SETTINGS, **{name: value})


def test_a_stream_has_no_folder(tmp_path):
    with pytest.raises(
        bpx.InputError, match=r"bpx cannot rewind a stream; save training.state"
    ):
        bpx.train(
            network(),
            batches=[samples()],
            epochs=1,
            optimizer=bpx.SGD(0.1),
            checkpoint=tmp_path,
        )
    assert list(tmp_path.iterdir()) == []


def test_an_argument_that_cannot_be_used_leaves_the_folder_free(tmp_path):
    for _ in range(2):
        settings = {**SETTINGS, "batch_size": 0, "checkpoint": tmp_path}
        with pytest.raises(bpx.InputError, match="batch_size=0 was given"):
            network().fit(*samples(), **settings)
    network().fit(*samples(), **SETTINGS, checkpoint=tmp_path)


def test_it_trains():
    training = prepare(network(), samples(), Arguments(**SETTINGS))
    assert len(training.finish()) == SETTINGS["epochs"]
