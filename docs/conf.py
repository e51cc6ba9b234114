"""Sphinx: one page per module, every code cell executed while the page is built, and no network anywhere."""

from importlib.metadata import files

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
html_static_path.append("formulas.css")
html_css_files = ["formulas.css"]
