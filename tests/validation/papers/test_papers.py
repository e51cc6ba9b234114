"""validation/papers: what counts as agreement, laws by another route, and that the page tells what was found."""

import json

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from validation.papers import __main__ as papers
from validation.papers import gaussian_errors, schedules, toy
from validation.papers.rows import Row, Table, printed

KEPT = json.loads((papers.DOCS / "papers.json").read_text(encoding="utf-8"))


def test_a_number_agrees_if_it_rounds_to_what_is_printed():
    assert printed("x", "0.40", 0.3957).agrees
    assert not printed("x", "0.40", 0.3949).agrees
    assert printed("x", "80", 80.4).agrees
    assert Row("x", "0.507–0.509", 0.512, 0.004).agrees
    assert not Row("x", "0.507–0.509", 0.514, 0.004).agrees
    assert printed("x", "6.2", 6.184).agrees


@pytest.mark.parametrize("name", ["Euler–Maruyama", "Euler on the flow", "Heun on the flow"])
def test_probed_steps_have_the_law_of_the_recursions(name):
    values = np.array([0.0, 1e-4, 0.3, 220.0])
    recursion = {
        "Euler–Maruyama": recursions.euler_maruyama,
        "Euler on the flow": recursions.euler_ode,
        "Heun on the flow": recursions.heun_ode,
    }[name]
    _, v = recursion(values, gaussian_errors.PATH, np.linspace(1, 1e-3, 30)).law(np.zeros(4))
    expected = np.sqrt(((np.sqrt(v) - np.sqrt(values)) ** 2).sum())
    assert gaussian_errors.errors(values, name, 30) == pytest.approx(expected, rel=1e-9)


def test_methods_by_hand_converge_to_the_truth_at_their_order():
    # The error that is left for many steps is that of the last time: the reverse flow from N(0, I) in closed form.
    values = np.array([0.5, 2.0])
    path = gaussian_errors.PATH
    total = lambda t: path.alpha(t) ** 2 * values + path.sigma(t) ** 2  # noqa: E731
    limit = np.sqrt(((np.sqrt(total(1e-3) / total(1.0)) - np.sqrt(values)) ** 2).sum())
    errors = [abs(gaussian_errors.errors(values, "RK4 on the flow", n) - limit) for n in (41, 81, 161)]
    assert rs.exact.observed_order(errors) == pytest.approx(4, abs=0.2)
    far, near = (gaussian_errors.errors(values, "exponential integrator", n) for n in (401, 801))
    again = gaussian_errors.errors(values, "DDPM", 801)
    assert abs(2 * near - far - (2 * again - gaussian_errors.errors(values, "DDPM", 401))) < 2e-3


def test_a_file_that_is_something_else_is_refused(tmp_path):
    np.save(tmp_path / "other.npy", np.ones(3072))
    with pytest.raises(ValueError, match=r"sum 3072; expected \(3072,\)"):
        gaussian_errors.table(tmp_path / "other.npy")


def test_the_start_of_the_toy_is_the_triangle():
    # (x + y)/√2 with x, y uniform on [-8, 8] has variance 64/3 and fourth moment 12/5 of its square.
    u, w = toy.START.points[:, 0], toy.START.weights
    assert w @ u**2 == pytest.approx(64 / 3, rel=1e-14)
    assert w @ u**4 == pytest.approx(2.4 * (64 / 3) ** 2, rel=1e-14)


def test_the_score_of_the_toy_factorises():
    plane = rs.targets.mixture([0.8, 0.2], [[5, 5], [-5, -5]])
    x = rs.noise.tape(1, 1, 7, 2)[0] * 4
    along = x.sum(1) / np.sqrt(2)
    assert plane.score(x).sum(1) / np.sqrt(2) == pytest.approx(toy.TARGET.score(along[:, None])[:, 0], abs=1e-12)


def test_the_schedules_agree():
    assert all(row.agrees for table in (schedules.edm(), schedules.ncsnv2()) for row in table.rows)


def test_what_is_kept_agrees_and_is_on_the_page():
    assert [table["name"] for table in KEPT] == ["toy", "gaussian_errors", "edm", "ncsnv2"]
    page = (papers.DOCS / "papers.md").read_text(encoding="utf-8")
    for table in KEPT:
        assert all(Row(r["what"], r["published"], r["found"], r["allowed"]).agrees for r in table["rows"])
        assert papers.as_markdown(table) in page


def test_tables_that_were_not_made_stay(tmp_path):
    one, two = (Table(name, name, "s", "m", (printed("x", "1", 1.0),)) for name in ("one", "two"))
    (tmp_path / "papers.md").write_text(f"head\n{papers.BEGIN}\nold\n{papers.END}\ntail\n", encoding="utf-8")
    papers.write([papers.as_json(one), papers.as_json(two)], tmp_path)
    papers.write([papers.as_json(one._replace(title="new"))], tmp_path)
    text = (tmp_path / "papers.md").read_text(encoding="utf-8")
    assert text.startswith("head\n")
    assert text.endswith("tail\n")
    assert "## new" in text
    assert "## two" in text
    assert "old" not in text
