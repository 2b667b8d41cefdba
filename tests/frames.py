"""Rows of pandas with columns of every kind, and networks of such tables as ONNX models."""

import numpy as np
import onnxruntime
import pandas as pd

import bpx


def session_of_the_page():
    """A model with the columns of the network on docs/export.md."""
    table = {"size": [1.0, 2.0], "town": ["Ely", "Bath"], "sold": ["no", "yes"]}
    return _session(_network(table, "sold", cost="cross_entropy"))


def of_all_kinds():
    """A DataFrame with missing cells, a network of it, and the network's model."""
    days = pd.date_range("2024-02-28 06:00", periods=40, freq="37h")
    rows = pd.DataFrame(
        {
            "size": pd.Series(range(40), dtype="Int64").mask(lambda n: n % 7 == 3),
            "town": [" Bath", "Ely", None, "Ely "] * 10,
            "kind": pd.Categorical(["flat", None] * 20),
            "new": pd.Series([True, None, False, True] * 10, dtype=object),
            "day": days.where(days.day != 5),
            "price": np.arange(40.0),
        }
    )
    net = _network(rows, "price", output="identity")
    return rows, net, _session(net)


def with_a_time_zone(rows):
    """The same times, as another place writes them."""
    return rows.assign(day=rows["day"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))


def _network(table, target, **settings):
    schema = bpx.data.Schema.fit(table, target=target)
    return bpx.Network([schema.width, 5, 1], schema=schema, seed=0, **settings)


def _session(net):
    return onnxruntime.InferenceSession(net.to_onnx().SerializeToString())
