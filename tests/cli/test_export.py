"""``bpx export``: what it writes, what it says, and what it refuses."""

import os
from pathlib import Path

import pytest

import bpx
from bpx.cli import export
from tests.cli.invoked import ok, refused
from tests.export.onnx.runtime import agree, answers, cells

onnx = pytest.importorskip("onnx", reason="the exports need onnx")


def test_a_table_goes_through_the_file_as_through_bpx(trained):
    said = ok("export", trained, "model.onnx")
    assert said.splitlines() == [
        f"file     model.onnx: {os.path.getsize('model.onnx'):,} bytes",
        "opset    17",
        "inputs   a: float64 (n, 1)",
        "         b: float64 (n, 1)",
        "         c: float64 (n, 1)",
        "outputs  probabilities: float32 (n, 3)",
        "         label: int64 (n)",
    ]
    net, found = bpx.load(trained), bpx.data.read_table("blobs.csv")
    got = answers(onnx.load("model.onnx"), cells(net.schema, found))
    agree(got["probabilities"], net.predict(found))
    assert (got["label"] == net.classify(found)).all()


def test_an_opset_and_a_saved_network():
    bpx.Network([3, 4, 2], seed=0).save("net.safetensors")
    said = ok("export", "net.safetensors", "a.ONNX", "--opset", 21)
    assert "opset    21" in said
    assert "inputs   x: float32 (n, 3)" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "a.onnx"], "nowhere does not exist"),
        (["net.safetensors", "a.pb"], "a.pb was given to write to; expected a name that ends"),
        (["net.safetensors", "a"], "expected a name that ends in .onnx, .c"),
        (["net.safetensors", "no/a.onnx"], "no/a.onnx cannot be written"),
        (["net.safetensors", "a.onnx", "--opset", "5"], "--opset 5 was given; expected"),
    ],
)
def test_refusals(words, message):
    bpx.Network([3, 4, 2], seed=0).save("net.safetensors")
    assert message in refused("export", *words)


def test_an_option_of_another_format(monkeypatch):
    def write(network, path):
        Path(path).write_text("text")
        yield "sizes    3"

    monkeypatch.setitem(export.FORMATS, ".txt", export.Format(write))
    bpx.Network([3, 4, 2], seed=0).save("net.safetensors")
    said = ok("export", "net.safetensors", "a.txt")
    assert said.splitlines() == ["file     a.txt: 4 bytes", "sizes    3"]
    said = refused("export", "net.safetensors", "a.txt", "--opset", "20")
    assert "--opset 20 was given, which a .txt file does not have; omit it" in said


def test_c_with_its_training_step():
    bpx.Network([3, 4, 2], seed=0).save("net.safetensors")
    words = ["net.safetensors", "a.c", "--name", "tiny", "--batch-size", 5]
    said = ok("export", *words, "--training", "--optimizer", "sgd", "--eta", 0.25)
    assert said.splitlines() == [
        f"file     a.c: {os.path.getsize('a.c'):,} bytes",
        "functions  void tiny_predict(const float *x, float *y);",
        "           int tiny_class(const float *y);",
        "           void tiny_init(void);",
        "           float tiny_step(const float *x, const int32_t *labels);",
    ]
    text = Path("a.c").read_text()
    assert "0.25f" in text
    ok("export", *words)
    assert "tiny_step" not in Path("a.c").read_text()


def test_c_of_a_table_scales_the_targets_of_its_step():
    table = {"a": [1.0, 2.0, 4.0, 7.0], "y": [310.5, 420.0, 505.25, 733.0]}
    schema = bpx.data.Schema.fit(table, target="y")
    net = bpx.Network([1, 1], output="identity", schema=schema, seed=0)
    net.save("net.safetensors")
    said = ok("export", "net.safetensors", "a.c", "--training", "--optimizer", "sgd")
    assert "float model_target(double y);" in said


def test_the_help_says_what_training_needs():
    said = " ".join(ok("export", "--help").split())
    assert "write the training step, too; it needs --optimizer." in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--eta", "0.1"], "--eta 0.1 was given without --optimizer; omit it"),
        (["--optimizer", "adam"], "--optimizer adam was given without --training; pass both"),
        (["--training"], "--training was given without an optimizer; expected one, such as"),
        (["--name", "1x"], "--name 1x was given; expected a name in C"),
        (["--batch-size", "0"], "--batch-size 0 was given; expected a whole number"),
        (["--opset", "20"], "--opset 20 was given, which a .c file does not have"),
    ],
)
def test_refusals_in_c(words, message):
    bpx.Network([3, 4, 2], seed=0).save("net.safetensors")
    assert message in refused("export", "net.safetensors", "a.c", *words)
    assert not Path("a.c").exists()
