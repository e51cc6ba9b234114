"""``scaling.consistency``: other algebra conforms in both dtypes; a boundary that is missed does not."""

import numpy as np
import pytest

from refscore.conformance import Adapter, check_here


def report_of(function, dtype="float64"):
    adapter = Adapter("under test", dtype=dtype)
    adapter.implements("scaling.consistency")(function)
    return check_here(adapter)


def as_in_the_paper(sigma, *, sigma_data, sigma_min):
    skip = sigma_data**2 / ((sigma - sigma_min) ** 2 + sigma_data**2)
    return skip, (sigma - sigma_min) * sigma_data / (sigma**2 + sigma_data**2) ** 0.5


def by_ratios(sigma, *, sigma_data, sigma_min):
    ratio = (sigma - sigma_min) / sigma_data
    return 1 / (1 + ratio * ratio), (sigma - sigma_min) / np.sqrt(1 + (sigma / sigma_data) ** 2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", [as_in_the_paper, by_ratios])
def test_any_algebra_conforms(function, dtype):
    results = report_of(function, dtype).results
    assert [(r.check, r.ratio, r.message) for r in results if r.outcome != "pass"] == []


def test_a_boundary_that_is_missed_by_little_is_seen():
    def nearly(sigma, *, sigma_data, sigma_min):
        return as_in_the_paper(sigma, sigma_data=sigma_data, sigma_min=sigma_min * (1 - 1e-9))

    assert report_of(nearly).exit_code == 1
