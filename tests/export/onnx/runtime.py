"""onnxruntime, which runs what bpx exports."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the exports need onnx")
ort = pytest.importorskip("onnxruntime", reason="it runs what is exported")


def answers(model, inputs):
    """What the runtime answers, by the names of the outputs."""
    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found = session.run(None, inputs)
    return dict(zip([each.name for each in session.get_outputs()], found, strict=True))


def cells(schema, table):
    """The columns of a table as the inputs of its model, (n, 1) each."""
    fed = {}
    for feature in schema.features:
        column = table[feature.name]
        values = np.array(column.texts(), object) if feature.levels else column.values
        fed[feature.name] = values[:, None]
    return fed


def agree(found, expected, tolerance=1e-5):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    scale = max(1.0, np.abs(expected).max())
    assert np.abs(found - expected).max() <= tolerance * scale
