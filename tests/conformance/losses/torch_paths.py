"""Losses along diffusion paths in torch, as DDPM, score SDEs, EDM and the training scripts of libraries have them."""

from tests.conformance.losses.form import collector

try:
    import torch
    import torch.nn.functional as F
except ModuleNotFoundError:  # the forms are listed without torch, and run with it
    torch = F = None

__all__ = ["FORMS"]

FORMS, written = collector()

EVERYTHING = {"factor": 1, "reduction": "mean", "dimension": "mean"}


def at(level):
    return level.view(-1, 1)


@written("diffusion: p_losses, simple", "path", prediction="noise", noise="recorded", **EVERYTHING)
def ddpm(predict, x_start, t, *, alpha, sigma):
    noise = torch.randn_like(x_start)
    x_noisy = at(alpha) * x_start + at(sigma) * noise
    return F.mse_loss(noise, predict(x_noisy, t))


def mean_flat(value):
    return value.mean(dim=list(range(1, value.dim())))


@written("guided-diffusion: training_losses, epsilon", "path", prediction="noise", factor=1, dimension="mean")
def guided_epsilon(predict, x0, noise, t, *, alpha, sigma):
    x_t = at(alpha) * x0 + at(sigma) * noise
    return mean_flat((noise - predict(x_t, t)) ** 2)


@written("guided-diffusion: training_losses, start_x", "path", prediction="data", factor=1, dimension="mean")
def guided_start(predict, x0, noise, t, *, alpha, sigma):
    x_t = at(alpha) * x0 + at(sigma) * noise
    return mean_flat((x0 - predict(x_t, t)) ** 2)


@written("score_sde_pytorch: reduce_mean", "path", weight="sigma**2", noise="recorded", **EVERYTHING)
def score_sde_mean(predict, batch, t, *, alpha, sigma):
    z = torch.randn_like(batch)
    perturbed = alpha[:, None] * batch + sigma[:, None] * z
    losses = torch.square(predict(perturbed, t) * sigma[:, None] + z)
    losses = torch.mean(losses.reshape(losses.shape[0], -1), dim=-1)
    return torch.mean(losses)


@written("score_sde_pytorch: reduce_mean=False", "path", weight="sigma**2", reduction="mean")
def score_sde_sum(predict, x0, noise, t, *, alpha, sigma):
    score = predict(alpha[:, None] * x0 + sigma[:, None] * noise, t)
    losses = torch.square(score * sigma[:, None] + noise)
    return torch.mean(0.5 * torch.sum(losses.reshape(len(x0), -1), dim=-1))


@written("score_sde_pytorch: likelihood_weighting", "path", weight="diffusion**2", **EVERYTHING)
def score_sde_likelihood(predict, x0, noise, t, *, alpha, sigma, diffusion):
    g2 = diffusion**2
    score = predict(alpha[:, None] * x0 + sigma[:, None] * noise, t)
    losses = torch.square(score + noise / sigma[:, None])
    return torch.mean(torch.mean(losses.reshape(len(x0), -1), dim=-1) * g2)


@written("score SDE tutorial, sum over dimensions", "path", weight="sigma**2", factor=1, reduction="mean")
def score_sde_tutorial(predict, x0, noise, t, *, alpha, sigma):
    score = predict(at(alpha) * x0 + at(sigma) * noise, t)
    return torch.mean(torch.sum((score * at(sigma) + noise) ** 2, dim=1))


def compute_snr(alpha, sigma):
    return (alpha / sigma) ** 2


@written("diffusers scripts: snr_gamma=5, epsilon", "path", prediction="noise", weight="min_snr", **EVERYTHING)
def min_snr_of_epsilon(predict, x0, noise, t, *, alpha, sigma):
    snr = compute_snr(alpha, sigma)
    weights = torch.stack([snr, 5.0 * torch.ones_like(t)], dim=1).min(dim=1)[0]
    weights = weights / snr
    loss = F.mse_loss(predict(at(alpha) * x0 + at(sigma) * noise, t), noise, reduction="none")
    loss = loss.mean(dim=list(range(1, len(loss.shape)))) * weights
    return loss.mean()


@written("diffusers scripts: snr_gamma=5, v_prediction", "path", prediction="v", weight="min_snr", **EVERYTHING)
def min_snr_of_v(predict, x0, noise, t, *, alpha, sigma):
    target = at(alpha) * noise - at(sigma) * x0
    snr = compute_snr(alpha, sigma)
    weights = torch.stack([snr, 5.0 * torch.ones_like(t)], dim=1).min(dim=1)[0]
    weights = weights / (snr + 1)
    loss = F.mse_loss(predict(at(alpha) * x0 + at(sigma) * noise, t), target, reduction="none")
    return (loss.mean(dim=list(range(1, len(loss.shape)))) * weights).mean()


@written("diffusers scripts: unconditional, sample", "path", prediction="data", weight="snr", **EVERYTHING)
def sample_by_snr(predict, x0, noise, t, *, alpha, sigma):
    loss = F.mse_loss(predict(at(alpha) * x0 + at(sigma) * noise, t), x0, reduction="none")
    return (at(compute_snr(alpha, sigma)) * loss).mean()


@written("denoising-diffusion-pytorch: pred_x0, min-SNR", "path", prediction="data", weight="min_snr", **EVERYTHING)
def lucidrains_start(predict, x0, noise, t, *, alpha, sigma):
    snr = alpha**2 / sigma**2
    loss = F.mse_loss(predict(at(alpha) * x0 + at(sigma) * noise, t), x0, reduction="none")
    return (loss.flatten(1).mean(1) * snr.clone().clamp_(max=5)).mean()


@written("denoising-diffusion-pytorch: pred_v", "path", prediction="v", **EVERYTHING)
def lucidrains_v(predict, x0, noise, t, *, alpha, sigma):
    v = at(alpha) * noise - at(sigma) * x0
    return F.mse_loss(predict(at(alpha) * x0 + at(sigma) * noise, t), v, reduction="none").flatten(1).mean(1).mean()


@written("SiT: velocity of any interpolant", "path", prediction="velocity", factor=1, dimension="mean")
def interpolant(predict, x0, noise, t, *, alpha, sigma, alpha_dot, sigma_dot):
    xt = at(alpha) * x0 + at(sigma) * noise
    ut = at(alpha_dot) * x0 + at(sigma_dot) * noise
    return mean_flat((predict(xt, t) - ut) ** 2)


@written("edm: EDMLoss, summed over pixels", "edm", reduction="mean", noise="recorded")
def edm_of_official_code(denoiser, y, sigma, *, sigma_data):
    sigma = sigma.reshape(-1, 1)
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    n = torch.randn_like(y) * sigma
    loss = weight * ((denoiser(y + n, sigma.flatten()) - y) ** 2)
    return loss.sum().mul(1 / len(y))


@written("k-diffusion: Denoiser.loss", "edm", dimension="mean")
def edm_of_the_network(denoiser, x0, noise, sigma, *, sigma_data):
    c_skip = at(sigma_data**2 / (sigma**2 + sigma_data**2))
    c_out = at(sigma * sigma_data / (sigma**2 + sigma_data**2) ** 0.5)
    noised = x0 + noise * at(sigma)
    output = (denoiser(noised, sigma) - c_skip * noised) / c_out  # their network; here there is only the denoiser
    target = (x0 - c_skip * noised) / c_out
    return (output - target).pow(2).flatten(1).mean(1)


@written("consistency_models: weight karras", "edm", dimension="mean", reduction="mean")
def edm_by_snr(denoiser, x0, noise, sigma, *, sigma_data):
    weights = sigma**-2 + 1.0 / sigma_data**2
    return (mean_flat((denoiser(x0 + noise * at(sigma), sigma) - x0) ** 2) * weights).mean()


@written("diffusers scripts: EDM-style training", "edm", dimension="mean", reduction="mean")
def edm_of_scripts(denoiser, x0, noise, sigma, *, sigma_data):
    weighting = at((sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2)
    pred = denoiser(x0 + at(sigma) * noise, sigma)
    return torch.mean((weighting * (pred - x0) ** 2).reshape(x0.shape[0], -1), 1).mean()


@written("half of it", "edm", factor=0.5, reduction="sum")
def edm_halved(denoiser, x0, noise, sigma, *, sigma_data):
    c_out = sigma * sigma_data / torch.sqrt(sigma**2 + sigma_data**2)
    return 0.5 * (((denoiser(x0 + at(sigma) * noise, sigma) - x0) / at(c_out)) ** 2).sum()
