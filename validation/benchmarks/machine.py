"""Where and with what something was measured: processor, memory, versions; nothing that names the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from validation.benchmarks.process import environment

__all__ = ["machine"]

PACKAGES = (
    "refscore", "numpy", "scipy", "torch", "jax", "autograd", "numba", "blackjax", "diffrax", "torchsde", "scikit-learn"
)  # fmt: skip


def machine() -> dict[str, object]:
    """The machine and the versions of what is installed.

    Returns
    -------
    dict
        ``processor``, ``cores``, ``memory_gib``, ``system``, ``python``, ``blas`` and ``versions``.
    """
    versions = {name: version for name in PACKAGES if (version := _version(name))}
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": _blas(),
        "versions": versions,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """The model, with family and model number where the name is a general one, and the widest vectors."""
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return platform.processor() or platform.machine()
    fields: dict[str, str] = {}
    for line in information.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    numbers = [f"{name} {fields[key]}" for name, key in (("family", "cpu family"), ("model", "model")) if key in fields]
    flags = fields.get("flags", "").split()
    widest = next((f.upper() for f in ("avx512f", "avx2") if f in flags), "")
    return ", ".join(filter(None, [fields.get("model name", platform.machine()), *numbers, widest]))


def _memory() -> int | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)


def _blas() -> str:
    """NumPy's BLAS and, of OpenBLAS, the kernels it takes for this processor."""
    build = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index,call-overload,unused-ignore]
    with environment(1):
        verbose = {**os.environ, "OPENBLAS_VERBOSE": "2"}
        told = subprocess.run([sys.executable, "-c", "import numpy"], env=verbose, capture_output=True, text=True)
    core = re.search(r"^Core: (\w+)", told.stdout + told.stderr, re.MULTILINE)
    return f"{build['name']} {build['version']}" + (f", {core.group(1)} kernels" if core else "")
