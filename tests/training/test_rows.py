"""A record as a row: its names, their order, and what is left out."""

import json
from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.model.evaluate import Evaluation
from bpx.training.rows import COLUMNS, row
from tests.training.small import SETTINGS, network, samples


class Pair(NamedTuple):
    left: float
    words: str


def epoch(**changed):
    record = bpx.Epoch(3, 0.5, None, None, 2.0, 100.0, {}, 0.1)
    return record._replace(**changed)


def test_the_first_names_are_always_there():
    found = row(epoch())
    assert tuple(found)[: len(COLUMNS)] == COLUMNS
    assert found == {
        "epoch": 3, "cost": 0.5, "accuracy": None, "validation_cost": None,
        "validation_accuracy": None, "seconds": 2.0, "samples_per_second": 100.0, "eta": 0.1,
    }  # fmt: skip


def test_metrics_and_rates_follow():
    seen = epoch(validation=Evaluation(0.7, 0.25, {"top_5": 0.9}), eta=(0.1, 0.2))
    found = row(seen)
    assert list(found)[len(COLUMNS) :] == ["validation_top_5", "eta_1", "eta_2"]
    assert (found["validation_cost"], found["validation_accuracy"]) == (0.7, 0.25)
    assert (found["validation_top_5"], found["eta_2"]) == (0.9, 0.2)
    assert row(epoch(eta=None))["eta"] is None


def test_of_what_observers_say_numbers_alone_are_told():
    observed = {
        "count": 3, "flag": True, "array": np.ones(2), "one": np.float32(0.5),
        "word": "no", "pair": Pair(1.5, "left out"), "by": {"a": 1, "b": {"c": 2.0, "d": [3]}},
    }  # fmt: skip
    found = row(epoch(observed=observed))
    assert list(found)[len(COLUMNS) + 1 :] == [
        "count", "flag", "one", "pair_left", "by_a", "by_b_c",
    ]  # fmt: skip
    assert (found["one"], found["by_b_c"]) == (0.5, 2.0)
    json.dumps(found)


def test_a_record_of_training_has_a_row():
    x, y = samples()
    seen = network().fit(x, y, validation=(x, y), metrics=["absolute_error"], **SETTINGS)[-1]
    found = row(seen)
    assert found["validation_absolute_error"] == seen.validation.metrics["absolute_error"]
    assert found["validation_accuracy"] == seen.validation.accuracy
    assert found["eta"] == 0.5


def test_health_is_told_by_layers():
    x, y = samples()
    seen = network().fit(x, y, health=True, **SETTINGS)[-1]
    found, health = row(seen), seen.health
    parts = ("delta", "saturated", "dead", "update")
    names = [f"health_{part}_{i}" for part in parts for i in (1, 2)]
    assert list(found)[len(COLUMNS) + 1 :] == names
    assert (found["health_delta_1"], found["health_delta_2"]) == health.errors
    assert (found["health_update_1"], found["health_update_2"]) == health.updates
    assert found["health_dead_1"] == len(health.dead[0])
    relu = network(hidden="relu").fit(x, y, health=True, **SETTINGS)[-1]
    told = [relu.health.saturated[0], row(relu).get("health_saturated_1")]
    assert told[0] == told[1]


def test_privacy_is_told_by_epsilon():
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    private = bpx.privacy.DPSGD(clip=1.0, noise_multiplier=1.0, accountant="rdp")
    settings = {**SETTINGS, "seed": None, "epochs": 1, "privacy": private}
    (seen,) = network().fit(*samples(), **settings)
    found = row(seen)
    assert list(found)[len(COLUMNS) + 1 :] == ["privacy_epsilon", "privacy_delta"]
    assert found["privacy_epsilon"] == seen.privacy.epsilon
