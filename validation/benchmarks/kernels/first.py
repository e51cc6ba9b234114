"""The first call: what importing, compiling and taking compiled code from the cache costs."""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from validation.benchmarks.process import environment
from validation.benchmarks.rows import Goal, Row, Skipped

__all__ = ["rows"]

PROBLEM = "from validation.benchmarks.kernels.problems import Chains; p = Chains('langevin', 4, 2, 64, 1)"
OURS = f"from validation.benchmarks.kernels.libraries import ours; {PROBLEM}; ours.chains(p).run(1)"
JAX = f"from validation.benchmarks.kernels.libraries import with_jax; {PROBLEM}; with_jax.scan(p).run(1)"
TORCH = f"from validation.benchmarks.kernels.libraries import with_torch; {PROBLEM}; with_torch.compiled(p).run(1)"
REPEAT = 3


def rows() -> Iterator[Row | Skipped]:
    """Each in a fresh interpreter; the cache of Numba is a new folder, then the same folder again.

    Yields
    ------
    Row or Skipped
        The ratio is the peer's time to ours.
    """
    work = "first call, Langevin, mixture K = 4, d = 2"
    with environment(1), tempfile.TemporaryDirectory() as folder:
        imported = [_time("import numpy", "import refscore_kernels", folder) for _ in range(REPEAT)]
        numpy = [_time("pass", "import numpy", folder) for _ in range(REPEAT)]
        if importlib.util.find_spec("numba") is None:
            yield Skipped(work, "all", "numba is not installed (pip install '.[bench]')")
            return
        compiled = [_time(_imports("numba"), OURS, folder)]
        loaded = [_time(_imports("numba"), OURS, folder) for _ in range(REPEAT)]
        yield _row("import refscore_kernels", "import numpy", numpy, imported)
        yield _row(f"{work}, compiled", "from the cache", loaded, compiled)
        for name, needs, code in (("JAX jit", "jax", JAX), ("torch.compile", "torch", TORCH)):
            if importlib.util.find_spec(needs) is None:
                yield Skipped(f"{work}, from the cache", name, f"{needs} is not installed (pip install '.[bench]')")
                continue
            seconds = [_time(_imports(needs), code, folder)]
            yield _row(f"{work}, from the cache", name, seconds, loaded)
            yield _row(f"{work}, compiled", name, seconds, compiled)


def _imports(library: str) -> str:
    """What is there before the clock starts: the library itself and the problem's own imports."""
    return f"import {library}; {PROBLEM}; p.law, p.start"


def _row(work: str, peer: str, theirs: list[float], own: list[float]) -> Row:
    seconds, other = statistics.median(own), statistics.median(theirs)
    return Row(work, peer, other / seconds, Goal(), seconds, peer_seconds=other)


def _time(before: str, statement: str, folder: str) -> float:
    code = f"import time; {before}; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": folder, "TORCHINDUCTOR_CACHE_DIR": folder}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=surroundings)
    return float(found.stdout.split()[-1])
