"""Making images of digits that nobody wrote, and measuring how good they are."""

from dlcourse.applications.generation.adversarial import adversarial_step, adversarial_steps
from dlcourse.applications.generation.denoising import (
    Denoised,
    ddim_path,
    ddpm_path,
    sample_diffusion,
)
from dlcourse.applications.generation.diffusion import (
    NoiseSchedule,
    add_noise,
    cosine_schedule,
    diffusion_gradients,
)
from dlcourse.applications.generation.latent import generate, latent_vectors, slerp
from dlcourse.applications.generation.losses import discriminator_loss, generator_loss
from dlcourse.applications.generation.scores import (
    CONFIDENT,
    JUDGE,
    Judged,
    Scores,
    frechet_distance,
    judged,
    look,
    mean_distance,
    score,
)
from dlcourse.applications.generation.vae import VAELoss, reconstruct, sample_vae, vae_gradients

__all__ = [
    "CONFIDENT",
    "JUDGE",
    "Denoised",
    "Judged",
    "NoiseSchedule",
    "Scores",
    "VAELoss",
    "add_noise",
    "adversarial_step",
    "adversarial_steps",
    "cosine_schedule",
    "ddim_path",
    "ddpm_path",
    "diffusion_gradients",
    "discriminator_loss",
    "frechet_distance",
    "generate",
    "generator_loss",
    "judged",
    "latent_vectors",
    "look",
    "mean_distance",
    "reconstruct",
    "sample_diffusion",
    "sample_vae",
    "score",
    "slerp",
    "vae_gradients",
]
