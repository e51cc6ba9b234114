"""validation/samplers/rows.py: a row runs the function that it names, and links to the page that tells of it."""

import re
import sys

import pytest

import refscore as rs
from validation.samplers import langevin, words
from validation.samplers.__main__ import PAGE
from validation.samplers.rows import ROWS
from validation.samplers.targets import CONDITIONS, SPANS, gaussian_of

S = rs.samplers


def text():
    return PAGE.read_text(encoding="utf-8")


def called(run):
    """The names of all functions of refscore.samplers that are called on the way."""
    seen = set()

    def note(frame, event, _):
        if event == "call" and frame.f_globals.get("__name__", "").startswith("refscore.samplers."):
            seen.add(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return seen


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_runs_what_it_names(row):
    span = SPANS[row.paths[0]]
    assert row.of in called(lambda: row.make(span.path, span.times(16)))


@pytest.mark.parametrize("chain", langevin.CHAINS, ids=lambda chain: chain.name)
def test_a_chain_runs_what_it_names(chain):
    assert chain.of in called(lambda: chain.end(gaussian_of(10), 0.5))


@pytest.mark.parametrize("row", [*ROWS, *langevin.CHAINS], ids=lambda row: row.name)
def test_every_line_of_a_row_links_to_a_page_that_tells_of_the_function(row):
    page = f"{getattr(S, row.of).__module__.removeprefix('refscore.samplers.')}.md"
    cells = [line.split(" | ")[1] for line in text().splitlines() if line.startswith(f"| {row.name} | ")]
    expected = 4 if row in ROWS or row.name in langevin.LINE_CHAINS else 3  # three Gaussians, one mixture
    assert cells == [f"[`{row.of}`]({page})"] * expected
    assert re.search(rf"\b{row.of}\b", PAGE.with_name(page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((\S+\.md)\)", text()))))
def test_every_link_leads_to_a_page(link):
    assert (PAGE.parent / link).is_file()


def test_the_columns_of_the_gaussians_are_told_once():
    assert text().count(words.GAUSSIANS) == 1
    assert text().count("*published*:") == 1
    assert [text().count(words.CONDITION.format(each) + "\n" + words.HEAD) for each in CONDITIONS] == [1, 1, 1]
