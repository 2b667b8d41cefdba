"""A test file for each module, named alike, in a folder named alike.

``bpx/<folder>/<name>.py`` has ``tests/<folder>/test_<name>.py``. What is in
``backends/bpx_backends``, each library and the engines, has its tests in ``tests/engines``, but
the ranks have theirs in ``tests/ranked``. The
modules of ``benchmarks`` may have such a file.
"""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tools.mirror import mirror

TESTS = Path(__file__).parent
ROOT = TESTS.parent
OF_NO_MODULE = ("__init__", "__main__", "_typing")

EXEMPT = {
    "backends/bpx_backends/engines/cuda/contract.py": "protocols alone: nothing to run",
}
"""Modules without a file of their own, and why."""

ACROSS = {
    "advice/test_at_the_prompt.py",
    "advice/test_in_python.py",
    "cli/test_process.py",
    "cli/test_small_tables.py",
    "extending/test_layer.py",
    "extending/test_parts.py",
    "costs/test_in_networks.py",
    "engines/cuda/test_on_gpu.py",
    "engines/cuda/test_steps.py",
    "engines/test_compiled.py",
    "engines/test_engines.py",
    "engines/test_random_steps.py",
    "engines/test_stacks.py",
    "inspect/curvature/test_by_differences.py",
    "interop/sklearn/test_checks.py",
    "interop/sklearn/test_ecosystem.py",
    "interop/sklearn/test_their_tests.py",
    "network/test_resumed_ranks.py",
    "network/test_resumed_streams.py",
    "privacy/test_training.py",
    "training/test_averages.py",
    "test_blocks.py",
    "test_book.py",
    "test_bytes.py",
    "test_c_page.py",
    "test_c_trials.py",
    "test_columns_in_networks.py",
    "test_docs.py",
    "test_empty.py",
    "test_faults.py",
    "test_examples.py",
    "test_feedback_in_networks.py",
    "test_fuzz.py",
    "test_golden.py",
    "test_gpu_option.py",
    "test_gradients.py",
    "test_growth.py",
    "test_guide.py",
    "test_house.py",
    "test_isolation.py",
    "test_kill.py",
    "test_layers_in_networks.py",
    "test_leading_axis.py",
    "test_makefile.py",
    "test_mirror.py",
    "test_mistakes.py",
    "test_mutate.py",
    "test_own_rules.py",
    "test_portability.py",
    "test_printed.py",
    "test_release.py",
    "test_residual_in_networks.py",
    "test_whose_memory.py",
    "test_xla.py",
    "test_ranges.py",
    "test_reprs.py",
    "test_sample_weights.py",
    "test_typed.py",
    "test_unbiased.py",
}
"""Suites that cut across."""


def modules(folder):
    return sorted(
        path for path in (ROOT / folder).rglob("*.py") if path.stem not in OF_NO_MODULE
    )


def file_of(module):
    return mirror(module.relative_to(ROOT))


def defines(path, prefix=""):
    """Whether a file has a function, or a class, whose name begins so."""
    kinds = ast.FunctionDef | ast.ClassDef
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, kinds) and node.name.startswith(prefix) for node in nodes)


OURS = [*modules("bpx"), *modules("backends/bpx_backends")]
PACKAGES = [path.parent for path in (ROOT / "benchmarks").rglob("*/__init__.py")]
MIRRORS = {file_of(module) for module in (*OURS, *modules("benchmarks"), *PACKAGES)}
SUITES = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}


def test_every_module_has_its_file():
    missing = {
        module.relative_to(ROOT).as_posix(): file_of(module)
        for module in OURS
        if defines(module) and file_of(module) not in SUITES
    }
    assert {name: file for name, file in missing.items() if name not in EXEMPT} == {}
    assert sorted(EXEMPT.keys() - missing.keys()) == []  # a reason that is none any more


def test_no_two_modules_have_the_same_file():
    assert [file for file, n in Counter(map(file_of, OURS)).items() if n > 1] == []


def test_every_suite_is_of_a_module_or_cuts_across():
    assert sorted(SUITES - MIRRORS - ACROSS) == []
    assert sorted(ACROSS & MIRRORS) == []
    assert sorted(ACROSS - SUITES) == []


def test_every_suite_has_tests():
    assert [suite for suite in sorted(SUITES) if not defines(TESTS / suite, "test_")] == []


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("bpx/pairs.py", "test_pairs.py"),
        ("bpx/_files.py", "test_files.py"),
        ("bpx/data/readers/csv.py", "data/readers/test_csv.py"),
        ("backends/bpx_backends/_numpy.py", "engines/test_numpy.py"),
        ("backends/bpx_backends/engines/cuda/rows.py", "engines/cuda/test_rows.py"),
        ("benchmarks/book.py", "benchmarks/test_book.py"),
    ],
)
def test_what_is_named_alike(module, file):
    assert mirror(Path(module)) == file
