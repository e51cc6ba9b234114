"""The conversions once more: the two equations that define the pair, solved by mpmath in 50 digits."""

import mpmath as mp
import numpy as np

from refscore import predictions

mp.mp.dps = 50
U = 2.0**-53
FORMS = ["score", "noise", "data", "v", "velocity"]
PAIRS = [(a, b) for a in FORMS for b in FORMS if a != b]


def row(form, alpha, sigma, alpha_dot, sigma_dot):
    """The form as a row acting on (x̂0, ε̂)."""
    return {
        "score": [0, -1 / sigma],
        "noise": [0, 1],
        "data": [1, 0],
        "v": [-sigma, alpha],
        "velocity": [alpha_dot, sigma_dot],
    }[form]


def convert_exactly(a, b, value, x, scales):
    scales = [mp.mpf(float(s)) for s in scales]
    alpha, sigma = scales[:2]
    pair = mp.lu_solve(mp.matrix([[alpha, sigma], row(a, *scales)]), mp.matrix([mp.mpf(x), mp.mpf(value)]))
    return mp.fdot(row(b, *scales), list(pair))


def size(a, b, value, x, scales):
    """Sum of the absolute values of the terms: what the roundings of a conversion act on."""
    alpha, sigma, alpha_dot, sigma_dot = np.abs(scales)
    value, x = abs(value), abs(x)
    n, w = alpha**2 + sigma**2, alpha * sigma_dot + alpha_dot * sigma
    data, noise = {
        "score": ((x + sigma**2 * value) / alpha, sigma * value),
        "noise": ((x + sigma * value) / alpha, value),
        "data": (value, (x + alpha * value) / sigma),
        "v": ((alpha * x + sigma * value) / n, (sigma * x + alpha * value) / n),
        "velocity": ((sigma_dot * x + sigma * value) / w, (alpha_dot * x + alpha * value) / w),
    }[a]
    return {
        "score": noise / sigma,
        "noise": noise,
        "data": data,
        "v": alpha * noise + sigma * data,
        "velocity": alpha_dot * data + sigma_dot * noise,
    }[b]


def call(a, b, value, x, scales):
    function = getattr(predictions, f"{a}_to_{b}")
    return function(value, x, *(scales if "velocity" in (a, b) else scales[:2]))
