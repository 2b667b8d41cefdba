"""The struct of a training step, and its first values."""

import numpy as np
import pytest

from bpx.export.c.state import constants, fields, initialised, structure

NAMED = [
    ("parameters.w[0]", np.array([[0.5, -1.0]], np.float32)),
    ("optimizer.parts[1].m.w[0]", np.zeros((1, 2), np.float32)),
    ("optimizer.eta", np.array([0.25], np.float32)),
    ("feedback[0]", np.ones((2, 2), np.float32)),
    ("randomness.step", np.zeros(1, np.int32)),
]


@pytest.fixture
def found():
    return fields(NAMED)


def test_names_count_from_1(found):
    assert [each.name for each in found] == [
        "w1", "optimizer_parts2_m_w1", "optimizer_eta", "feedback1", "randomness_step"
    ]  # fmt: skip


def test_equal_places_get_other_names():
    x = np.zeros(1, np.float32)
    assert [f.name for f in fields([("a.b", x), ("a_b", x)])] == ["a_b", "a_b_2"]
    assert fields([("parameters.state", x)])[0].name == "state_2"
    assert fields([("parameters.target", x)])[0].name == "target_2"


def test_the_struct(found):
    lines = list(structure("m", found))
    assert lines[0] == "extern struct m_state {"
    assert lines[1] == "    float w1[2]; /* parameters.w[0], 1 x 2 */"
    assert lines[-1] == "} m_state;"
    assert "    int32_t randomness_step[1]; /* randomness.step, 1 */" in lines


def test_the_first_values(found):
    assert list(initialised("m", found)) == [
        "memset(&m_state, 0, sizeof m_state);",
        "memcpy(m_state.w1, m_w1, sizeof m_state.w1);",
        "m_state.optimizer_eta[0] = 0.25f;",
        "for (size_t i = 0; i < 4; ++i) {",
        "    m_state.feedback1[i] = 1.0f;",
        "}",
    ]


def test_zeros_keep_their_signs():
    signs = [np.array(each, np.float32) for each in ([-0.0], [0.0, -0.0], [0.0, 0.0])]
    assert list(initialised("m", fields(zip("abc", signs, strict=True)))) == [
        "memset(&m_state, 0, sizeof m_state);",
        "m_state.a[0] = (-0.0f);",
        "memcpy(m_state.b, m_b, sizeof m_state.b);",
    ]


def test_constants(found):
    assert list(constants("m", found[:1])) == [
        "/* parameters.w[0], 1 x 2 */",
        "static const float m_w1[2] = {",
        "    0.5f, -1.0f",
        "};",
    ]
