"""``bpx evaluate``: of a table by name, of arrays by place."""

import pytest

pytest.importorskip("click", reason="the command line is an extra")

from tests.cli.invoked import ok, refused


def test_the_target_is_the_networks_own(trained, blobs):
    judged = ok("evaluate", trained, blobs)
    assert ok("evaluate", trained, blobs, "--target", "kind") == judged
    said = refused("evaluate", trained, blobs, "--target", "a")
    assert "--target a was given, but the network was trained on the target 'kind'" in said


def test_a_table_by_another_layout(trained, blobs):
    judged = ok("evaluate", trained, blobs)
    with open(blobs, encoding="utf-8") as file:
        lines = file.read().replace(".", "!").replace(",", ";").replace("!", ",")
    with open("other.csv", "w", encoding="utf-8") as file:
        file.write(lines)
    assert ok("evaluate", trained, "other.csv").splitlines()[1:] == judged.splitlines()[1:]
    words = ["other.csv", "--delimiter", ";", "--decimal", ","]
    assert ok("evaluate", trained, *words).splitlines()[1:] == judged.splitlines()[1:]


def test_a_table_without_a_header_is_refused_where_names_are_known(trained, blobs):
    with open(blobs, encoding="utf-8") as file, open("bare.csv", "w", encoding="utf-8") as to:
        to.writelines(file.readlines()[1:])
    assert "lacks the columns" in refused("evaluate", trained, "bare.csv")
    said = refused("evaluate", trained, "bare.csv", "--no-header")
    assert "has no header, but the network finds its columns by name" in said


def test_arrays_are_judged_as_they_stand(blobs):
    ok("train", "blobs.npz", "--epochs", 2, "--out", "arrays")
    assert "blobs.npz: 90 samples" in ok("evaluate", "arrays", "blobs.npz")
