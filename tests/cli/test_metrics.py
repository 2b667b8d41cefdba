"""``--metrics``: in the output, in the history, and names that are none."""

import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

import bpx
from bpx.cli import metrics
from tests.cli.invoked import history, ok, refused, settings


def test_evaluate_prints_them(trained, blobs):
    said = ok("evaluate", trained, blobs, "--metrics", "f1_macro,confusion_matrix")
    lines = said.splitlines()
    at = lines.index("confusion_matrix: classes in rows, answers in columns")
    (f1,) = (line.split() for line in lines if line.startswith("f1_macro"))
    net = bpx.load(f"{trained}/model.safetensors")
    table = bpx.data.read_table(blobs)
    found = net.evaluate(table, metrics=["f1_macro", "confusion_matrix"]).metrics
    assert float(f1[1]) == pytest.approx(found["f1_macro"], rel=1e-3)
    rows = [line.split() for line in lines[at + 1 : at + 4]]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert [[float(x) for x in row[1:]] for row in rows] == found["confusion_matrix"].tolist()


def test_training_writes_a_column_for_each_number(blobs):
    words = ["--epochs", 2, "--seed", 1, "--out", "run"]
    said = ok("train", blobs, *words, "--metrics", "brier, confusion_matrix,f1_micro")
    rows = history("run")
    assert {"validation_brier", "validation_f1_micro"} <= set(rows[0])
    assert "validation_confusion_matrix" not in rows[0]
    assert float(rows[1]["validation_f1_micro"]) == pytest.approx(
        float(rows[1]["validation_accuracy"])
    )
    assert "brier 0." in said
    assert settings("run")["metrics"] == ["brier", "confusion_matrix", "f1_micro"]
    assert "--metrics brier,confusion_matrix,f1_micro" in settings("run")["command"]


def test_health_keeps_its_columns_behind(blobs):
    ok("train", blobs, "--epochs", 1, "--out", "run", "--metrics", "log_loss", "--health")
    names = list(history("run")[0])
    place = names.index("validation_log_loss")
    assert names[place - 1] == "eta"
    assert float(history("run")[0]["validation_log_loss"]) > 0.0
    assert len(names) > place + 1


def test_names_that_are_none(trained, blobs):
    said = refused("evaluate", trained, blobs, "--metrics", "f1_makro")
    assert "there is no metric 'f1_makro' (did you mean 'f1_macro'?)" in said
    assert "bpx.metrics" not in said
    said = refused("evaluate", trained, blobs, "--metrics", "f1")
    assert "'f1' is for two classes, but the network has 3; use f1_macro" in said


def test_they_need_validation_samples(blobs):
    words = ["--metrics", "brier", "--validation-fraction", 0, "--out", "run"]
    said = refused("train", blobs, *words)
    assert "--metrics brier was given without validation samples" in said


def test_lines_and_words():
    matrix = bpx.to_host([[2.0, 0.0], [0.5, 10.0]])
    result = bpx.Evaluation(0.5, 0.75, {"f1": 0.5, "confusion_matrix": matrix})
    assert metrics.lines(result, ["no", "yes"]) == [
        "f1                0.5000",
        "confusion_matrix: classes in rows, answers in columns",
        "  no     2    0",
        "  yes  0.5   10",
    ]
    assert metrics.words(result) == ["f1 0.5000"]
