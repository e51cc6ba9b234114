"""Run each ``{code-cell}`` of the docs as a test: one namespace a page, no Jupyter."""

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"]).pytest()
