"""Networks out of ONNX models."""
