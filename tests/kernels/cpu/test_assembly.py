"""The machine code of the kernels: inner loops are vectors, nothing is contracted, no library is called.

A loop that LLVM gives up on still gives the right bits, several times slower; nothing else would tell.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="compiled kernels need Numba")
if platform.machine() not in ("x86_64", "AMD64"):
    pytest.skip(f"the assembly of {platform.machine()} is not read here, only x86-64's", allow_module_level=True)

LOOPS = 17  # of a step on a mixture, with AVX-512; more where a tile takes more vectors
ROOT = Path(__file__).parents[3]
PRINT = """
import json, sys
import numpy as np
import refscore as rs, refscore_kernels as rk
from refscore_kernels.backends import compiled
law = rs.targets.mixture([0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], 0.3)
rk.run(rs.samplers.langevin(0.1), law, np.zeros((3, 2)), seed=1, steps=1, contract={contract})
code = compiled(False, {contract})["run_simple_isotropic_mixture"].inspect_asm()
print(json.dumps(list(code.values())))
"""


def assembly(folder: Path, contract: bool, script: str = PRINT) -> str:
    """The code of a kernel, compiled anew: Numba keeps no assembly of what it takes from its cache."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", script.format(contract=contract)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (code,) = json.loads(done.stdout)
    return str(code)


def operations(code: str) -> Counter[str]:
    """How often each instruction stands there, without the v of the vector forms."""
    return Counter(re.sub("^v", "", line.split()[0]) for line in code.splitlines() if line.startswith("\t"))


def inner_loops(code: str) -> list[Counter[str]]:
    """The innermost loops: what stands between a label and the last jump back to it."""
    lines = code.splitlines()
    labels = {line[:-1]: i for i, line in enumerate(lines) if re.fullmatch(r"\.\w+:", line)}
    jumps = ((i, re.search(r"\sj\w+\s+(\.\w+)", line)) for i, line in enumerate(lines))
    spans = {(labels[found[1]], i) for i, found in jumps if found and labels.get(found[1], i) < i}
    inner = [s for s in spans if not any(s != o and s[0] <= o[0] and o[1] <= s[1] for o in spans)]
    return [operations("\n".join(lines[first:last])) for first, last in sorted(inner)]


def vector_loops(code: str) -> list[Counter[str]]:
    """The innermost loops that have packed arithmetic."""
    return [loop for loop in inner_loops(code) if any(loop[f"{name}pd"] for name in ("add", "sub", "mul"))]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> str:
    return assembly(tmp_path_factory.mktemp("cache"), False)


def test_inner_loops_are_vectors(code: str) -> None:
    """Every loop over lanes that computes has a packed form; those that make normals and exponentials are whole."""
    loops = vector_loops(code)
    scalar = ("addsd", "subsd", "mulsd", "divsd", "sqrtsd")
    assert not [name for loop in loops for name in scalar if loop[name]]
    assert len(loops) >= LOOPS, f"{len(loops)} vector loops; expected {LOOPS}: a loop over lanes is not vectorised"
    noise = [loop for loop in loops if loop["sqrtpd"]]
    assert noise, "the loop that makes normals is not a vector loop"
    assert noise[0]["pmuludq"] + noise[0]["pmullq"] >= 16, "Philox has ten rounds of two products"
    assert noise[0]["sqrtpd"] >= 2, "vectors in alternation"
    assert [loop for loop in loops if loop["psllq"] and loop["mulpd"] >= 10 and not loop["sqrtpd"]], "exponentials"


def test_nothing_is_contracted_and_no_function_called(code: str) -> None:
    assert not [name for name in operations(code) if "fmadd" in name or "fmsub" in name or "fnmadd" in name]
    called = set(re.findall(r"call\w*\s+\*?%?(\w+)", code)) | set(re.findall(r"movabsq\s+\$(\w+),", code))
    assert not {name for name in called if re.fullmatch(r"_*(exp|log|sin|cos|pow|sincos)f?", name)}


@pytest.mark.slow
def test_contraction_is_used_where_it_is_asked_for(tmp_path: Path) -> None:
    found = operations(assembly(tmp_path, True))
    assert any("fmadd" in name for name in found) or not any("ymm" in name for name in found)


@pytest.mark.slow
def test_proposals_are_accepted_without_branches(tmp_path: Path) -> None:
    """Log a is compared with log u, and state, score and log density are chosen, many lanes at a time."""
    script = PRINT.replace("rs.samplers.langevin(0.1)", "rk.Mala(0.1)").replace(
        "law, ", "rs.targets.gaussian([0, 1], 0.3), "
    )
    script = script.replace("run_simple_isotropic_mixture", "run_metropolis_diagonal_gaussian")
    loops = inner_loops(assembly(tmp_path, False, script))
    compared = [loop for loop in loops if any(re.match(r"cmp\w*pd$", name) for name in loop)]
    assert [loop for loop in compared if loop["divpd"] and loop["mulpd"] >= 10], "-log u < log a"
    chosen = [loop for loop in compared if not any(loop[f"{name}pd"] for name in ("add", "sub", "mul", "div", "max"))]
    assert len(chosen) >= 3
