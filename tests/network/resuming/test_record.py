"""Records as lines of JSON and rows of CSV."""

import csv
import json
import math

import numpy as np
import pytest

import bpx
from bpx.network.resuming import record
from tests.training.small import SETTINGS, network, samples

PLAIN = bpx.Epoch(3, 0.1 + 0.2, None, None, 1.25, 3.5, {}, 0.01)


def epochs(**settings):
    return network().fit(*samples(), **{**SETTINGS, **settings})


@pytest.mark.parametrize(
    "epoch",
    [
        PLAIN,
        PLAIN._replace(accuracy=1 / 3, eta=(0.1, 0.2), cost=math.inf),
        PLAIN._replace(observed={"a": [1, 2.5, None], "b": (1,), "c": {"d": "e"}}, eta=None),
    ],
)
def test_a_record_comes_back_equal(epoch):
    text = record.line(epoch)
    assert text.count("\n") == 1
    json.loads(text, parse_constant=pytest.fail)  # strict JSON
    back = record.from_line(text)
    assert back == epoch
    assert back.observed == epoch.observed


def test_validation_metrics_and_health_come_back():
    settings = {"validation": samples(), "metrics": ["absolute_error"], "health": True}
    for epoch in epochs(**settings):
        back = record.from_line(record.line(epoch))
        assert back == epoch
        assert back.validation.metrics == epoch.validation.metrics
        assert type(back.health) is type(epoch.health)
        assert str(back.health) == str(epoch.health)


def test_privacy_spent_comes_back():
    from bpx.privacy import Mechanism
    from bpx.privacy.accounting import Spent

    spent = Spent(1e-5, "rdp", (Mechanism(1.1, 0.1, 30, True),), 0.25)
    epoch = PLAIN._replace(observed={"privacy": spent})
    assert record.from_line(record.line(epoch)).privacy == spent


def test_what_json_cannot_hold_is_left_out_and_named():
    epoch = PLAIN._replace(observed={"mine": object(), "ours": 1.0, "an": np.ones(2)})
    assert record.unsaved(epoch) == ["mine"]
    back = record.from_line(record.line(epoch)).observed
    assert sorted(back) == ["an", "ours"]
    np.testing.assert_array_equal(back["an"], np.ones(2))


def test_a_value_that_another_version_wrote_is_left_out():
    text = record.line(PLAIN).replace(
        '"observed": {}', '"observed": {"x": {"$value": "bpx.optim.gone.Gone", "fields": {}}}'
    )
    assert record.from_line(text).observed == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"epoch": 1}', "null"])
def test_what_is_no_line(text):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        record.from_line(text)


def test_rows_have_the_columns():
    settings = {"validation": samples(), "metrics": ["absolute_error"], "health": True}
    for history in (epochs(), epochs(**settings)):
        rows = [record.row(record.columns(history[0])), *map(record.row, history)]
        (first, *_) = table = list(csv.DictReader("".join(rows).splitlines()))
        assert len(table) == 3
        assert None not in first
        assert float(first["cost"]) == history[0].cost
        assert float(first["seconds"]) == history[0].seconds
        assert (first["validation_cost"] == "") == (history[0].validation is None)
    assert (
        float(first["validation_absolute_error"])
        == (history[0].validation.metrics["absolute_error"])
    )
    assert float(first["delta_1"]) == history[0].health.errors[0]


def test_a_matrix_has_no_column():
    matrix = bpx.to_host([[2.0, 0.0], [0.5, 10.0]])
    seen = bpx.Evaluation(0.5, 0.75, {"f1": 0.25, "confusion_matrix": matrix})
    epoch = bpx.Epoch(1, 0.125, None, seen, 2.0, 3.0, {}, 0.01)
    assert record.columns(epoch) == [*record.COLUMNS, "validation_f1"]
    assert record.row(epoch) == "1,0.125,,0.5,0.75,2.0,3.0,0.01,0.25\n"
    several = record.row(epoch._replace(eta=(0.1, 0.2)))
    assert several == "1,0.125,,0.5,0.75,2.0,3.0,,0.25\n"
    without = record.row(epoch._replace(validation=None))
    assert without == "1,0.125,,,,2.0,3.0,0.01\n"
