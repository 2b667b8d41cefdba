"""The bytes of files: what is no model, and what is small but would be large in memory."""

from contextlib import suppress

import pytest

import bpx

pytest.importorskip("onnx", reason="the imports need onnx")

from bpx.interop.onnx.wire import FIELDS, MESSAGES, parsed


def test_a_whole_file():
    model = bpx.Network([3, 4, 2], seed=0).to_onnx()
    assert parsed(model.SerializeToString(), "m.onnx") == model


def test_every_truncated_file_is_refused():
    """Once it ends behind the opset: without what bpx says of the network."""
    net = bpx.Network([3, 2], seed=0)
    content = net.to_onnx().SerializeToString()
    read = []
    for end in range(len(content)):
        with suppress(bpx.FileFormatError):
            read.append(bpx.from_onnx(content[:end]))
    assert [(each.weights[0] == net.weights[0]).all() for each in read] == [True]


def field(number, content):
    """A field of protobuf that holds bytes."""
    size = len(content)
    return (
        bytes([number << 3 | 2, size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content
    )


GRAPH = field(7, field(5, field(7, b"\x01" * (FIELDS + 1))))[1:]
"""An array of so many integers, in one list."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x0b", "a field of the unknown type 3"),
        (b"\x08", "a number goes beyond its end"),
        (b"\x08" + b"\xff" * 11, "a number goes beyond its end"),
        (b"\x3a\x05\x0a", "a field goes beyond its end"),
        (b"\x3a\xff\xff\xff\xff\x0f", "a field goes beyond its end"),
        (b"hello, world", "a field"),
        (b"\x3a\x02\x0a\x00" * (MESSAGES // 2 + 1), "more than 100,000 parts"),
        (b"\x3a\x82\x80\x80\x00" + b"\x0a\x00", "the model has the opsets"),
        (b"\x3a" + GRAPH, "fields or integers in lists"),
        (b"\x08\x01" * (FIELDS + 1), "or 1,000,000 fields or integers"),
    ],
)
def test_no_model(content, message):
    with pytest.raises(bpx.FileFormatError, match=message):
        bpx.from_onnx(parsed(content, "m.onnx"))
