"""The machine code of networks: vectors without a scalar rest, nothing contracted, the same bits from any vectors."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import refscore_kernels as rk
from tests.kernels.nets import ACTIVATIONS, plain, points

pytest.importorskip("numba", reason="compiled kernels need Numba")
if platform.machine() not in ("x86_64", "AMD64"):
    pytest.skip(f"the assembly of {platform.machine()} is not read here, only x86-64's", allow_module_level=True)

ROOT = Path(__file__).parents[3]
WIDTHS = [3, 9, 17, 6, 3]
PRINT = """
import hashlib, json
import refscore_kernels as rk
from refscore_kernels.backends import compiled
from tests.kernels.nets import ACTIVATIONS, plain, points
values = [rk.network_score(plain({widths}, a), points()) for a in ACTIVATIONS]
code = compiled(False, False)["run_score_network"].inspect_asm()
print(json.dumps([hashlib.sha1(b"".join(v.tobytes() for v in values)).hexdigest(), *code.values()]))
"""
MACHINES = {
    "here": {},
    "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi2"},
    "sse2": {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+sse2"},
}


def made_for(machine: dict[str, str], folder: Path) -> tuple[str, Counter[str]]:
    """A digest of values, and how often each instruction stands in the code, compiled anew for a machine."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": paths} | machine
    code = PRINT.format(widths=WIDTHS)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    digest, assembly = json.loads(done.stdout)
    lines = (line for line in assembly.splitlines() if line.startswith("\t"))
    return digest, Counter(re.sub("^v", "", line.split()[0]) for line in lines)


@pytest.mark.parametrize(
    "machine", ["here", pytest.param("avx2", marks=pytest.mark.slow), pytest.param("sse2", marks=pytest.mark.slow)]
)
def test_vectors_and_the_same_bits(machine: str, tmp_path: Path) -> None:
    if machine == "avx2" and "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this machine has no AVX2")
    digest, found = made_for(MACHINES[machine], tmp_path)
    values: list[Any] = [rk.network_score(plain(WIDTHS, a), points(), backend="portable") for a in ACTIVATIONS]
    assert digest == hashlib.sha1(b"".join(v.tobytes() for v in values)).hexdigest()
    assert not [name for name in found if "fmadd" in name or "fmsub" in name or "fnmadd" in name]
    assert found["divpd"] >= len(ACTIVATIONS), "an activation is no vector loop"
    assert not found["divsd"], "an activation has a scalar rest"
    assert found["mulpd"] > 5 * found["mulsd"], (
        "more than the inputs and outputs, whose lanes may be fewer, have a rest"
    )
