"""Checkpoints: whole, or refused by name."""

import json

import pytest

import bpx
from bpx.io.runs import Content, Run

FILES = ["model.safetensors", "optimizer.safetensors", "state.json"]
CONTENT = Content(b"model" * 100, b"rest" * 100, {"epoch": 3, "cost": 0.1, "run": "a"})


@pytest.fixture
def run(tmp_path):
    found = Run(tmp_path / "run")
    found.make()
    found.write(7, CONTENT)
    return found


def test_one_is_read_as_it_was_written(run):
    assert run.read(7) == {"format": 2, "epoch": 3, "cost": 0.1, "run": "a"}
    assert sorted(each.name for each in run.place(7).iterdir()) == FILES
    assert (run.place(7) / FILES[0]).read_bytes() == CONTENT.model
    assert (run.place(7) / FILES[1]).read_bytes() == CONTENT.optimizer


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_one_that_is_cut_short_is_refused(run, name, share):
    path = run.place(7) / name
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(bpx.FileFormatError, match=f"{name} is damaged"):
        run.read(7)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.02, 0.25, 0.5, 0.75, 0.97])
def test_one_with_a_flipped_bit_is_refused(run, name, share):
    path = run.place(7) / name
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 4
    path.write_bytes(content)
    with pytest.raises(bpx.FileFormatError, match="is damaged"):
        run.read(7)


@pytest.mark.parametrize("name", FILES)
def test_one_that_lacks_a_file_is_refused(run, name):
    (run.place(7) / name).unlink()
    with pytest.raises(bpx.FileFormatError, match=f"{name} cannot be read"):
        run.read(7)


def test_one_of_another_version_is_refused(run):
    run.write(8, CONTENT._replace(state={**CONTENT.state, "format": 3}))
    with pytest.raises(bpx.FileFormatError, match=r"the format 3 of another .* reads 1 and 2"):
        run.read(8)
    run.write(9, CONTENT._replace(state={**CONTENT.state, "format": 1}))
    assert run.read(9)["format"] == 1


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '{"sha256": 3}', '{"sha256": {}}'])
def test_what_is_no_state_is_refused(run, text):
    (run.place(7) / "state.json").write_text(text)
    with pytest.raises(bpx.FileFormatError, match=r"state.json is damaged"):
        run.read(7)


def test_they_are_listed_from_the_newest_on_and_nothing_else_is(run):
    for number in (8, 1_000_000, 12):
        run.write(number, CONTENT)
    (run.checkpoints / ".000009.1-a.bpx-part").mkdir()
    (run.checkpoints / "notes").mkdir()
    assert run.numbers() == [1_000_000, 12, 8, 7]
    run.remove(12)
    run.sweep()
    assert run.numbers() == [1_000_000, 8, 7]
    assert not list(run.checkpoints.glob(".*"))


def test_a_state_is_plain_json(run):
    text = (run.place(7) / "state.json").read_text()
    assert set(json.loads(text)["sha256"]) == set(FILES)
