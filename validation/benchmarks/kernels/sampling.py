"""Many chains on closed-form laws: Langevin, Euler–Maruyama on a reverse SDE, and MALA, one thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.kernels.agreement import same_law, same_states
from validation.benchmarks.kernels.goals import faster
from validation.benchmarks.kernels.libraries import ours, with_jax, with_numpy, with_torch, with_torchsde
from validation.benchmarks.kernels.problems import Chains
from validation.benchmarks.rows import Goal

__all__ = ["contests", "said"]

OWN = (Contestant("", "numba", ours.chains),)
NAMES = {"langevin": "Langevin", "reverse": "reverse SDE", "mala": "MALA"}
NUMPY, COLUMNS, DIFFERENCES = "NumPy", "NumPy, chains as columns", "NumPy, differences"
TORCH, JAX, FLOOR = "torch eager", "JAX jit, scan", "its normals alone"

# (method, components, d, chains, steps in a unit): goals against NumPy, torch and JAX, and above the normals alone.
Goals = dict[str, Goal]


def _goals(numpy: float, torch: float, jax: float, floor: float | None = None) -> Goals:
    found = {NUMPY: faster(numpy), TORCH: faster(torch), JAX: faster(jax)}
    return found if floor is None else {**found, FLOOR: Goal.at_most(floor)}


def cases() -> list[tuple[Chains, Goals]]:
    """What is measured in both types of number; goals are for float64.

    Returns
    -------
    list of (Chains, dict)
        Problems and goals.
    """
    small, two = _goals(3.5, 7, 7, 1.25), _goals(13, 15, 10, 2.5)
    return [
        (Chains("langevin", 0, 2, 10000, 100), small),
        (Chains("langevin", 0, 10, 10000, 20), small),
        (Chains("langevin", 4, 2, 10000, 100), two),
        (Chains("reverse", 4, 2, 10000, 500), two),
        (Chains("langevin", 10, 10, 10000, 20), _goals(5, 8, 9)),
        (Chains("langevin", 100, 64, 10000, 1), _goals(2.3, 4, 2)),
    ]


def contests() -> Iterator[Contest]:
    """The goals of float64, the same in float32, MALA, and Gaussians whose matrix product is all there is.

    Yields
    ------
    Contest
        One for each case.
    """
    for problem, goals in cases():
        yield _contest(problem, goals, libraries=problem.d == 2)
        if problem.method == "langevin" and problem.components == 4:
            yield _mala()
    for problem in (Chains("langevin", 0, 100, 10000, 1), Chains("langevin", 0, 1000, 1000, 1)):
        yield _contest(problem, {})
    for problem, _ in cases():
        yield _contest(replace(problem, dtype="float32"), {})


def said(problem: Chains) -> str:
    """A problem in words.

    Parameters
    ----------
    problem : Chains
        What is sampled.

    Returns
    -------
    str
        For the table.
    """
    law = f"mixture K = {problem.components}" if problem.components else "Gaussian"
    steps = f"{problem.steps} step{'s'[: problem.steps > 1]} of {problem.n} chains"
    return f"{NAMES[problem.method]}, {law}, d = {problem.d}, {problem.dtype}, {steps}"


def _contest(problem: Chains, goals: Goals, libraries: bool = False) -> Contest:
    peers = [
        (NUMPY, "numpy", with_numpy.rows),
        (COLUMNS, "numpy", with_numpy.columns),
        (TORCH, "torch", with_torch.eager),
        (JAX, "jax", with_jax.scan),
    ]
    found = [Contestant(*peer, goals.get(peer[0], Goal())) for peer in peers]
    if problem.components == 4:
        found.insert(2, Contestant(DIFFERENCES, "numpy", with_numpy.differences))
    if libraries:
        found.append(Contestant("torch.compile", "torch", with_torch.compiled))
        reverse = problem.method == "reverse"
        if not reverse:
            found.append(Contestant("blackjax SGLD", "blackjax", with_jax.blackjax_sgld))
        euler = (faster(11), faster(15)) if reverse else (Goal(), Goal())
        found.append(Contestant("diffrax Euler", "diffrax", with_jax.diffrax_euler, euler[0]))
        found.append(Contestant("torchsde Euler", "torchsde", with_torchsde.euler, euler[1]))
    found.append(Contestant("contract=True", "numba", ours.contracted))
    found.append(Contestant(FLOOR, "numba", ours.floor, goals.get(FLOOR, Goal.turned())))
    return Contest(said(problem), problem, 1, OWN, found, same_states)


def _mala() -> Contest:
    problem = Chains("mala", 4, 2, 10000, 100)
    peers = (Contestant("blackjax MALA", "blackjax", with_jax.blackjax_mala, faster(10)),)
    return Contest(said(problem), problem, 1, (Contestant("", "numba", ours.mala),), peers, same_law)
