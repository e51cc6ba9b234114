"""How the time of a step grows with chains, dimension and components, beside NumPy's; one thread."""

from __future__ import annotations

from collections.abc import Iterator

from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.kernels.agreement import same_states
from validation.benchmarks.kernels.libraries import with_jax, with_numpy
from validation.benchmarks.kernels.problems import Chains
from validation.benchmarks.kernels.sampling import JAX, NUMPY, OWN, said

__all__ = ["AXES", "contests"]

AXES: dict[str, list[Chains]] = {
    "chains": [
        Chains("langevin", 4, 2, n, max(1, min(1000, 2 * 10**5 // n))) for n in (8, 64, 512, 4096, 32768, 10**6)
    ],
    "dimension": [
        Chains("langevin", 0, d, n, max(1, 10**5 // (n * d)))
        for d, n in ((1, 1000), (3, 1000), (10, 1000), (30, 1000), (100, 1000), (300, 1000), (1000, 1001))
    ],
    "components": [Chains("langevin", k, 3, 1000, max(1, 400 // k)) for k in (1, 4, 10, 30, 100, 300, 1000)],
}


def contests() -> Iterator[Contest]:
    """Each axis.

    Yields
    ------
    Contest
        One for each point; few chains against JAX as well, whose steps cost little.
    """
    for name, problems in AXES.items():
        for problem in problems:
            peers = [Contestant(NUMPY, "numpy", with_numpy.rows)]
            if name == "chains":
                peers.append(Contestant(JAX, "jax", with_jax.scan))
            yield Contest(said(problem), problem, 1, OWN, peers, same_states)
