"""Run each ``{code-cell}`` of the docs as a test: one namespace a page, no Jupyter."""

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"]).pytest()

collect_ignore = ["conf.py"]  # Sphinx reads it; it needs packages that the tests do not
