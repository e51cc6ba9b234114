"""conformance/reports/ and expected.py: four forms of one run with the same facts, exit codes, expected failures."""

import io
import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from refscore.conformance import Adapter, TargetError, check_here
from refscore.conformance.expected import apply_expected, read_expected
from refscore.conformance.reports import print_report, to_html, to_json, to_junit
from refscore.conformance.reports.json import schema
from refscore.conformance.reports.terminal import TITLES, _summary, print_table


@pytest.fixture(scope="module")
def report():
    """One right capability, one with a known fault, one that raises with a message full of markup."""
    adapter = Adapter("my <b>lib</b>", version="1.2")
    adapter.implements("objective.implicit")(lambda s, x: s.trace(x) + 0.5 * (s(x) ** 2).sum(-1))

    @adapter.implements("objective.denoising", factor=1)
    def denoising(score, x0, noise, sigma):
        return ((score(x0 + sigma * noise) + noise / sigma**2) ** 2).sum(-1)

    @adapter.implements("objective.explicit")
    def explicit(score, x, data_score):
        raise RuntimeError("<script>[red]\x07 & ]]>")

    return check_here(adapter, target="mine.py")


def text_of(report, width=100):
    console = Console(width=width, highlight=False, record=True, file=io.StringIO())
    print_report(report, console)
    return console.export_text()


def test_json_is_valid_against_the_schema_that_ships(report):
    document = json.loads(to_json(report))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["summary"]["planned"] == len(document["results"]) == 23
    assert document["exit_code"] == 1
    failed = [r for r in document["results"] if r["outcome"] == "fail"]
    assert failed[0]["diagnosis"][0]["fault"] == "DSM-variance"


@pytest.mark.parametrize("corrupt", [{"outcome": "maybe"}, {"ratio": -1.0}, {"extra": 1}, {"check": "no slash"}])
def test_the_schema_refuses_a_corrupted_report(report, corrupt):
    document = json.loads(to_json(report))
    document["results"][0].update(corrupt)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(document)


def test_junit_counts_what_the_report_counts(report):
    suite = ET.fromstring(to_junit(report)).find("testsuite")
    summary = report.summary
    assert int(suite.get("tests")) == summary["planned"]
    assert int(suite.get("failures")) == summary["fail"]
    assert int(suite.get("errors")) == summary["error"]
    assert int(suite.get("skipped")) == summary["blocked"]


def test_html_escapes_what_the_implementation_says(report):
    page = to_html(report)
    assert "<script>" not in page
    assert "<b>lib</b>" not in page
    assert "&lt;script&gt;" in page
    assert "target divided by σ² instead of σ" in page
    assert "http-equiv" not in page
    assert "src=" not in page


def test_terminal_says_what_a_stranger_needs(report):
    text = text_of(report)
    assert "my <b>lib</b> 1.2 (numpy, float64)" in text
    assert 'looks like "target divided by σ² instead of σ"  (fault DSM-variance, exact match)' in text
    assert "reproduce  refscore check mine.py --only 'objective.denoising/" in text
    assert "1 of 3 conform · 1 fails · 0 inconclusive · 1 in error · planned 23, ran 23" in text
    assert max(len(line) for line in text.splitlines() if "reproduce" not in line) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())


def test_what_is_too_long_for_a_line_goes_on_below_its_beginning(report):
    wide, narrow = (text_of(report, width).partition("\n1  ")[2] for width in (400, 80))
    assert "".join(wide.split()) == "".join(narrow.split())
    lines = narrow.splitlines()
    heads = [i for i, line in enumerate(lines) if line.startswith(("   claim", "   looks like"))]
    followers = [lines[i + 1] for i in heads if not lines[i + 1][3:].startswith(("expected", "looks", "raised"))]
    assert followers
    assert all(line.startswith(" " * 14) for line in followers)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["pass", "pass"], 0),
        (["pass", "xfail"], 0),
        (["pass", "fail"], 1),
        (["error", "fail"], 1),
        (["pass", "xpass"], 1),
        (["pass", "error"], 2),
        (["error", "blocked"], 2),
        (["fail", "blocked"], 1),
        (["pass", "blocked"], 2),
        (["xfail", "blocked"], 0),  # blocked by what is known
        (["pass", "inconclusive"], 3),
        (["pass"], 4),
    ],
)
def test_exit_codes(report, outcomes, code):
    info = replace(report.adapters[0], planned=2)
    results = tuple(replace(report.results[0], outcome=outcome) for outcome in outcomes)
    assert replace(report, adapters=(info,), results=results).exit_code == code


def expected_file(tmp_path, text):
    path = tmp_path / "expected.toml"
    path.write_text(text)
    return read_expected(str(path))


def test_expected_failures_are_xfail_until_they_pass(report, tmp_path):
    entries = expected_file(
        tmp_path,
        '[[expected]]\ncheck = "objective.denoising/sigma*"\nreason = "known"\nlink = "https://example.org/1"\n'
        '[[expected]]\ncheck = "objective.explicit/api"\nreason = "not ready"\n'
        '[[expected]]\ncheck = "objective.implicit/n=1"\nreason = "was wrong once"\n',
    )
    turned = apply_expected(report, entries)
    outcome = {r.check: r.outcome for r in turned.results}
    assert outcome["objective.denoising/sigma=0.5,n=d"] == "xfail"
    assert outcome["objective.explicit/api"] == "xfail"
    assert outcome["objective.implicit/n=1"] == "xpass"
    assert turned.exit_code == 1
    assert any(r.message.startswith("expected to fail: known  https://example.org/1") for r in turned.results)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[expected]]\ncheck = "a/b"\n', "entry 1 lacks reason"),
        ('[[expected]]\ncheck = "a/b"\nreason = " "\n', "entry 1 lacks reason"),
        ('[[expected]]\ncheck = "a/b"\nreason = "r"\nwhy = "?"\n', "has unknown why"),
        ("[[expected]\n", "is no TOML"),
        ("a = 1\n", "expected [[expected]] tables only"),
    ],
)
def test_a_wrong_file_of_expected_failures(tmp_path, text, message):
    with pytest.raises(TargetError) as caught:
        expected_file(tmp_path, text)
    assert message in str(caught.value)


def test_an_entry_that_matches_nothing_is_an_error(report, tmp_path):
    entries = expected_file(tmp_path, '[[expected]]\ncheck = "objective.nothing/*"\nreason = "r"\n')
    with pytest.raises(TargetError, match="matches no check"):
        apply_expected(report, entries)


def test_figures_that_are_no_numbers_survive_json(report):
    odd = replace(report, results=(replace(report.results[0], ratio=math.inf, detects=math.nan),))
    document = json.loads(to_json(odd))
    assert (document["results"][0]["ratio"], document["results"][0]["detects"]) == ("inf", None)
    assert np.isfinite(document["seconds"])


@pytest.mark.parametrize("width", [72, 80, 100, 140])
def test_no_width_cuts_a_verdict(width: int) -> None:
    name = "sampler.predictor_corrector (order=corrector_first, predictor=euler_maruyama, norms=batch_mean)"
    lines = [["a library 1.2.3", name, "14/14", "0.25 of 16", "a relative 1e-14", "inconclusive"]]
    out = Console(width=width, record=True, file=io.StringIO())
    print_table(_summary(lines, ["adapter", *TITLES], width), out)
    text = out.export_text()
    assert "inconclusive" in text
    assert "14/14" in text
    assert max(map(len, text.splitlines())) <= width
