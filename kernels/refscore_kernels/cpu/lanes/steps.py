"""Steps that are linear in states, scores and noise (PLAN.1, PLAN.2): all of them for one block, then the next.

`plan` are the tables of a Plan, `params` what the score needs, of which `rows` rows of work. `place` is (chain,
offset, stream): lane l is chain + l, step k takes noise offset + k. `span` is (lane, end, width, k, end): which lanes,
how many at a time, which steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.cpu.lanes.noise import fill_64 as fill
from refscore_kernels.cpu.lanes.products import block, lanes_of


def load(y: Any, v: Any, x: Any, lo: Any, n: Any) -> None:
    """x[:, :n] = y[v, :, lo : lo + n]."""
    for i in range(x.shape[0]):
        for l in range(n):
            x[i, l] = y[v, i, lo + l]


def save(x: Any, y: Any, v: Any, lo: Any, n: Any) -> None:
    """y[v, :, lo : lo + n] = x[:, :n]."""
    for i in range(x.shape[0]):
        for l in range(n):
            y[v, i, lo + l] = x[i, l]


def simple(score: Any, params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """x' = (a x + b s(x)) + c z, one draw a step, or none."""
    level, a, b, c, draws = plan
    chain, offset, stream = place
    begin, end, width, first, last = span
    d = y.shape[1]
    wide = lanes_of(width, rows)
    x, g = block(d, wide, y), block(d, wide, y)  # lanes from n on hold numbers, too
    z, work = block(d + 3, wide, y), block(rows, wide, y)
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


def combine(t: Any, to: Any, d: Any, n: Any, m: Any, source: Any, factor: Any, where: Any) -> None:
    """Row `to` of t is the sum of factor × row, m terms in their order; four at a time stay in registers."""
    a, b, c, e = factor[0], factor[0], factor[0], factor[0]
    p, q, r, s = where[source[0]], where[source[0]], where[source[0]], where[source[0]]
    if m > 1:
        b, q = factor[1], where[source[1]]
    if m > 2:
        c, r = factor[2], where[source[2]]
    if m > 3:
        e, s = factor[3], where[source[3]]
    for i in range(d):
        if m == 0:
            for l in range(n):
                t[to, i, l] = 0
        elif m == 1:
            for l in range(n):
                t[to, i, l] = a * t[p, i, l]
        elif m == 2:
            for l in range(n):
                t[to, i, l] = a * t[p, i, l] + b * t[q, i, l]
        elif m == 3:
            for l in range(n):
                t[to, i, l] = (a * t[p, i, l] + b * t[q, i, l]) + c * t[r, i, l]
        else:
            for l in range(n):
                t[to, i, l] = ((a * t[p, i, l] + b * t[q, i, l]) + c * t[r, i, l]) + e * t[s, i, l]
        for j in range(4, m):
            a_j, p_j = factor[j], where[source[j]]
            for l in range(n):
                t[to, i, l] = t[to, i, l] + a_j * t[p_j, i, l]


def by_their_lengths(s: Any, z: Any, d: Any, n: Any, square: Any) -> None:
    """s becomes ρ² s and z ρ z, ρ² = |z|² / |s|², both summed in turn (KPC.1)."""
    for l in range(n):
        square[0, l] = z[0, l] * z[0, l]
        square[1, l] = s[0, l] * s[0, l]
    for i in range(1, d):
        for l in range(n):
            square[0, l] = square[0, l] + z[i, l] * z[i, l]
            square[1, l] = square[1, l] + s[i, l] * s[i, l]
    for l in range(n):
        t = square[0, l] / square[1, l]
        square[0, l] = t
        square[1, l] = np.sqrt(t)
    for i in range(d):
        for l in range(n):
            s[i, l] = square[0, l] * s[i, l]
            z[i, l] = square[1, l] * z[i, l]


def linear(score: Any, params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Any number of states, scores and draws: the sums of a Program over the rows of t.

    `where` is the row of t that a source stands in: states and scores change places instead of being copied.
    """
    level, by_lengths, used, terms, source, factor, at, kept = plan[8]
    chain, offset, stream = place
    begin, end, width, first, last = span
    n_states, d = y.shape[0], y.shape[1]
    n_scores, draws = level.shape[1], used.shape[1]
    point = 2 * n_states + n_scores + draws  # the last row, a score's argument; rows after the scores' are new states
    wide = lanes_of(width, rows)
    t = block((point + 1) * (d + 3), wide, y).reshape(point + 1, d + 3, wide)  # lanes from n on hold numbers, too
    work, square = block(rows, wide, y), block(2, wide, y)
    where = np.arange(point)
    for lo in range(begin, end, width):
        n = min(width, end - lo)
        for v in range(n_states):
            load(y, v, t[where[v], :d], lo, n)
        known = False
        for k in range(first, last):
            q = k % level.shape[0]
            for r in range(draws):
                if used[q, r] == 1:
                    at_step = (offset + k) * draws + r
                    fill(t[where[n_states + n_scores + r]], d, n, chain + lo, at_step, stream, keys)
            for j in range(n_scores + n_states):
                if j == n_scores and by_lengths[q] == 1:
                    by_their_lengths(t[where[n_states]], t[where[n_states + n_scores]], d, n, square)
                to = point
                if j >= n_scores:
                    to = where[n_states + n_scores + draws + j - n_scores]
                elif level[q, j] < 0 or (j == 0 and known):
                    continue
                elif at[q, j] >= 0:
                    to = where[at[q, j]]
                if j >= n_scores or at[q, j] < 0:
                    combine(t, to, d, n, terms[q, j], source[q, j], factor[q, j], where)  # (PLAN.1) (PLAN.2)
                if j < n_scores:
                    score(t[to, :d], t[where[n_states + j], :d], n, level[q, j], params, work)
            for v in range(n_states):
                new = n_states + n_scores + draws + v
                where[v], where[new] = where[new], where[v]
            known = kept[q] >= 0
            if known:
                held = n_states + kept[q]
                where[n_states], where[held] = where[held], where[n_states]
        for v in range(n_states):
            save(t[where[v], :d], y, v, lo, n)
