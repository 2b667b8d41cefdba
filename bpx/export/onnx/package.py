"""The package onnx, which only exports and imports of ONNX need."""

from typing import Any

from bpx.errors import BackendError

__all__ = ["package"]


def package() -> Any:
    """Return the module onnx.

    Raises
    ------
    BackendError
        If it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise BackendError(
            f"ONNX models need onnx, which cannot be imported ({error}); install it with: "
            "pip install 'onnx>=1.18'"
        ) from error
    return onnx
