"""What ``import refscore`` costs above ``import numpy``, and what the parts cost that one reaches for first."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from validation.benchmarks.rows import Goal, Row

__all__ = ["rows"]

WORK = {
    "import refscore": "import refscore",
    "rs.targets": "import refscore; refscore.targets",
    "rs.exact": "import refscore; refscore.exact",
    "refscore check (nothing run)": "import refscore.cli",
}
REPEAT = 9


def rows() -> Iterator[Row]:
    """Time each import in a fresh interpreter, in turn with NumPy's own.

    Yields
    ------
    Row
        The ratio is ours to the import of NumPy, the seconds are those above NumPy.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ("numpy", *WORK)}
    for _ in range(REPEAT):
        seconds["numpy"].append(_time("pass", "import numpy"))
        for name, statement in WORK.items():
            seconds[name].append(_time("import numpy", statement))
    numpy = statistics.median(seconds["numpy"])
    for name in WORK:
        above = statistics.median(seconds[name])
        goal = Goal("below 0.25 s above NumPy", most=0.25 / numpy) if name == "import refscore" else Goal()
        yield Row(name, "import numpy", above / numpy, goal, above, peer_seconds=numpy)


def _time(before: str, statement: str) -> float:
    code = f"import time; {before}; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
