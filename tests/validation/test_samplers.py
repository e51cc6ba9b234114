"""validation/samplers.py: the table in the docs holds what it promises."""

import pytest

from validation.samplers import PAGE, PATHS, SAMPLERS, row
from validation.solvers import SOLVERS, SPANS, solver_row

PAIRS = [(name, path) for name in SAMPLERS for path in PATHS if not (name.startswith("anc") and path == "sub-VP")]


@pytest.mark.parametrize(("name", "path"), PAIRS, ids=" · ".join)
def test_order_and_law(name, path):
    line, order, gap, published = row(name, path)
    assert abs(order - published) <= 0.02
    assert gap <= 1e-12
    assert f"| {name} | {path} | {published} | {order:.3f} |" in line


def test_the_page_has_every_row():
    page = PAGE.read_text(encoding="utf-8")
    assert [pair for pair in PAIRS if f"| {pair[0]} | {pair[1]} |" not in page] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SOLVERS)
def test_order_of_a_solver(name):
    line, order, proved = solver_row(name, "flow")
    assert abs(order - proved) <= 0.02
    assert f"| {name} | flow | " in line


def test_the_page_has_every_solver():
    page = PAGE.read_text(encoding="utf-8")
    assert [(name, path) for name in SOLVERS for path in SPANS if f"| {name} | {path} |" not in page] == []
