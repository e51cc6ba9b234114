"""Every fault of the catalogue is caught and named, and the suite lets its own reference pass.

That the reference is right, and how far inside its bounds, is told by a second route in tests/validation/catalogue.
"""

import math

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capability import as_values, ratio_of

U = 2.0**-53
VALUED = [c for c in CATALOGUE.values() if c.checks is None]
FAULTS = [(c, f) for c in VALUED for f in c.faults]


def adapter_of(capability, function, dtype="float64", **declared):
    adapter = Adapter("under test", dtype=dtype)
    adapter.implements(capability.name, **declared)(function)
    return adapter


@pytest.mark.parametrize("capability", VALUED, ids=lambda c: c.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_reference_conforms(capability, dtype):
    def in_dtype(*arguments, **keywords):
        result = capability.reference(*arguments, **keywords)
        return tuple(np.asarray(r, dtype) for r in result) if isinstance(result, tuple) else np.asarray(result, dtype)

    report = check_here(adapter_of(capability, in_dtype, dtype))
    assert [(r.check, r.message) for r in report.results if r.outcome != "pass"] == []
    assert report.exit_code == 0
    if dtype == "float64":
        assert max(r.ratio for r in report.results if not math.isnan(r.ratio)) < 1


@pytest.mark.parametrize(("capability", "fault"), FAULTS, ids=lambda v: v.name)
def test_every_fault_is_caught_and_named(capability, fault):
    with np.errstate(all="ignore"):
        report = check_here(adapter_of(capability, fault.function, **fault.declared))
    assert report.exit_code == 1
    failed = [r for r in report.results if r.outcome == "fail"]
    assert [d.fault for d in failed[0].diagnosis] == [fault.name]


@pytest.mark.parametrize(("capability", "fault"), FAULTS, ids=lambda v: v.name)
def test_every_fault_is_far_outside_the_bound(capability, fault):
    worst = 0.0
    for case in capability.cases({**capability.defaults, **fault.declared}):
        with np.errstate(all="ignore"):
            try:
                wrong = as_values(case.expect(fault.function))
            except ValueError:  # the mistake cannot even be made with these shapes
                continue
            right = as_values(case.expect(capability.reference))
        for w, r, size in zip(wrong, right, case.size):
            worst = max(worst, math.inf if w.shape != r.shape else ratio_of(w, r, size, U).max())
    assert worst > 1000
