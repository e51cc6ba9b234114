"""validation/benchmarks/kernels: the goals are the project's, the bounds notice other work, the plots are drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refscore_kernels as rk
from validation.benchmarks.contest import Contest
from validation.benchmarks.kernels import density, goals, normals, page, plots, sampling, scaling, threads
from validation.benchmarks.kernels.agreement import same_density, same_law, same_normals, same_states
from validation.benchmarks.kernels.libraries import with_numpy
from validation.benchmarks.kernels.problems import CHECKED, SEED, Chains, Normals, Points
from validation.benchmarks.record import BEGIN, END, tables
from validation.benchmarks.rows import Goal, compared

CONTESTS = (normals.contests, sampling.contests, density.contests, threads.contests, scaling.contests)
CASES = [
    Chains("langevin", 0, 3, 40, 2),
    Chains("langevin", 4, 2, 40, 2),
    Chains("langevin", 20, 16, 40, 2),
    Chains("reverse", 4, 2, 40, 50),
]
WAYS = [with_numpy.rows, with_numpy.columns, with_numpy.differences]


def ours(problem: Chains) -> list[Any]:
    start = problem.fewer.start
    how: dict[str, Any] = {"seed": SEED, "steps": CHECKED, "dtype": problem.number, "backend": "portable"}
    return [rk.run(problem.sampler, problem.law, start, **how).x]


def every() -> list[Contest]:
    return [contest for contests in CONTESTS for contest in contests()]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("problem", CASES, ids=sampling.said)
def test_numpy_takes_our_steps_and_others_are_noticed(
    problem: Chains, way: Callable[[Chains], Any], dtype: str
) -> None:
    if way is with_numpy.differences and not problem.components:
        pytest.skip("a Gaussian has no components")
    problem = replace(problem, dtype=dtype)
    work, own = way(problem), ours(problem)
    assert same_states(problem, own, work.answer()) is None
    work.run(2)
    other = own[0] + 1e-3 * problem.number(problem.tables.c.max())
    if dtype == "float64":
        assert "states differs by" in str(same_states(problem, own, [other]))
    assert "expected float" in str(same_states(problem, own, [own[0][1:]]))


def test_numpys_densities_are_ours_and_others_are_noticed() -> None:
    problem = Points(3000, 50, 16)
    chains = problem.chains
    own = list(rk.log_prob_and_score(chains.law, chains.start[:512], backend="portable"))
    assert same_density(problem, own, with_numpy.density(problem).answer()) is None
    assert same_density(problem, own, own[:1]) is None
    assert "score differs" in str(same_density(problem, own, [own[0], own[1] + 1e-6]))


def test_normals_are_held_to_their_moments() -> None:
    problem = Normals(64, 1024, "float64")
    z = rk.tape(3, 1, 64, 1024, backend="portable")
    assert same_normals(problem, [z], with_numpy.normals_sfc64(problem).answer()) is None
    for wrong in (1.05 * z, z + 0.05, np.sign(z) * abs(z) ** 1.05, z.astype(np.float32)):
        assert same_normals(problem, [z], [wrong]) is not None


def test_chains_are_held_to_their_means() -> None:
    problem = Chains("mala", 4, 2, 10, 1)
    a, b = (rk.tape(3, 1, 4000, 1, first_chain=k, backend="portable").ravel() for k in (0, 4000))
    assert same_law(problem, [a], [b]) is None
    assert "mean 0 differs" in str(same_law(problem, [a], [b + 0.2]))


def test_the_goals_are_those_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goals, "wide", lambda: True)
    found = {(c.work.rpartition(", ")[0], p.name): p.goal for c in every() for p in c.peers if p.goal.text}
    least = {key: goal.least for key, goal in found.items()}
    gauss, two = "Langevin, Gaussian, d = 10, float64", "mixture K = 4, d = 2, float64"
    assert [least[gauss, peer] for peer in ("NumPy", "torch eager", "JAX jit, scan")] == [3.5, 7, 7]
    assert found[gauss, "its normals alone"].most == 1.25
    for name in ("Langevin", "reverse SDE"):
        assert [least[f"{name}, {two}", peer] for peer in ("NumPy", "torch eager", "JAX jit, scan")] == [13, 15, 10]
        assert found[f"{name}, {two}", "its normals alone"].most == 2.5
    assert [least[f"reverse SDE, {two}", peer] for peer in ("diffrax Euler", "torchsde Euler")] == [11, 15]
    assert least[f"MALA, {two}", "blackjax MALA"] == 10
    for (components, d), expected in {(10, 10): [5, 8, 9], (100, 64): [2.3, 4, 2]}.items():
        work = f"Langevin, mixture K = {components}, d = {d}, float64"
        assert [least[work, peer] for peer in ("NumPy", "torch eager", "JAX jit, scan")] == expected
    assert {least[work, "one thread"] for work, peer in found if peer == "one thread"} == {1.85}
    monkeypatch.setattr(goals, "wide", lambda: False)
    assert goals.faster(13).least == 6.5


def test_no_two_pieces_of_work_have_one_name() -> None:
    works = [contest.work for contest in every()]
    assert len(set(works)) == len(works)


def test_a_ratio_turned_round_has_no_verdict() -> None:
    row = compared("work", "its normals alone", [1.0, 1.0], [2.0, 2.0], Goal.turned())
    assert (row.ratio, row.verdict, row.goal.text) == (2.0, "", "ours by theirs")


def test_plots_are_drawn_of_what_there_is(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    rows = [
        compared(c.work, p.name, [3e-3, 3e-3], [1e-3, 1e-3], p.goal).plain()
        for c in (*sampling.contests(), *scaling.contests())
        for p in c.peers
    ]
    parts = {"sampling": {"rows": rows}, "scaling": {"rows": rows}, "first": {"rows": []}}
    assert plots.draw(parts, tmp_path).count("![") == 2
    for file in ("kernels-sampling.svg", "kernels-scaling.svg"):
        assert "<svg" in (tmp_path / file).read_text(encoding="utf-8")
    assert plots.draw({"first": {"rows": []}}, tmp_path) == ""


@pytest.mark.skipif(not page.RESULTS.exists(), reason="nothing is recorded")
def test_the_committed_page_says_what_was_measured() -> None:
    committed = json.loads(page.RESULTS.read_text(encoding="utf-8"))
    text = page.PAGE.read_text(encoding="utf-8")
    assert tables(committed).strip() in text[text.index(BEGIN) : text.index(END)]
