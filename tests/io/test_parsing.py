"""Parsing what a stranger wrote: deep nesting is refused like any other malformed text."""

import pytest

from bpx.io.parsing import MOST_LEVELS, parsed_json, parsed_toml

FAR = 90_000


def nested(levels):
    return "[" * levels + "]" * levels


def test_what_is_well_formed_is_read():
    assert parsed_json('{"a": [1, 2.5, null, NaN]}')["a"][:3] == [1, 2.5, None]
    assert parsed_json(b'"x"') == "x"
    assert parsed_toml("a = 1\n[b]\nc = [{d = 2}]\n") == {"a": 1, "b": {"c": [{"d": 2}]}}


def test_what_takes_many_times_its_size_is_a_value_error():
    assert len(parsed_json("[" + "[]," * 99_000 + "1]")) == 99_001
    with pytest.raises(ValueError, match="more than 100,000 lists and objects"):
        parsed_json("[" + "[]," * 100_000 + "1]")
    with pytest.raises(ValueError, match="longer than 1 MiB"):
        parsed_toml("# \n" * 2**19)
    with pytest.raises(ValueError, match="more than 3,000 dots"):
        parsed_toml("a." * 20_000 + "a = 1")


def test_many_brackets_in_a_long_text_are_no_matter():
    assert len(parsed_json("[" + '"[interval, a name)",' * 150_000 + "1]")) == 150_001


@pytest.mark.parametrize("text", ["", "{", "[1,]", "9" * 5000, b"\xff\xfe\x00"])
def test_malformed_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parsed_json(text)


@pytest.mark.parametrize("text", ["a", "a = ", "a = 1\na = 2", "a = 1979-13-41"])
def test_malformed_toml_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parsed_toml(text)


def test_as_deep_as_it_may_be():
    assert parsed_json(nested(MOST_LEVELS))
    assert parsed_toml(f"a = {nested(MOST_LEVELS - 1)}")


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 500, 3000, FAR])
def test_deeper_is_a_value_error(levels):
    with pytest.raises(ValueError, match="nested more than 100 levels deep"):
        parsed_json(nested(levels))


@pytest.mark.parametrize(
    "text",
    [
        f"a = {nested(MOST_LEVELS)}",
        f"a = {nested(FAR)}",
        "a = " + "{b=" * FAR,
        "a." * 500 + "a = 1",
        "[" + "a." * 500 + "a]",
    ],
    ids=["lists", "far", "tables", "dotted", "header"],
)
def test_deeper_toml_is_a_value_error(text):
    with pytest.raises(ValueError, match="nested more than 100 levels deep"):
        parsed_toml(text)
