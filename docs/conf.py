"""The Sphinx settings of these pages. Everything in them works offline."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import ziamath

import bpx

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

# Sphinx executes the pages, which choose the backend themselves.
for name in ("BPX_BACKEND", "BPX_DTYPE"):
    os.environ.pop(name, None)
# Several at once (-j): with more threads, the products of one would wait for those of another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

project = "bpx"
author = "the bpx developers"
release = version = bpx.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "mathml",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "py:obj"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]

html_theme = "pydata_sphinx_theme"
html_title = "bpx"
html_math_renderer = "mathml"
html_static_path = [
    "_static",
    str(Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"),
]
html_css_files = ["bpx.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_center": [],
    "navbar_persistent": [],
    "navbar_end": ["search-button", "theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
}
html_sidebars = {"**": ["contents"]}


def skip_plain_fields(
    app: Any, what: str, name: str, member: Any, skip: bool, options: Any
) -> bool | None:
    """Skip the default docstrings of a NamedTuple's fields: the class's docstring says more."""
    doc = getattr(member, "__doc__", None) or ""
    return True if doc.startswith("Alias for field number") else None


def skip_the_signature_of_a_protocol(
    app: Any, what: str, name: str, thing: Any, options: Any, arguments: Any, returned: Any
) -> tuple[str, None] | None:
    """Skip the signature of a protocol, which nobody calls: its members are its interface."""
    return ("", None) if getattr(thing, "_is_protocol", False) else None


def shorten_what_scikit_learn_says(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Keep the first line of a docstring of scikit-learn: its references lead to its pages."""
    if (getattr(thing, "__module__", None) or "").startswith("sklearn."):
        lines[:] = [re.sub(r":\w+:`([^`<]+?) *(<[^`]*>)?`", r"\1", line) for line in lines[:1]]


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", shorten_what_scikit_learn_says)
    app.connect("autodoc-process-signature", skip_the_signature_of_a_protocol)
    app.connect("autodoc-skip-member", skip_plain_fields)
