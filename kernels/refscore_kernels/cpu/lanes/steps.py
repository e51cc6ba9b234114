"""Steps that are linear in states, scores and noise (PLAN.1, PLAN.2): all of them for one block, then the next.

`plan` are the tables of a Plan, `params` what the score needs, of which `rows` rows of work. `place` is (chain,
offset, stream): lane l is chain + l, step k takes noise offset + k. `span` is (lane, end, width, k, end): which lanes,
how many at a time, which steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.cpu.lanes.noise import fill_64 as fill


def load(y: Any, v: Any, block: Any, lo: Any, n: Any) -> None:
    """block[:, :n] = y[v, :, lo : lo + n]."""
    for i in range(block.shape[0]):
        for l in range(n):
            block[i, l] = y[v, i, lo + l]


def save(block: Any, y: Any, v: Any, lo: Any, n: Any) -> None:
    """y[v, :, lo : lo + n] = block[:, :n]."""
    for i in range(block.shape[0]):
        for l in range(n):
            y[v, i, lo + l] = block[i, l]


def simple(score: Any, params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """x' = (a x + b s(x)) + c z, one draw a step, or none."""
    level, a, b, c, draws = plan
    chain, offset, stream = place
    begin, end, width, first, last = span
    d = y.shape[1]
    x, g = np.zeros((d, width), y.dtype), np.empty((d, width), y.dtype)  # lanes from n on hold numbers, too
    z, work = np.empty((d + 3, width), y.dtype), np.empty((rows, width), y.dtype)
    for lo in range(begin, end, width):
        n = min(width, end - lo)
        load(y, 0, x, lo, n)
        for k in range(first, last):
            q = k % level.shape[0]
            score(x, g, n, level[q], params, work)
            ak, bk, ck = a[q], b[q], c[q]
            if draws == 0:
                for i in range(d):
                    for l in range(n):
                        x[i, l] = ak * x[i, l] + bk * g[i, l]
            else:
                fill(z, d, n, chain + lo, offset + k, stream, keys)
                for i in range(d):
                    for l in range(n):
                        x[i, l] = (ak * x[i, l] + bk * g[i, l]) + ck * z[i, l]
        save(x, y, 0, lo, n)


def add(out: Any, c: Any, x: Any, n: Any, fresh: Any) -> Any:
    """out + c x, or c x if nothing stands there yet; whether nothing does still."""
    if c == 0:
        return fresh
    for i in range(out.shape[0]):
        if fresh:
            for l in range(n):
                out[i, l] = c * x[i, l]
        else:
            for l in range(n):
                out[i, l] = out[i, l] + c * x[i, l]
    return False


def clear(out: Any, n: Any, fresh: Any) -> None:
    """Zeros where nothing was added."""
    if fresh:
        for i in range(out.shape[0]):
            for l in range(n):
                out[i, l] = 0


def linear(score: Any, params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Any number of states, scores and draws; terms are added in the order states, scores, draws, zeros left out."""
    level, point_state, point_score, point_noise, by_state, by_score, by_noise = plan
    chain, offset, stream = place
    begin, end, width, first, last = span
    n_states, d = y.shape[0], y.shape[1]
    n_scores, draws = level.shape[1], by_noise.shape[2]
    x, moved = np.empty((n_states, d, width), y.dtype), np.empty((n_states, d, width), y.dtype)
    s, u = np.empty((n_scores, d, width), y.dtype), np.zeros((d, width), y.dtype)
    z, work = np.empty((draws, d + 3, width), y.dtype), np.empty((rows, width), y.dtype)
    for lo in range(begin, end, width):
        n = min(width, end - lo)
        for v in range(n_states):
            load(y, v, x[v], lo, n)
        for k in range(first, last):
            q = k % level.shape[0]
            for r in range(draws):
                fill(z[r], d, n, chain + lo, (offset + k) * draws + r, stream, keys)
            for j in range(n_scores):
                if level[q, j] < 0:
                    break
                fresh = True
                for v in range(n_states):
                    fresh = add(u, point_state[q, j, v], x[v], n, fresh)
                for i in range(j):
                    fresh = add(u, point_score[q, j, i], s[i], n, fresh)
                for r in range(draws):
                    fresh = add(u, point_noise[q, j, r], z[r, :d], n, fresh)  # (PLAN.1)
                clear(u, n, fresh)
                score(u, s[j], n, level[q, j], params, work)
            for v in range(n_states):
                fresh = True
                for w in range(n_states):
                    fresh = add(moved[v], by_state[q, v, w], x[w], n, fresh)
                for j in range(n_scores):
                    fresh = add(moved[v], by_score[q, v, j], s[j], n, fresh)
                for r in range(draws):
                    fresh = add(moved[v], by_noise[q, v, r], z[r, :d], n, fresh)  # (PLAN.2)
                clear(moved[v], n, fresh)
            x, moved = moved, x
        for v in range(n_states):
            save(x[v], y, v, lo, n)
