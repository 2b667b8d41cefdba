"""The whole file: what it says, and that it compiles from other files too."""

import shutil
import subprocess

import pytest

import bpx
from tools.c_programs import STRICT

NET = bpx.Network([4, 8, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=0)


def compiled(folder, *words):
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_what_it_says_of_itself():
    text = NET.to_c(name="tiny")
    assert f"tiny: the network 4-8-3 in float32, written by bpx {bpx.__version__}." in text
    weights = 4 * (8 * 4 + 8 + 3 * 8 + 3)
    assert f"Constants take\n   {weights:,} bytes, scratch memory 44." in text
    assert "tiny_state" not in text


def test_what_it_says_of_training():
    text = NET.to_c(training=True, optimizer=bpx.Adam(), batch_size=2)
    state = 3 * 268 + 4 * 5  # w and b, m and v, and five numbers
    assert f"and the state {state:,}." in text
    assert "float model_step(const float *x, const int32_t *labels);" in text
    assert "#define model_eta (model_state.optimizer_eta[0])" in text


def test_a_schedule_has_no_eta():
    rate = bpx.optim.warmup_cosine(0.1, warmup=3, steps=20)
    text = NET.to_c(training=True, optimizer=bpx.SGD(rate), batch_size=2)
    assert "#define model_eta" not in text


def test_numbers_as_targets():
    net = bpx.Network([2, 3, 1], output="identity", seed=0, dtype="float64")
    text = net.to_c(training=True, optimizer=bpx.SGD(0.1))
    assert "y holds a number for each sample" in " ".join(text.split())
    assert "double model_step(const double *x, const double *y);" in text
    several = bpx.Network([2, 3, 2], output="identity", seed=0)
    text = several.to_c(training=True, optimizer=bpx.SGD(0.1), targets="numbers")
    assert "float model_step(const float *x, const float *y);" in text


@pytest.mark.usefixtures("gcc")
def test_weights_that_no_answer_needs_are_not_in_it(tmp_path):
    # A compiler would say so, and warnings are errors.
    net = bpx.Network([4, 8, 3], feedback="dfa", dropout=0.5, seed=0)
    net.to_c(tmp_path / "a.c")
    compiled(tmp_path, "gcc", *STRICT, "-c", "a.c")


@pytest.mark.usefixtures("gcc")
def test_declarations_alone(tmp_path):
    NET.to_c(tmp_path / "a.c", training=True, optimizer=bpx.Adam(), batch_size=2)
    (tmp_path / "b.c").write_text(
        "#define MODEL_DECLARATIONS\n"
        '#include "a.c"\n'
        '#include "a.c"\n'
        "#include <stdio.h>\n"
        "int main(void) {\n"
        "    static float x[8], y[6];\n"
        "    model_init();\n"
        "    model_eta = 0.5f;\n"
        "    model_predict(x, y);\n"
        '    printf("%.1f", (double)model_state.optimizer_eta[0]);\n'
        "    return 0;\n"
        "}\n"
    )
    compiled(tmp_path, "gcc", *STRICT, "a.c", "b.c", "-o", "b", "-lm")
    assert compiled(tmp_path, "./b") == "0.5"


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_declarations_are_those_of_cpp_too(tmp_path):
    NET.to_c(tmp_path / "a.c", training=True, optimizer=bpx.Adam(), batch_size=2)
    (tmp_path / "b.cpp").write_text(
        '#define MODEL_DECLARATIONS\n#include "a.c"\n'
        "int main() { model_init(); return model_state.optimizer_t[0] > 0.0f; }\n"
    )
    compiled(tmp_path, "gcc", *STRICT, "-c", "a.c")
    compiled(tmp_path, "g++", "-Wall", "-Wextra", "-Werror", "b.cpp", "a.o", "-o", "b", "-lm")
    compiled(tmp_path, "./b")


@pytest.mark.usefixtures("gcc")
def test_two_networks_in_one_program(tmp_path):
    other = bpx.Network([4, 3], seed=1)
    NET.to_c(tmp_path / "a.c", name="one", training=True, optimizer=bpx.Adam(), batch_size=4)
    other.to_c(
        tmp_path / "b.c", name="two", training=True, optimizer=bpx.SGD(0.1), batch_size=4
    )
    (tmp_path / "c.c").write_text('#include "a.c"\n#include "b.c"\n')
    compiled(tmp_path, "gcc", *STRICT, "-c", "c.c")
