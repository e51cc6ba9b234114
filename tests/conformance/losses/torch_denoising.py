"""Denoising score matching in torch at one level and at many, as tutorials and official code have it."""

from tests.conformance.losses.form import collector

try:
    import torch
    import torch.nn.functional as F
except ModuleNotFoundError:  # the forms are listed without torch, and run with it
    torch = F = None

__all__ = ["FORMS"]

FORMS, written = collector()


@written("ncsn: dsm_score_estimation", "denoising", reduction="mean", noise="recorded")
def denoising_of_ncsn(score, samples, sigma):
    perturbed = samples + torch.randn_like(samples) * sigma
    target = -1 / (sigma**2) * (perturbed - samples)
    loss = 0.5 * ((score(perturbed) - target) ** 2).sum(dim=-1).mean(dim=0)
    return loss


@written("sliced_score_matching: dsm of an energy", "denoising", reduction="mean", weight="sigma**4")
def denoising_of_energies(score, x0, noise, sigma):
    vector = noise * sigma
    dlogp = sigma**2 * score(x0 + vector)
    return torch.norm(dlogp + vector, dim=-1).square().mean() / 2.0


@written(
    "prediction of the noise by F.mse_loss",
    "denoising",
    weight="sigma**2",
    factor=1,
    reduction="mean",
    dimension="mean",
)
def denoising_by_mse(score, x0, noise, sigma):
    predicted = -sigma * score(x0 + sigma * noise)
    return F.mse_loss(predicted, noise)


@written("notebook: denoising", "denoising", reduction="mean", noise="recorded")
def denoising_of_tutorial(score, x, sigma):
    x_noisy = x + sigma * torch.randn(x.shape, dtype=x.dtype)
    scores = score(x_noisy)
    target = -(x_noisy - x) / sigma**2
    return (0.5 * ((scores - target) ** 2).sum(-1)).mean()


@written("half a sum over the batch", "denoising", reduction="sum")
def denoising_sum(score, x0, noise, sigma):
    return 0.5 * torch.sum(torch.square(score(x0 + sigma * noise) + noise / sigma))


@written("ncsn: anneal_dsm_score_estimation", "multilevel", reduction="mean", noise="recorded")
def multilevel_of_ncsn(score, samples, used_sigmas):
    used = used_sigmas.view(samples.shape[0], *([1] * (samples.dim() - 1)))
    perturbed = samples + torch.randn_like(samples) * used
    target = -1 / (used**2) * (perturbed - samples)
    target = target.view(target.shape[0], -1)
    scores = score(perturbed, used_sigmas).view(target.shape[0], -1)
    loss = 1 / 2.0 * ((scores - target) ** 2).sum(dim=-1) * used.squeeze(-1) ** 2
    return loss.mean(dim=0)


@written("ncsnv2: anneal_dsm_score_estimation", "multilevel", reduction="mean")
def multilevel_of_ncsnv2(score, x0, noise, sigma):
    used = sigma.view(-1, 1)
    scaled = noise * used
    target = -1 / (used**2) * scaled
    return (0.5 * ((score(x0 + scaled, sigma) - target) ** 2).sum(dim=-1) * sigma**2).mean(dim=0)


@written("score_sde_pytorch: smld, reduce_mean", "multilevel", factor=1, reduction="mean", dimension="mean")
def smld_mean(score, x0, noise, sigma):
    scaled = noise * sigma[:, None]
    target = -scaled / (sigma**2)[:, None]
    losses = torch.square(score(x0 + scaled, sigma) - target)
    losses = torch.mean(losses.reshape(losses.shape[0], -1), dim=-1) * sigma**2
    return torch.mean(losses)


@written("score_sde_pytorch: smld, sum", "multilevel", reduction="mean")
def smld_sum(score, x0, noise, sigma):
    scaled = noise * sigma[:, None]
    losses = torch.square(score(x0 + scaled, sigma) + scaled / (sigma**2)[:, None])
    losses = 0.5 * torch.sum(losses.reshape(losses.shape[0], -1), dim=-1) * sigma**2
    return torch.mean(losses)


@written("score SDE tutorial: loss_fn", "multilevel", factor=1, reduction="mean", noise="recorded")
def multilevel_of_tutorial(score, x, std):
    z = torch.randn_like(x)
    perturbed_x = x + z * std[:, None]
    return torch.mean(torch.sum((score(perturbed_x, std) * std[:, None] + z) ** 2, dim=1))


@written("no weight", "multilevel", weight="one", reduction="sum", dimension="mean", factor=1)
def multilevel_unweighted(score, x0, noise, sigma):
    level = sigma.unsqueeze(1)
    return (score(x0 + level * noise, sigma) + noise / level).square().mean(1).sum()
