"""Where compiled kernels are kept, and what is fused into one."""

import pytest

from bpx.program.operation import Operation, Value, dtype_of
from bpx_backends.engines.numpy.kernels import FEW, fuses
from tests.engines.numpy.processes import needs_numba, run, train


@needs_numba
def test_the_next_process_finds_the_kernels_compiled(tmp_path):
    first, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    kept = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "kernels").rglob("*.nb*")}
    assert kept
    again, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    assert {f.name: f.stat().st_mtime_ns for f in (tmp_path / "kernels").rglob("*.nb*")} == kept
    assert again == first


@needs_numba
def test_without_a_place_for_the_kernels_they_are_compiled_in_memory(tmp_path):
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    without, with_numba = (run(BPX_NUMBA=w, BPX_CACHE=str(no_folder)) for w in ("off", "on"))
    (one, _), (other, _) = (each.stdout.split() for each in (without, with_numba))
    assert float(one) == pytest.approx(float(other), rel=1e-6)
    assert without.stderr == ""  # nothing was compiled
    assert with_numba.stderr.count("set BPX_CACHE to a folder that you can write to") == 1


@needs_numba
def test_a_kernel_file_that_was_changed_is_written_again(tmp_path):
    expected, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    texts = {file: file.read_text() for file in (tmp_path / "kernels").glob("*.py")}
    assert any("*" in text for text in texts.values())
    for file, text in texts.items():
        file.write_text(text.replace("*", "+"))
    assert train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))[0] == expected
    assert {file: file.read_text() for file in texts} == texts


@needs_numba
def test_a_damaged_file_of_numbas_is_told_of_and_replaced(tmp_path):
    expected, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    for file in (tmp_path / "kernels").rglob("*.nb*"):
        file.write_bytes(file.read_bytes()[:50] if file.suffix == ".nbc" else b"")
    for _ in range(2):
        assert train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))[0] == expected
    kept = list((tmp_path / "kernels").rglob("*.nbc"))
    assert kept
    assert all(len(file.read_bytes()) > 50 for file in kept)


@pytest.mark.parametrize(
    ("name", "size", "fused"),
    [
        ("add", 10**6, True),
        ("maximum", 10**6, True),
        ("tanh", 10**6, True),
        ("pow", FEW, True),
        ("pow", FEW + 1, False),  # NumPy computes several at a time
        ("sin", 1, False),  # no kernel's text has it
        ("matmul", 1, False),
    ],
)
def test_what_is_fused_is_what_numba_computes_as_fast(name, size, fused):
    x, y = (Value((1, size), dtype_of("float64")) for _ in range(2))
    assert fuses(Operation(name, (x, x)[: 1 + (name == "pow")], y)) == fused
