"""``refscore explain``: everything about a capability on one screen, and for every objective why its formula holds."""

import io
import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.loading import TargetError
from refscore.conformance.reports import to_html
from refscore.conformance.reports.catalogue import explain
from refscore.conformance.reports.documented import documented, names

OBJECTIVES = [c for name, c in CATALOGUE.items() if name.startswith("objective.") and not c.derivative_of]
ROOT = Path(__file__).parents[2]


def told(name, width=100):
    console = Console(width=width, highlight=False, record=True, file=io.StringIO())
    assert explain(name, console) == 0
    return console.export_text()


def squeezed(text):
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda c: c.name)
def test_an_objective_is_explained(objective):
    text = told(objective.name)
    assert max(map(len, text.splitlines())) <= 100
    facts = [objective.title, objective.source, objective.formula, objective.label, objective.signature, objective.page]
    facts += [word for c in objective.conventions for word in (c.name, c.choices)]
    facts += [word for fault in objective.faults for word in (fault.description, fault.link)]
    assert [fact for fact in facts if squeezed(fact) not in squeezed(text)] == []


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda c: c.name)
def test_an_objective_is_derived_in_a_few_lines_that_stay_whole(objective):
    assert 2 <= len(objective.derivation) <= 5
    text = told(objective.name).splitlines()
    where = next(i for i, line in enumerate(text) if line.startswith("  derivation"))
    assert [line[15:] for line in text[where : where + len(objective.derivation)]] == list(objective.derivation)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda c: c.name)
def test_the_label_leads_to_its_page(objective):
    assert rf"\tag{{{objective.label}}}" in (ROOT / objective.page).read_text(encoding="utf-8")


def test_a_narrow_terminal_loses_nothing():
    wide, narrow = (told("objective.implicit", width) for width in (100, 60))
    assert sorted(squeezed(wide)) == sorted(squeezed(narrow))
    assert max(len(line) for line in narrow.splitlines() if "http" not in line) <= 60


def test_the_page_of_a_failed_check_says_why_the_formula_holds():
    adapter = Adapter("under test")
    adapter.implements("objective.implicit")(lambda score, x: score.trace(x))
    assert "by parts" in to_html(check_here(adapter))
    right = Adapter("under test")
    right.implements("objective.implicit")(lambda s, x: s.trace(x) + 0.5 * (s(x) ** 2).sum(-1))
    assert "by parts" not in to_html(check_here(right))


OTHERS = [name for name in names() if name not in CATALOGUE]


@pytest.mark.parametrize("name", OTHERS)
def test_what_no_capability_asks_for_is_explained_by_its_documentation(name):
    found, text = documented(name), told(name)
    assert squeezed(found.signature) in squeezed(text)
    assert found.theory.splitlines()[0] in text
    assert (ROOT / found.page).exists()
    assert "\\*" not in text


def test_names_of_objectives_are_suggested_too():
    with pytest.raises(TargetError, match=r'Did you mean "objective\.score_flow"'):
        told("objective.score_flw")
    assert documented("objective.nothing") is None
    assert documented("path.vp") is None


@pytest.mark.parametrize("capability", CATALOGUE.values(), ids=lambda c: c.name)
def test_no_line_is_broken_where_it_cannot_be_read(capability):
    text = told(capability.name).splitlines()
    assert max(cell_len(line) for line in text if "http" not in line) <= 100
    links = {fault.link for fault in capability.faults if fault.link}
    assert links <= {line.removeprefix("  seen").strip() for line in text}
    where = next(i for i, line in enumerate(text) if line.startswith("  offered as"))
    assert all(line.startswith("  ") for line in text[2:where])


@pytest.mark.parametrize("capability", CATALOGUE.values(), ids=lambda c: c.name)
def test_a_convention_is_told_with_its_meaning(capability):
    text = squeezed(told(capability.name))
    assert [c.name for c in capability.conventions if squeezed(c.meaning) not in text] == []
