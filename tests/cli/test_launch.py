"""``bpx launch``: its words."""

from tests.cli.invoked import ok, refused


def test_its_help_shows_how():
    said = ok("launch", "--help")
    assert "bpx launch -n 4 -- train mnist" in said


def test_numbers_that_make_no_sense():
    assert "-n" in refused("launch", "--", "train", "digits", code=2)
    assert "x>=1" in refused("launch", "-n", 0, "--", "train", "digits", code=2)
    assert "x>=0" in refused("launch", "-n", 2, "--restarts", -1, "train", "x", code=2)


def test_what_it_runs():
    said = refused("launch", "-n", 2, "--", "trane", "digits")
    assert "'trane' is no command that bpx launch runs; expected one of check," in said
    assert "'tune' is no command" in refused("launch", "-n", 2, "--", "tune", "search.toml")
    assert "launch," not in said.partition("expected one of")[2]
