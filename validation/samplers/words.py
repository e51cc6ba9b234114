"""What the page says around its tables."""

from __future__ import annotations

__all__ = [
    "AFTER",
    "ARRIVES",
    "BEFORE",
    "CHAIN",
    "CONDITION",
    "CONSISTENCY",
    "DECISION",
    "DIFFERENT",
    "GAUSSIANS",
    "HEAD",
    "HELD",
    "LINE_CHAIN",
    "NOISY",
    "QUIET",
    "RECURSION",
    "VARIANCES",
]

BEFORE = """# Every sampler, its law and its order

Every sampler of `refscore.samplers` was run with the exact score on Gaussians and on mixtures of them, and held against
the law, or the flow, that it should have ended with. Nothing is sampled: laws come from affine maps or from quadrature.
Written by `python -m validation.samplers --write`, which fails if an order is off by more than 0.02.

A run starts from the exact law at its first level, on a grid even in log-SNR: from t = 0.7 to 0.1 on VP and sub-VP, 0.9
to 0.2 on cosine and flow matching's path, σ = 5 to ¼ on EDM's. So what is seen is the error of the steps alone. An
order is extrapolated from four doubled step counts (16 to 2048 steps are tried until they agree). "Started" methods
take their first steps with a single-step method of one order less.
"""
DIFFERENT = """## Orders that are not the published ones

All other orders are as published, each within 0.02.
"""
GAUSSIANS = """## Gaussians

N(m, C) in the plane, m = (0.7, −1), C with eigenvalues 0.8 and 0.8/κ. Columns:

* *function*: what the row runs, of `refscore.samplers`, with a link to its page; so in all tables;
* *published*: the order claimed in the literature, in law for samplers with noise; – where nobody claims one;
* *VP* … *EDM*: the order observed on that path, of the map against the exact flow for samplers without noise, of W₂
  to the exact law for others; "→" is the error that stays however many steps are taken;
* *spread*: how much too wide (+) or too narrow (−) the law is after 16 steps, on the first path of the row;
* *16*, *64*, *256*: W₂ to the exact law after so many steps, on that path.
"""
CONDITION = """### Condition number κ = {}
"""
HEAD = """| sampler | function | published | VP | sub-VP | cosine | flow | EDM | spread | W₂, 16 | 64 | 256 |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""
RECURSION = """The laws of {} of these samplers also follow from recursions along eigenvalues, with no step taken: the
largest relative W₂ between the two is {:.0e}."""
QUIET = """## Mixtures, samplers without noise

Two modes, of weights 0.7 and 0.3 and standard deviations 0.55 and 0.39, in the plane and on the line. Columns:

* *paths*, *flow*: the order of the distance between the ends of six paths in the plane and of the exact flow,
  integrated to 1e-13, on the first path of the row and on flow matching's;
* *law*: the order of W₂ on the line, which is exact there: the sampler is an increasing map, and so is the flow;
* *16*, *64*, *256*: that W₂ after so many steps; *W₁*: after 64.

| sampler | function | published | paths | flow | law | W₂, 16 | 64 | 256 | W₁, 64 |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"""
NOISY = """## Mixtures, samplers with noise

The mixture on the line. Columns:

* *weak*, *flow*: the order of E f(x) for six smooth f, by Kolmogorov's backward equation, on the first path of the row
  and on flow matching's;
* *law*: the order of W₂ to the exact law, by Chapman and Kolmogorov's equation, where the noise enters affinely and
  nothing is remembered;
* W₂, W₁ and total variation (*TV*) after so many steps.

| sampler | function | published | weak | flow | law | W₂, 16 | W₂, 64 | W₁, 64 | TV, 64 |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"""
CHAIN = """## Chains of equal steps

They end at a law of their own, and its distance from the target is told by the step size. Steps are counted by r: ε =
r ℓ, or h = √(r ℓ) where a step is a time, with ℓ the smallest variance of the target. Friction is 2/√ℓ. Columns:

* *κ*: condition number of the Gaussian;
* *order*: of W₂ between the law at the end and the target, in ε or in h as published;
* *spread*: how much wider the law at the end is, at r = ½;
* *½*, *⅛*, *1/32*: that W₂ at r;
* *steps*: after how many steps at r = ⅛ a distance to the end is 1/e of what it was, −1/log ρ.

| chain | function | κ | published | order | spread | W₂, r = ½ | ⅛ | 1/32 | steps |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"""
LINE_CHAIN = """On the mixture of the line, ℓ = 0.15, with the stationary law and the spectral gap of the kernel by
quadrature (*steps*, *W₁* and *TV* at r = ½):

| chain | function | published | order | W₂, r = ½ | ⅛ | 1/32 | W₁ | TV | steps |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"""
VARIANCES = """## Ancestral steps with other variances

On the same Gaussians, each for itself. [`ancestral_learned`](ancestral_variances.md) with v = ½ everywhere, which is
`learned_variance`; and the step of DDPM, [`ancestral_vp`](ancestral.md), with the `analytic_variance` of the target's
own mean square score. `learned_fraction` is the inverse of the first. Both have order 1; where all directions are
alike, κ = 1, the analytic variance makes no error at all. W₂ is on VP.

| sampler | κ | VP | flow | W₂, 16 | 64 | 256 |
|---|---:|---:|---:|---:|---:|---:|"""
CONSISTENCY = """## Multistep consistency sampling

[`consistency_multistep`](consistency_sampling.md), whose steps are `consistency_step`, with the exact function of the
flow: the law is that of the data at the boundary after 1, 2, 4 and 16 steps, to 1e-14 of its size in W₂.

| κ | VP | flow | EDM |
|---:|---:|---:|---:|"""
HELD = """## Adaptive steps

[`dpm_adaptive_12_step` and `dpm_adaptive_23_step`](dpm_adaptive.md) by [`adaptive_run`](step_control.md) from
`adaptive_start`, on VP, one tolerance ε for both `rtol` and `atol`. The state `Adaptive` of each of nine starts has a
step of its own. Columns:

* *error*: the power of ε with which the median distance from the exact flow falls, over the last two decades: 1, as
  far as it can be told (± 0.1), for the multiple of ε varies with where whole steps fall;
* *steps*: the power of 1/ε with which accepted steps grow: ½ and ⅓;
* then the median distance, the largest one, and the mean number of accepted steps at each ε.

The largest distance may be many ε: where x″ − x′ passes through 0, E is small for no merit, steps that are far too long
are accepted, and nothing limits how much they grow. With κ = 1 both coordinates pass through 0 together.

| solver | κ | error | steps | ε₁ | ε₂ | ε₃ | ε₄ |
|---|---:|---:|---:|---:|---:|---:|---:|"""
ARRIVES = """[`adaptive_sde_step`](adaptive_sde.md) rejects noise for being large. The part of the noise's variance that
arrives as the tolerance goes to 0, with θ = r = 0.9 and without a drift, is a number of the dimension alone, from the
stationary law of the steps it tries; no tolerance mends it. `predictable_sde_step` accepts all, and everything arrives.

| | d = 1 | 16 | 256 |
|---|---:|---:|---:|"""
DECISION = """## Metropolis decisions

MALA, [`mala_step`](mala.md), with ε = r ℓ, and Hamiltonian Monte Carlo, [`hmc_step`](hmc.md), with h = √(r ℓ) on the
Gaussians. Columns:

* *½*, *⅛*, *1/32*: the exact rate of acceptance at r, at stationarity;
* *stationary*: "exact" if p(x) φ(z) min(1, a) is the same there and back, at 200 states and at each r, to 1e-12 of its
  logarithm, with thresholds found by bisection from the step as a black box: the target is the stationary law.

| step | κ | ½ | ⅛ | 1/32 | stationary |
|---|---:|---:|---:|---:|---:|"""
AFTER = """## Not in the tables of orders

Steps without an order of this kind; what is true of them is derived and executed on their own pages.

* `mala_step`, `metropolis_step`, `hmc_step`: the decision makes the target stationary at every step size; what the step
  size costs is the rate of [acceptance](../exact/acceptance.md) above.
* `langevin_corrector_step`, `batch_corrector_step`: their size depends on state and noise, and no size leads to the
  target; see [predictor-corrector](predictor_corrector.md).
* `projected_langevin_step`, `reflected_langevin_step`: walls add an error of order ½ in ε to the first, see
  [walls](../exact/walls.md). `sphere_langevin_step`: see the [geodesic walk](../exact/geodesic_walk.md).
* `flow_rk45`: it chooses its steps, and its error follows the tolerance; see [Runge-Kutta](runge_kutta.md).

On mixtures, samplers with noise whose steps remember have a joint law in more dimensions: "–" above.
"""
