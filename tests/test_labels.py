"""A labelled formula stands in code, docstring and docs: the three sets of labels are equal."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
LABEL = r"[A-Z][A-Z0-9]*\.\d+"


def labels_of(pattern, folder, suffix):
    """Label → files whose text has it."""
    found = {}
    for file in sorted((ROOT / folder).rglob(f"*{suffix}")):
        if "_build" in file.parts:
            continue
        for label in re.findall(pattern, file.read_text(encoding="utf-8")):
            found.setdefault(label, set()).add(str(file.relative_to(ROOT)))
    return found


def of_code(pattern):
    """Label → files of the reference or the kernels whose text has it."""
    found = labels_of(pattern, "refscore", ".py")
    for label, files in labels_of(pattern, "kernels", ".py").items():
        found.setdefault(label, set()).update(files)
    return found


IN_CODE = of_code(rf"\(({LABEL})\)")
ON_LINES = of_code(rf"#.*\(({LABEL})\)")
IN_DOCS = labels_of(rf"\\tag\{{({LABEL})\}}", "docs", ".md")


def test_every_label_of_the_code_is_derived_in_the_docs():
    assert {k: v for k, v in IN_CODE.items() if k not in IN_DOCS} == {}


def test_every_label_of_the_docs_stands_in_the_code():
    assert {k: v for k, v in IN_DOCS.items() if k not in IN_CODE} == {}


def test_a_label_is_derived_once():
    assert {k: v for k, v in IN_DOCS.items() if len(v) > 1} == {}


def test_a_label_on_a_line_stands_in_a_docstring_too():
    docstrings = of_code(rf"(?m)^[^#\n]*\(({LABEL})\)")
    assert {k: v for k, v in ON_LINES.items() if k not in docstrings} == {}
