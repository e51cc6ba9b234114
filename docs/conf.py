"""Sphinx: one page per module, every code cell executed while the page is built, and no network anywhere."""

from importlib.metadata import files

from docutils import nodes
from sphinx.application import Sphinx

import refscore

project = "refscore"
author = copyright = "The refscore authors"
version = release = refscore.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
exclude_patterns = ["_build", "conftest.py", "jupyter_execute"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_show_tb = True
suppress_warnings = ["mystnb.unknown_mime_type"]
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"refscore {release}"
_mathjax = next(file for file in files("sphinx-mathjax-offline") or () if file.name == "tex-svg-full.js")
html_static_path = [str(_mathjax.locate())]  # the one file with fonts in it: formulas need no network
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"svg": {"scale": 0.9}}  # beside this theme's letters; and more formulas fit
html_static_path.append("formulas.css")
html_css_files = ["formulas.css"]


def _lines_with_one_tag(_: Sphinx, doctree: nodes.document) -> None:
    r"""Sphinx puts a formula with `\\` into `split`, where MathJax takes no `\tag`; `\cr` is the same to MathJax."""
    for formula in doctree.findall(nodes.math_block):
        text = formula.astext()
        if r"\tag" in text:
            formula.children = [nodes.Text(text.replace(r"\\", r"\cr "))]


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _lines_with_one_tag)
