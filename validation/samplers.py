"""Every reference sampler on a Gaussian: ``python -m validation.samplers [--write]``, which renews the page in docs/.

Its observed order against the published one, the distance of its exact law from the per-eigenvalue recursion (another
route, on which no step is taken), and from the target at four step counts. Nothing is sampled.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import refscore as rs
from refscore.exact import recursions
from validation import solvers

PAGE = Path(__file__).parents[1] / "docs" / "samplers" / "table.md"
TARGET = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 1.5]])
PATHS: dict[str, tuple[Any, float, float]] = {
    "VP": (rs.paths.VP(), 0.9, 0.05),
    "sub-VP": (rs.paths.SubVP(), 0.9, 0.05),
    "cosine": (rs.paths.Cosine(), 0.9, 0.05),
    "flow": (rs.paths.Flow(), 0.9, 0.05),
}
SAMPLERS: dict[str, tuple[Callable[..., Any], Callable[..., Any], int]] = {
    "Euler–Maruyama": (rs.samplers.euler_maruyama, recursions.euler_maruyama, 1),
    "reverse diffusion": (rs.samplers.reverse_diffusion, recursions.reverse_diffusion, 1),
    "ancestral, small variance": (
        partial(rs.samplers.ancestral_vp, variance=rs.samplers.small_variance),
        partial(recursions.ancestral_vp, noise=rs.samplers.small_variance),
        1,
    ),
    "ancestral, large variance": (
        partial(rs.samplers.ancestral_vp, variance=rs.samplers.large_variance),
        partial(recursions.ancestral_vp, noise=rs.samplers.large_variance),
        1,
    ),
    "DDIM, η = 0": (partial(rs.samplers.ddim, eta=0.0), partial(recursions.ddim, eta=0.0), 1),
    "DDIM, η = 1": (partial(rs.samplers.ddim, eta=1.0), partial(recursions.ddim, eta=1.0), 1),
    "Euler on the flow": (rs.samplers.euler_ode, recursions.euler_ode, 1),
    "Heun on the flow": (rs.samplers.heun_ode, recursions.heun_ode, 2),
}
STEPS = (32, 64, 128, 256)
HEAD = """# Every sampler, its law and its order

N(m, C) with m = (0.7, −1), C = ((0.5, 0.2), (0.2, 1.5)), started from its exact marginal, on uniform times from 0.9 to
0.05. *W₂ to recursion*: the law probed from the steps against the per-eigenvalue closed form, relative. *Order*:
extrapolated from W₂ to the exact marginal at 32, 64, 128 and 256 steps. Nothing is sampled. Written by
`python -m validation.samplers --write`.

| sampler | path | published order | observed | W₂ to recursion | W₂ to target, 32 | 64 | 128 | 256 |
|---|---|---:|---:|---:|---:|---:|---:|---:|
"""


def row(name: str, path_name: str) -> tuple[str, float, float, int]:
    """One line of the table, with the order, the distance to the recursion and the published order."""
    make, recursion, published = SAMPLERS[name]
    path, first, last = PATHS[path_name]
    start, stop = _marginal(path, first), _marginal(path, last)
    errors = []
    for n in STEPS:
        law = rs.exact.law(make(path, np.linspace(first, last, n + 1)), TARGET, start)
        errors.append(rs.exact.wasserstein2(law, stop))
    times = np.linspace(first, last, STEPS[0] + 1)
    gap = rs.exact.wasserstein2(
        rs.exact.law(make(path, times), TARGET, start), _by_recursion(recursion, path, times, start)
    )
    gap /= float(np.sqrt(np.trace(stop.cov) + stop.mean @ stop.mean))
    order = rs.exact.observed_order(errors, STEPS)
    cells = [name, path_name, str(published), f"{order:.3f}", f"{gap:.0e}", *(f"{error:.1e}" for error in errors)]
    return f"| {' | '.join(cells)} |", order, gap, published


def _marginal(path: Any, t: float) -> Any:
    return TARGET.perturb(float(path.alpha(t)), float(path.sigma(t)))


def _by_recursion(recursion: Callable[..., Any], path: Any, times: Any, start: Any) -> Any:
    values, vectors = np.linalg.eigh(TARGET.cov)
    mean, variance = recursion(values, path, times).law(
        vectors.T @ TARGET.mean,
        start_mean=vectors.T @ start.mean,
        start_variance=np.diag(vectors.T @ start.cov @ vectors),
    )
    cov = (vectors * variance) @ vectors.T
    return rs.targets.gaussian(vectors @ mean, 0.5 * (cov + cov.T))


def main() -> int:
    """Print the table, or write the page; 1 if an order is off by more than 0.02 or a law by more than 1e-12."""
    parser = argparse.ArgumentParser(prog="python -m validation.samplers")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    rows = [row(name, path) for name in SAMPLERS for path in PATHS if not (name.startswith("anc") and path == "sub-VP")]
    text = "\n".join(line for line, *_ in rows) + "\n"
    solved = [solvers.solver_row(name, path) for name in solvers.SOLVERS for path in solvers.SPANS]
    more = "\n".join(line for line, *_ in solved) + "\n"
    if options.write:
        PAGE.write_text(HEAD + text + solvers.HEAD + more, encoding="utf-8")
    else:
        print(text + solvers.HEAD + more, end="")
    right = all(abs(order - published) <= 0.02 and gap <= 1e-12 for _, order, gap, published in rows)
    return 0 if right and all(abs(order - proved) <= 0.02 for _, order, proved in solved) else 1


if __name__ == "__main__":
    sys.exit(main())
