"""validation/samplers.py: the table in the docs holds what it promises."""

import pytest

from validation.samplers import PAGE, PATHS, SAMPLERS, row

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
