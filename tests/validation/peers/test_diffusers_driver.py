"""validation/peers/diffusers_driver.py: levels, the network inside the EDM denoiser, names."""

from __future__ import annotations

import importlib.util
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
if importlib.util.find_spec("k_diffusion") is None:  # its package needs a dozen image libraries: it is not imported
    pytest.skip("k-diffusion is not installed", allow_module_level=True)

from refscore.conformance.exact_model import ExactModel  # noqa: E402
from refscore.conformance.expected import read_expected  # noqa: E402
from refscore.conformance.kinds import array_kind  # noqa: E402
from refscore.targets import gaussian  # noqa: E402
from validation.peers import (  # noqa: E402
    diffusers_driver,
    diffusers_grids,
    diffusers_schedulers,
    k_diffusion_grids,
    k_diffusion_samplers,
)
from validation.peers.diffusers_driver import Peer  # noqa: E402
from validation.peers.lift import levels  # noqa: E402

pytestmark = pytest.mark.peer
PEERS = {peer.name: peer for peer in diffusers_schedulers.PEERS}


def scheduler_of(peer: Peer, n_steps: int, prediction: str = "noise") -> Any:
    with diffusers_driver._as_released(peer):
        return diffusers_driver._scheduler(peer, n_steps, prediction)


def told(peer: Peer, n_steps: int) -> list[float]:
    """σ/α at every call of the network."""
    scheduler = scheduler_of(peer, n_steps, peer.predictions[0])
    pairs = [diffusers_driver._level(peer, scheduler, k, t) for k, t in enumerate(scheduler.timesteps)]
    return [sigma / alpha for alpha, sigma in pairs]


@pytest.mark.parametrize("name", ["Euler", "EDM Euler", "FlowMatch Euler", "PNDM, Euler start", "DEIS-1"])
def test_the_network_is_told_the_levels_that_were_asked_for(name: str) -> None:
    if name.startswith("PNDM"):  # every other level, without the first; the second one twice
        asked = levels()(19)[1::2].tolist()
        asked.insert(2, asked[1])
    else:
        asked = levels()(10)[:-1].tolist()
    np.testing.assert_allclose(told(PEERS[name], 10), asked, rtol=1e-12)


@pytest.mark.parametrize("name", ["KDPM2", "KDPM2 ancestral"])
def test_the_second_stage_is_at_the_level_between(name: str) -> None:
    found, asked = told(PEERS[name], 6), levels()(6).numpy()
    down = asked[1:]
    if "ancestral" in name:
        down = asked[1:] * np.sqrt(1 - (asked[:-1] ** 2 - asked[1:] ** 2) / asked[:-1] ** 2)
    np.testing.assert_allclose(found[::2], asked[:-1], rtol=1e-12)
    np.testing.assert_allclose(found[1::2], np.sqrt(asked[:-1] * down), rtol=1e-12)


@pytest.mark.parametrize("prediction", ["noise", "v"])
def test_the_edm_network_makes_the_denoiser(prediction: str) -> None:
    peer, x = PEERS["EDM Euler"], torch.tensor([[0.5, -1.0], [3.0, 2.0]], dtype=torch.float64)
    exact = ExactModel(gaussian([0.75, -0.375], [0.5, 0.25]), array_kind("torch", "float64"))
    scheduler = scheduler_of(peer, 5, prediction)
    inside = diffusers_driver._output(peer, scheduler, exact, prediction, x, 0, scheduler.timesteps[0])
    found = scheduler.precondition_outputs(x, inside, scheduler.sigmas[0])
    right = exact.data(x, alpha=1.0, sigma=float(scheduler.sigmas[0]))
    np.testing.assert_allclose(found.numpy(), right.numpy(), rtol=1e-13)


def test_names_are_unique_and_every_known_deviation_has_an_owner() -> None:
    titles = []
    for file in (diffusers_schedulers, diffusers_grids, k_diffusion_samplers, k_diffusion_grids):
        mine = [adapter.title for adapter in file.adapter]
        for entry in read_expected(str(Path(file.__file__).with_suffix(".toml"))):
            assert any(fnmatchcase(title, entry.adapter) for title in mine), entry.adapter
        titles += mine
    assert len(set(titles)) == len(titles)
