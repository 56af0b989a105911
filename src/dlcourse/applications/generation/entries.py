"""The generators of the zoo."""

from dlcourse.applications.generation.dcgan_recipe import evaluate_dcgan, train_dcgan
from dlcourse.applications.generation.diffusion_recipe import evaluate_diffusion, train_diffusion
from dlcourse.applications.generation.vae_recipe import evaluate_vae, train_vae
from dlcourse.zoo.training import Entry

ENTRIES = [
    Entry("generation/dcgan", train_dcgan, evaluate_dcgan),
    Entry("generation/vae", train_vae, evaluate_vae),
    Entry("generation/diffusion", train_diffusion, evaluate_diffusion),
]
