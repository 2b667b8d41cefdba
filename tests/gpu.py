"""The option ``--gpu``, for a run that is meant for a GPU: what is skipped there has failed.

Without it a test of a GPU is skipped, with the reason, where its library or its device cannot
be had, and a run on a machine whose CuPy is broken would be green.
"""

from pathlib import Path

__all__ = ["add_option", "failed_module", "failed_test"]

MARK = "pytest.mark.gpu"


def add_option(parser):
    parser.addoption(
        "--gpu",
        action="store_true",
        help="fail where a test of a GPU is skipped: for a machine that has one",
    )


def failed_test(item, report):
    """Turn the skip of a test that is marked ``gpu`` into a failure."""
    if _asked(item.config) and report.skipped and "gpu" in item.keywords:
        _fail(report)


def failed_module(collector, report):
    """The same of a file with such tests, which is skipped as a whole."""
    path = getattr(collector, "path", None)
    if not (_asked(collector.config) and report.skipped and isinstance(path, Path)):
        return
    if path.is_file() and MARK in path.read_text(encoding="utf-8"):
        _fail(report)


def _asked(config):
    return config.getoption("gpu", default=False)


def _fail(report):
    reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    report.outcome = "failed"
    report.longrepr = f"skipped, and --gpu was given: {reason}"
