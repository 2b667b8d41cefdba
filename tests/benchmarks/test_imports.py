"""What the imports cost, module by module."""

from benchmarks import imports


def test_imports_prints_both_and_the_largest_modules(capsys):
    imports.main(["--repeats", "1", "--modules"])
    printed = capsys.readouterr().out
    assert "| import bpx |" in printed
    assert "| module | ms by itself |" in printed


def test_importtime_is_read():
    lines = (
        "import time: self [us] | cumulative | imported package\nimport time: 1500 | 2000 | a.b"
    )
    assert imports.parse(lines) == [imports.Module("a.b", 1.5)]
