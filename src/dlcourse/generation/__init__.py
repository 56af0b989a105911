"""Making images of digits that nobody wrote, and measuring how good they are."""

from dlcourse.generation.adversarial import KEPT, AdversarialLoop
from dlcourse.generation.latent import generate, latent_vectors, slerp
from dlcourse.generation.losses import discriminator_loss, generator_loss
from dlcourse.generation.scores import (
    CONFIDENT,
    JUDGE,
    Judged,
    Scores,
    frechet_distance,
    load_judge,
    look,
    mean_distance,
    score,
)

__all__ = [
    "CONFIDENT",
    "JUDGE",
    "KEPT",
    "AdversarialLoop",
    "Judged",
    "Scores",
    "discriminator_loss",
    "frechet_distance",
    "generate",
    "generator_loss",
    "latent_vectors",
    "load_judge",
    "look",
    "mean_distance",
    "score",
    "slerp",
]
