"""The bytes of an ONNX file, which may come from a stranger, as a ModelProto.

A file of protobuf may hold millions of empty messages, of two bytes each, that take a hundred
in memory. So the fields are counted before anything is made of them.
"""

from dataclasses import dataclass
from typing import Any

from bpx.errors import FileFormatError
from bpx.export.onnx.package import package

__all__ = ["FIELDS", "MESSAGES", "parsed"]

MESSAGES = 100_000
"""The most messages that a file may have: nodes, attributes, arrays, ..."""
FIELDS = 1_000_000
"""The most fields, and the most integers in lists, each of which may be a byte in the file."""
_INTEGERS = (1, 2, 3, 4, 7, 8)
"""The numbers that protobuf has for the types of integers, booleans and enumerations."""
_TEXT = 9
"""The number that it has for texts; Python gets one that is not UTF-8 as bytes."""


def parsed(content: bytes, label: str) -> Any:
    """Return the model that a file holds.

    Raises
    ------
    FileFormatError
        If it is truncated, no model, or larger in memory than its size suggests.
    """
    onnx = package()
    from google.protobuf.message import DecodeError

    _check(memoryview(content), onnx.ModelProto.DESCRIPTOR, label)
    try:
        return onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise FileFormatError(_no_model(label, str(error))) from error


def _no_model(label: str, why: str) -> str:
    return f"{label} is truncated or no ONNX model ({why}); expected a file such as model.onnx"


def _check(content: memoryview, descriptor: Any, label: str) -> None:
    """Go through all messages, without recursion, and count what they hold."""
    pending, counts = [(0, len(content), descriptor)], _Counts()
    while pending:
        at, end, kind = pending.pop()
        while at < end:
            key, at = _varint(content, at, end, label)
            first, at = _value(content, at, end, key & 7, label)
            field = kind.fields_by_number.get(key >> 3)
            counts.fields += 1
            if field is not None and key & 7 == 2:
                if field.message_type is not None:
                    pending.append((first, at, field.message_type))
                    counts.messages += 1
                elif field.cpp_type in _INTEGERS:
                    counts.integers += at - first
                elif field.type == _TEXT:
                    _check_text(content[first:at], label)
            counts.check(label)


def _check_text(content: memoryview, label: str) -> None:
    try:
        str(content, "utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(_no_model(label, f"a name is no text: {error}")) from error


@dataclass
class _Counts:
    """What a file holds so far."""

    messages: int = 0
    fields: int = 0
    integers: int = 0

    def check(self, label: str) -> None:
        if self.messages > MESSAGES or self.fields > FIELDS or self.integers > FIELDS:
            raise FileFormatError(
                f"{label} has more than {MESSAGES:,} parts, or {FIELDS:,} fields or integers "
                "in lists; expected a model of layers that bpx has"
            )


def _value(content: memoryview, at: int, end: int, wire: int, label: str) -> tuple[int, int]:
    """Return where the value of a field begins and ends."""
    if wire == 0:
        after = _varint(content, at, end, label)[1]
    elif wire == 2:
        size, at = _varint(content, at, end, label)
        after = at + size
    elif wire in (1, 5):
        after = at + (8 if wire == 1 else 4)
    else:
        raise FileFormatError(_no_model(label, f"a field of the unknown type {wire}"))
    if after > end:
        raise FileFormatError(_no_model(label, "a field goes beyond its end"))
    return at, after


def _varint(content: memoryview, at: int, end: int, label: str) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at + place >= end:
            break
        byte = content[at + place]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at + place + 1
    raise FileFormatError(_no_model(label, "a number goes beyond its end"))
