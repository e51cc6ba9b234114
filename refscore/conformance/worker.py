"""The process in which an adapter runs: :func:`main`, driven by :mod:`.checking`.

Requests come pickled on standard input, messages go pickled to what standard output was at the start; whatever the
implementation prints goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

from refscore.conformance.adapter import Adapter
from refscore.conformance.capability import Offer
from refscore.conformance.loading import TargetError, load
from refscore.conformance.results import AdapterInfo
from refscore.conformance.runner import Selection, plan, run, statistical

__all__ = ["describe_adapters", "main", "work"]


def describe_adapters(adapters: tuple[Adapter, ...], selection: Selection) -> tuple[AdapterInfo, ...]:
    """What a report says about the adapters, the number of planned checks included.

    Parameters
    ----------
    adapters : tuple of Adapter
        The adapters of a target.
    selection : Selection
        Which checks.

    Returns
    -------
    tuple of AdapterInfo
        One for each.
    """
    return tuple(
        AdapterInfo(
            name=adapter.name,
            version=adapter.version,
            arrays=adapter.arrays,
            dtype=adapter.dtype,
            offers=tuple((name, _declared(offer)) for name, offer in adapter.offers.items()),
            planned=len(plan(adapter, selection)),
            statistical=statistical(adapter, selection),
        )
        for adapter in adapters
    )


def _declared(offer: Offer) -> str:
    defaults = offer.capability.defaults
    changed = {k: v for k, v in offer.conventions.items() if v != defaults[k] and isinstance(v, (int, float, str))}
    return ", ".join([*(["derived"] if offer.derived else []), *(f"{name}={value}" for name, value in changed.items())])


def work(target: str, selection: Selection, skip: int, send: Callable[[Any], None]) -> None:
    """Load a target and send what happens.

    Parameters
    ----------
    target : str
        File, module or module:attribute.
    selection : Selection
        Which checks.
    skip : int
        Checks of the whole plan that are done already.
    send : callable
        Takes ("unusable", message), ("ready", infos, plan), ("event", adapter number, event) and ("end",).
    """
    try:
        adapters = load(target)
        plans = [plan(adapter, selection) for adapter in adapters]
        checks = [(number, f"{c}/{n}") for number, planned in enumerate(plans) for c, n in planned]
        send(("ready", describe_adapters(adapters, selection), checks))
        for number, adapter in enumerate(adapters):
            done, skip = min(skip, len(plans[number])), max(0, skip - len(plans[number]))
            if done < len(plans[number]):
                for event in run(adapter, selection, target, done):
                    send(("event", number, event))
    except (TargetError, ModuleNotFoundError) as error:
        send(("unusable", str(error)))
    else:
        send(("end",))


def main() -> None:
    """Serve one request."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # prints of the implementation must not get between the messages
    target, selection, skip = pickle.load(sys.stdin.buffer)

    def send(message: Any) -> None:
        pickle.dump(message, channel)
        channel.flush()

    work(target, selection, skip, send)
    channel.close()
    os._exit(0)  # an implementation's threads and exit handlers cannot keep us
