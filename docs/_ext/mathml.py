"""Mathematics as MathML, which browsers draw without a script or a network."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

_PRIME = re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msup>")
_SLASH = re.compile(r"<mo>(/|&#x0002F;)</mo>")


def _mathml(latex: str, display: str) -> str:
    mathml = convert(latex, display=display)
    # A prime is raised as it is: as an exponent it would be too small to be seen.
    mathml = _PRIME.sub(r'<mrow>\1<mo lspace="0" rspace="0">&#x02032;</mo></mrow>', mathml)
    return _SLASH.sub('<mo lspace="0" rspace="0">/</mo>', mathml)


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(_mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    latex = node.astext().strip()
    if re.search(r"\\\\|&", latex) and r"\begin" not in latex:
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    writer.body.append(f'<div class="equation">{_mathml(latex, "block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
