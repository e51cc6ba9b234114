"""The tables as text, and whether every order in them is as it should be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import refscore as rs
from validation.samplers import decisions, gaussians, langevin, mixtures, others
from validation.samplers.rows import Row
from validation.samplers.targets import CONDITIONS, SHOWN, SPANS, Seen, best_order, limit_of

__all__ = [
    "ALLOWED",
    "Line",
    "arrives_line",
    "chain_line",
    "consistency_line",
    "decision_line",
    "gaussian_lines",
    "held_line",
    "is_right",
    "line_chain",
    "mixture_line",
    "not_published",
    "variances_line",
]

ALLOWED = 0.02
POWERS = (0.1, 0.05)  # by which the powers of a tolerance may be off: the error over it varies by half


class Line(NamedTuple):
    """A line of a table, and what is wrong in it: nothing, if all is as published or as its note says."""

    text: str
    wrong: tuple[str, ...]


def is_right(order: float, holds: float) -> bool:
    """Whether an observed order is the expected one within 0.02; inf is no error at all."""
    return order == holds if math.isinf(holds) or math.isinf(order) else abs(order - holds) <= ALLOWED


def _cell(errors: Sequence[float], counts: Sequence[int], holds: int) -> tuple[str, bool]:
    """An order, or the limit of an error that stays; and whether it is what it should be."""
    if holds == 0:
        limit, known = limit_of(errors)
        return f"→ {limit:.1e}", known
    seen = best_order(errors, counts)
    return (f"{seen.order:.3f}", True) if is_right(seen.order, holds) else (f"**{seen.order:.3f}**", False)


def _line(cells: Iterable[str], wrong: Iterable[str]) -> Line:
    return Line(f"| {' | '.join(cells)} |", tuple(wrong))


def _named(row: Row | langevin.Chain) -> list[str]:
    """What a row is called, and the function it runs, whose page has the name of its module."""
    page = getattr(rs.samplers, row.of).__module__.rpartition(".")[2]
    return [row.name, f"[`{row.of}`]({page}.md)"]


def _published(published: float | None) -> str:
    return "–" if published is None else f"{published:g}"


def _percent(part: float) -> str:
    return "0" if abs(part) < 1e-12 else f"{100 * part:+.2g} %".replace("-", "−")


def gaussian_lines(row: Row, found: dict[str, dict[int, gaussians.Run]] | None = None) -> list[Line]:
    """The lines of a sampler in the tables of the Gaussians, one for each condition number."""
    found = found or {path: dict(gaussians.runs(row, path)) for path in row.paths}
    lines = []
    for i, condition in enumerate(CONDITIONS):
        cells, wrong = [*_named(row), _published(row.published)], []
        for path in SPANS:
            if path not in found:
                cells.append("–")
                continue
            runs = found[path]
            text, right = _cell([each.error[i] for each in runs.values()], tuple(runs), row.holds)
            cells.append(text)
            if not right:
                wrong.append(f"{row.name}, {path}, κ = {condition}: {text} instead of {row.holds}")
        runs = found[row.paths[0]]
        cells += [_percent(runs[SHOWN[0]].spread[i]), *(f"{runs[n].distance[i]:.1e}" for n in SHOWN)]
        lines.append(_line(cells, wrong))
    return lines


def mixture_line(row: Row, has_noise: bool) -> Line:
    """The line of a sampler in one of the two tables of the mixtures."""
    return _with_noise(row) if has_noise else _without_noise(row)


def _expected(row: Row) -> int:
    return row.holds if row.bent is None else row.bent


def _both(row: Row, error: Callable[[str], tuple[Sequence[float], Sequence[int]]]) -> tuple[list[str], list[str]]:
    """The orders on the row's first path and on flow matching's."""
    cells: list[str] = []
    wrong: list[str] = []
    for path in (row.paths[0], "flow"):
        if path not in row.paths or (path == row.paths[0] == "flow" and cells):
            cells.append("–")
            continue
        text, right = _cell(*error(path), _expected(row))
        cells.append(text)
        if not right:
            wrong.append(f"{row.name}, mixture, {path}: {text} instead of {_expected(row)}")
    return cells, wrong


def _without_noise(row: Row) -> Line:
    found = {path: mixtures.paths(row, path) for path in {row.paths[0], *({"flow"} & set(row.paths))}}
    cells, wrong = _both(row, lambda path: ([each.plane for each in found[path].values()], tuple(found[path])))
    runs = found[row.paths[0]]
    text, right = _cell([each.distance for each in runs.values()], tuple(runs), _expected(row))
    if not right:
        wrong.append(f"{row.name}, mixture on the line, {row.paths[0]}: {text} instead of {_expected(row)}")
    wrong += [f"{row.name}: not an increasing map at {n} steps" for n, each in runs.items() if not each.increases]
    shown = [f"{runs[n].distance:.1e}" for n in SHOWN]
    return _line([*_named(row), _published(row.published), *cells, text, *shown, f"{runs[SHOWN[1]].first:.1e}"], wrong)


def _with_noise(row: Row) -> Line:
    first = row.paths[0]
    sampler = mixtures.on_a_chain(row.make(SPANS[first].path, SPANS[first].times(16)))
    if sampler is None:
        return _line([*_named(row), _published(row.published), *["–"] * 7], ())
    cells, wrong = _both(row, lambda path: _series(mixtures.weak_errors(row, path)))
    if not mixtures.affine_in_noise(sampler):
        return _line([*_named(row), _published(row.published), *cells, *["–"] * 5], wrong)
    laws = mixtures.laws(row, first)
    text, right = "–", True
    if row.holds:
        text, right = _cell([each.distance for each in laws.values()], tuple(laws), _expected(row))
    if not right:
        wrong.append(f"{row.name}, law on the line, {first}: {text} instead of {_expected(row)}")
    last = laws[64]
    shown = [f"{laws[16].distance:.1e}", *(f"{v:.1e}" for v in last)]
    return _line([*_named(row), _published(row.published), *cells, text, *shown], wrong)


def _series(found: object) -> tuple[Sequence[float], Sequence[int]]:
    assert isinstance(found, dict)
    return list(found.values()), tuple(found)


def chain_line(chain: langevin.Chain, condition: int) -> Line:
    """The line of a chain of equal steps on a Gaussian."""
    end = langevin.ended(chain, condition)
    at = [langevin.PARTS.index(part) for part in langevin.SHOWN_PARTS]
    exact = max(end.distance) < 1e-11
    return _chain(
        chain, f"{condition}", Seen(math.inf, 0.0, ()) if exact else end.seen, end.spread,
        [end.distance[i] for i in at], end.forgets[at[1]],
    )  # fmt: skip


def _chain(
    chain: langevin.Chain, target: str, seen: Seen, spread: float, shown: Sequence[float], forgets: float
) -> Line:
    right = is_right(seen.order, chain.holds)
    order = "exact" if math.isinf(seen.order) else f"{seen.order:.3f}"
    order, wrong = (
        (order, ()) if right else (f"**{order}**", (f"{chain.name}, {target}: {order} instead of {chain.holds}",))
    )
    distances = ["0" if math.isinf(seen.order) else f"{d:.1e}" for d in shown]
    cells = [
        *_named(chain),
        target,
        f"{_published(chain.published)} in {chain.unit}",
        order,
        _percent(spread),
        *distances,
    ]
    return _line([*cells, f"{forgets:.1f}" if forgets < 100 else f"{forgets:.0f}"], wrong)


def line_chain(name: str) -> Line:
    """The line of a chain of equal steps on the mixture of the line."""
    _, unit, holds = langevin.LINE_CHAINS[name]
    (chain,) = (each for each in langevin.CHAINS if each.name == name)
    end = langevin.ended_on_the_line(name)
    order = f"{end.seen.order:.3f}"
    right = is_right(end.seen.order, holds)
    cells = [*_named(chain), f"{holds} in {unit}", order if right else f"**{order}**"]
    shown = [end.distance[0], end.distance[2], end.distance[4], end.first, end.variation]
    wrong = () if right else (f"{name}, mixture: {order} instead of {holds}",)
    return _line([*cells, *(f"{v:.1e}" for v in shown), f"{end.forgets:.0f}"], wrong)


def variances_line(name: str, condition: int) -> Line:
    """The line of an ancestral step with another variance on a Gaussian: order 1, or no error at all."""
    holds = math.inf if condition == 1 and "analytic" in name else 1
    cells, wrong = [name, f"{condition}"], []
    seen = {path: others.variances_seen(name, path, condition) for path in ("VP", "flow")}
    for path, (found, _) in seen.items():
        order = "exact" if math.isinf(found.order) else f"{found.order:.3f}"
        right = is_right(found.order, holds)
        cells.append(order if right else f"**{order}**")
        wrong += [] if right else [f"{name}, {path}, κ = {condition}: {order} instead of {holds}"]
    distances = seen["VP"][1]
    return _line([*cells, *("0" if distances[i] < 1e-14 else f"{distances[i]:.1e}" for i in (0, 2, 4))], wrong)


def consistency_line(condition: int) -> Line:
    """The line of multistep consistency sampling with the exact function: no error, at any number of steps."""
    cells, wrong = [f"{condition}"], []
    for path in ("VP", "flow", "EDM"):
        worst = max(others.consistency_gaps(path, condition))
        cells.append("exact" if worst <= 1e-14 else f"**{worst:.1e}**")
        wrong += [] if worst <= 1e-14 else [f"consistency, {path}, κ = {condition}: {worst:.1e} instead of 0"]
    return _line(cells, wrong)


def held_line(name: str, condition: int) -> Line:
    """The line of an adaptive solver of the flow: its error goes with the tolerance, its cost with the power -1/q."""
    _, q, tolerances = others.TOLERANCES[name]
    found = others.held(name, "VP", condition)
    cells, wrong = [name, f"{condition}"], []
    for what, power, holds, allowed in zip(
        ("error", "steps"), (found.order, found.cost), (1.0, 1 / q), POWERS, strict=True
    ):
        right = abs(power - holds) <= allowed
        cells.append(f"{power:.2f}" if right else f"**{power:.2f}**")
        wrong += [] if right else [f"{name}, κ = {condition}, power of {what}: {power:.3f} instead of {holds:.3f}"]
    parts = zip(tolerances, found.error, found.largest, found.steps, strict=True)
    return _line([*cells, *(f"{e:.1e}, {most:.1e}, {n:.0f} at {tol:.0e}" for tol, e, most, n in parts)], wrong)


def arrives_line() -> Line:
    """The line of the part of the noise's variance that arrives in some dimensions as the tolerance goes to 0."""
    return _line(["accepting and rejecting", *(f"{others.arrives(d):.3f}" for d in others.ARRIVES)], ())


def decision_line(name: str, condition: int) -> Line:
    """The line of a Metropolis step on a Gaussian: how often it accepts, and that the target is stationary."""
    gap = max(decisions.balance_gap(name, condition, r) for r in langevin.SHOWN_PARTS)
    rates = [f"{rate:.4f}" for rate in decisions.rates(name, condition)]
    balanced = gap <= 1e-12
    wrong = () if balanced else (f"{name}, κ = {condition}: flows there and back differ by {gap:.1e}",)
    return _line([name, f"{condition}", *rates, "exact" if balanced else f"**{gap:.1e}**"], wrong)


def not_published(rows: Iterable[Row]) -> list[str]:
    """One line for each sampler whose order is not the published one, or of which something has to be said."""
    lines = []
    for row in rows:
        if row.note or row.published not in (None, row.holds) or row.holds == 0:
            seen = "none: it ends elsewhere" if row.holds == 0 else f"{row.holds}"
            said = "no claim" if row.published is None else f"published {row.published}"
            lines.append(f"* **{row.name}**: {said}, observed {seen}{'; ' + row.note if row.note else ''}.")
    return lines
