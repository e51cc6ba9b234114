"""``refscore check refscore_kernels``: everything conforms, and a kernel that is broken is found and named."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import refscore_kernels
from refscore.cli import main
from refscore.conformance import Selection, check_here
from refscore_kernels import backends, portable

PORTABLE = [adapter for adapter in refscore_kernels.adapter if adapter.name.startswith("portable")]


def failed(*only: str) -> dict[str, set[str]]:
    """Capabilities of the portable twin that fail, and the faults they look like."""
    report = check_here(*PORTABLE, selection=Selection(only=only))
    assert report.results
    found: dict[str, set[str]] = {}
    for result in report.results:
        if result.outcome != "pass":
            found.setdefault(result.capability, set()).update(d.fault for d in result.diagnosis)
    return found


def test_the_portable_twin_conforms() -> None:
    assert failed("target.*", "step.*", "sampler.*", "corrector.*") == {}


@pytest.mark.slow
def test_compiled_kernels_conform(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numba", reason="the compiled kernels need it")
    assert main(["check", "refscore_kernels", "--time-limit", "300"]) == 0
    out = capfd.readouterr().out
    assert "0 fail · 0 inconclusive" in out
    assert "compiled float32" in out


def broken(monkeypatch: pytest.MonkeyPatch, place: int, change: Any) -> None:
    """One of the tables (level, a, b, c, draws) of simple steps is another one."""
    right = backends.tables

    def wrong(plan: Any, dtype: Any) -> Any:
        numbers = list(right(plan, dtype))
        if plan.simple:
            numbers[place] = change(numbers[place])
        return tuple(numbers)

    monkeypatch.setattr(backends, "tables", wrong)


def test_noise_that_is_not_the_root_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, 3, lambda c: c * c)
    assert failed("step.langevin") == {"step.langevin": {"ULA-noise-step"}}


def test_a_drift_that_is_not_halved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, 2, lambda b: 2 * b)
    assert failed("step.langevin")["step.langevin"] == {"ULA-drift-not-halved"}


def test_one_number_off_by_1e_13_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, 2, lambda b: b * (1 + 1e-13))
    assert set(failed("step.langevin", "step.euler_ode")) == {"step.langevin", "step.euler_ode"}


def test_a_score_with_the_wrong_sign_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(right: Any) -> Any:
        def wrong(x: Any, level: int, params: Any) -> Any:
            g, log = right(x, level, params)
            return -g, log

        return wrong

    for name in ("gaussian", "diagonal_gaussian"):
        monkeypatch.setitem(portable.SCORES, name, turned(portable.SCORES[name]))
    found = failed("target.gaussian.*")
    assert {name: len(faults) for name, faults in found.items()} == {"target.gaussian.score": 1}
    assert "sign" in found["target.gaussian.score"].pop()


def test_importing_the_package_does_not_import_the_suite() -> None:
    code = "import sys, refscore_kernels; assert 'refscore.conformance' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_names_are_missing() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'adaptor'"):
        refscore_kernels.adaptor  # noqa: B018
