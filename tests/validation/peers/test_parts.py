"""The files of adapters: every known deviation has an owner, names are unique, levels are those asked for."""

from __future__ import annotations

import importlib
import importlib.util
import math
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich")
torch = pytest.importorskip("torch")

from refscore.conformance.expected import read_expected  # noqa: E402
from validation.peers.__main__ import HERE, PARTS, Part  # noqa: E402
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, levels  # noqa: E402

pytestmark = pytest.mark.peer
FILES = {Path(part.file).stem: part for part in PARTS}


def adapters_of(part: Part) -> Any:
    if part.lacking:
        pytest.skip(part.lacking)
    return importlib.import_module(f"validation.peers.{Path(part.file).stem}")


@pytest.mark.parametrize("part", PARTS, ids=FILES)
def test_names_are_unique_and_every_known_deviation_has_an_owner(part: Part) -> None:
    file = adapters_of(part)
    mine = file.adapter if isinstance(file.adapter, list) else [file.adapter]
    titles = [adapter.title for adapter in mine]
    assert len(set(titles)) == len(titles)
    for entry in read_expected(str((HERE / part.file).with_suffix(".toml"))):
        owners = [adapter for adapter in mine if fnmatchcase(adapter.title, entry.adapter)]
        assert owners, entry.adapter
        assert any(fnmatchcase(offer, entry.check.split("/")[0]) for own in owners for offer in own.offers), entry.check


@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("warm", [1, 3])
def test_azula_steps_on_the_levels_that_were_asked_for(warm: int, n: int) -> None:
    adapters_of(FILES["azula_samplers"])
    from validation.peers.azula_driver import _Nodes

    ratios = levels(warm)(n)
    alpha, sigma = _Nodes(ratios)(torch.linspace(1, 0, len(ratios), dtype=torch.float64))
    np.testing.assert_allclose((sigma / alpha).numpy(), ratios.numpy(), rtol=1e-15)
    np.testing.assert_allclose((alpha**2 + sigma**2).numpy(), 1.0, rtol=1e-15)


def test_flow_matching_ends_at_the_levels_of_the_orders() -> None:
    adapters_of(FILES["flow_matching_samplers"])
    from validation.peers.flow_matching_samplers import PEERS, adapter

    for mine in adapter[: len(PEERS)]:
        conventions = mine.offers["sampler.black_box"].conventions
        for end, ratio in (("start", SIGMA_MAX), ("stop", SIGMA_MIN)):
            alpha, sigma = conventions[end](10)
            assert math.isclose(sigma / alpha, ratio, rel_tol=1e-12), mine.name
