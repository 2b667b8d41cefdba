"""Where the text of compiled modules is kept, and what is said where it cannot be."""

import logging

import pytest

from bpx_backends.engines.numpy import compiling
from bpx_backends.engines.numpy.compiling import loaded
from tests.engines.numpy.processes import needs_numba


@pytest.mark.parametrize("cache", ["file", "file/below"])
def test_a_place_for_the_kernels_that_cannot_be_written_is_told_of_once(
    tmp_path, monkeypatch, caplog, cache
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BPX_CACHE", str(tmp_path / cache))
    monkeypatch.setattr(compiling, "_without_cache", set())
    with caplog.at_level(logging.WARNING, "bpx"):
        made = [loaded(f"def kernel():\n    return {i}\n").kernel for i in (1, 2)]
    assert [kernel() for kernel in made] == [1, 2]
    (said,) = caplog.messages
    assert str(tmp_path / cache / "kernels") in said
    assert "every process compiles them again" in said


@needs_numba
def test_machine_code_is_taken_from_a_folder_that_is_only_read(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("BPX_CACHE", str(tmp_path))
    made = '@numba.njit("int64(int64)", cache=True)'
    head = f"import numba\n\n{made}\ndef kernel(x):\n    return "
    assert loaded(head + "2 * x\n").kernel(21) == 42
    before = {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*")}
    monkeypatch.setattr(compiling.os, "access", lambda path, mode: False)
    monkeypatch.setattr(compiling, "_without_cache", set())
    again = loaded(head + "2 * x\n").kernel
    assert again(21) == 42
    assert sum(again.stats.cache_hits.values()) == 1
    assert not caplog.messages
    assert loaded(head + "3 * x\n").kernel(21) == 63  # which is not there
    assert "every process compiles them again" in caplog.text
    assert {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*")} == before


def test_a_module_is_kept_and_one_that_fails_is_made_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("BPX_CACHE", str(tmp_path))
    text = (
        "import os\n\nif os.environ.get('BROKEN') and '<' not in __name__:\n    raise OSError\n"
    )
    first = loaded(text)
    (kept,) = (tmp_path / "kernels").glob("*.py")
    assert kept.read_text() == text
    assert first.__file__ == str(kept)
    broken = text.replace("'<' not in __name__", "'__file__' in globals()")
    monkeypatch.setenv("BROKEN", "1")
    with caplog.at_level(logging.WARNING, "bpx"):
        again = loaded(broken)
    assert not hasattr(again, "__file__")
    assert "kernels are compiled again" in caplog.text
