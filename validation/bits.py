"""Compiled kernels against their twins in NumPy, bit by bit: ``python -m validation.bits [--write] [--steps N]``.

Each kernel takes N chain steps, 10⁷ if not told otherwise: compiled for this machine, for AVX2 and for SSE2, each on
one thread and on two, and by the portable twin. The last states have to be the same to the last bit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

import refscore as rs
import refscore_kernels as rk

PAGE = Path(__file__).parents[1] / "docs" / "kernels" / "bits.md"
CHAIN_STEPS = 10**7
CODES = {
    "this machine": {},
    "AVX2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi2"},
    "SSE2": {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+sse2"},
}
HEAD = """# The same bits

Every kernel against its twin in NumPy, by `python -m validation.bits --write`. Each took {steps:,} chain steps; the
numbers of the last states are compared bit for bit. *Codes*: what the machine code was made for, each on one thread and
on two. *Reference*: the largest distance of a state from refscore's own steps on the same noise, over the largest one.

| kernel | type | numbers | codes | differ | reference |
|---|---|---:|---|---:|---:|
"""


def laws() -> dict[str, Any]:
    """A target for each kind of score."""
    means = 2 * rs.noise.normals(0, np.arange(4), 3)
    roots = rs.noise.normals(1, np.arange(4), 9).reshape(4, 3, 3)
    covs = roots @ roots.transpose(0, 2, 1) + 0.2 * np.eye(3)
    weights = [0.1, 0.2, 0.3, 0.4]
    return {
        "Gaussian": rs.targets.gaussian(means[0], covs[0]),
        "diagonal Gaussian": rs.targets.gaussian(means[0], [0.3, 1.0, 2.0]),
        "isotropic mixture": rs.targets.mixture(weights, means, [0.2, 0.4, 0.6, 0.8]),
        "diagonal mixture": rs.targets.mixture(weights, means, np.abs(means) + 0.2),
        "full mixture": rs.targets.mixture(weights, means, covs),
    }


def problems() -> dict[str, tuple[Any, Any, int]]:
    """Sampler, score and steps for each kernel, by name."""
    vp, times, steps = rs.paths.VP(), np.linspace(1.0, 0.01, 101), 100
    general = {"Langevin": rs.samplers.langevin(0.05), "OBABO": rs.samplers.obabo(0.2, friction=1.0)}

    def corrector(score: Any, x: Any, noise: Any, t: Any) -> Any:  # noqa: ARG001  it is the same at every time
        return rs.samplers.langevin_corrector_step(score, x, noise, snr=0.1)

    forms: dict[str, Any] = {
        "reverse SDE": rs.samplers.euler_maruyama(vp, times),
        "Heun": rs.samplers.heun_ode(vp, times),
        "predictor-corrector": rs.samplers.predictor_corrector(
            vp, times[::2], predictor=rs.samplers.reverse_diffusion, corrector=corrector
        ),
        "MALA": rk.Mala(0.1),
        "HMC": rk.Hmc(0.2, 5),
    }
    found = {f"{law}, {form}": (sampler, target, steps)
             for law, target in laws().items() for form, sampler in general.items()}  # fmt: skip
    found |= {f"{law}, {form}": (sampler, laws()[law], steps)
              for law in ("Gaussian", "isotropic mixture") for form, sampler in forms.items()}  # fmt: skip
    model = rs.fit.conditional_mlp(3, [32, 32], scaling=rs.models.edm(0.5), embedding=rs.models.C_NOISE, seed=3)
    annealed = rs.samplers.annealed([4.0, 2.0, 1.0, 0.5], step_size=0.05, steps_per_level=25)
    return found | {"network, annealed Langevin": (annealed, model, steps)}


def taken(name: str, dtype: Any, chain_steps: int, **how: Any) -> rk.State:
    """The state of a problem after its steps."""
    sampler, target, steps = problems()[name]
    start = rs.noise.normals(2, np.arange(chain_steps // steps), 3)
    given = None if getattr(sampler, "n_steps", None) else steps
    return rk.run(sampler, target, start, seed=3, steps=given, dtype=dtype, **how)


def digest(state: rk.State) -> str:
    """All bits of a state, in short."""
    parts = (state.x, *state.memory)
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


def elsewhere(code: dict[str, str], chain_steps: int) -> dict[str, str]:
    """Digests of all problems, in a process that compiles for another machine, on one thread and on two."""
    call = [sys.executable, "-m", "validation.bits", "--digests", "--steps", str(chain_steps)]
    done = subprocess.run(call, env=os.environ | code, check=True, stdout=subprocess.PIPE)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def digests(chain_steps: int) -> dict[str, str]:
    """Of all problems in this process."""
    return {
        f"{name}|{dtype.__name__}|{threads}": digest(taken(name, dtype, chain_steps, threads=threads))
        for name in problems()
        for dtype in (np.float64, np.float32)
        for threads in (1, 2)
    }


def main() -> int:
    """Print the table or write the page; 1 if any bit differs."""
    parser = argparse.ArgumentParser(prog="python -m validation.bits")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--digests", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=CHAIN_STEPS, metavar="N", help="chain steps of each kernel")
    options = parser.parse_args()
    n = options.steps
    if options.digests:
        print(json.dumps(digests(n)))
        return 0
    quiet = Console(stderr=True)
    made = track(CODES.items(), "compiled", console=quiet, transient=True)
    codes = {name: elsewhere(code, n) for name, code in made}
    rows, wrong = [], 0
    for name in track(list(problems()), "portable", console=quiet, transient=True):
        reference = taken(name, np.float64, n, backend="reference")
        for dtype in (np.float64, np.float32):
            twin = taken(name, dtype, n, backend="portable")
            truth, count = digest(twin), sum(part.size for part in (twin.x, *twin.memory))
            unequal = sum(found[f"{name}|{dtype.__name__}|{t}"] != truth for found in codes.values() for t in (1, 2))
            wrong += unequal
            gap = np.abs(twin.x - reference.x).max() / np.abs(reference.x).max() if dtype is np.float64 else None
            differ = f"in {unequal} codes" if unequal else "none"
            cells = (name, dtype.__name__, f"{count:,}", ", ".join(codes), differ,
                     "–" if gap is None else f"{gap:.0e}")  # fmt: skip
            rows.append(f"| {' | '.join(cells)} |")
    text = "\n".join(rows) + "\n"
    if options.write:
        PAGE.write_text(HEAD.format(steps=n) + text, encoding="utf-8")
    else:
        print(text, end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
