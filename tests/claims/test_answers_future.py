"""What the solutions of chapter 6's exercises on images say, measured as they describe."""

from itertools import pairwise

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.applications.generation import (
    JUDGE,
    add_noise,
    cosine_schedule,
    ddim_path,
    discriminator_loss,
    generate,
    generator_loss,
    latent_vectors,
    look,
    reconstruct,
    score,
    slerp,
)
from dlcourse.applications.style import StyleTransfer, gram_matrix, load_features, transfer_style
from dlcourse.applications.style.entries import pictures
from dlcourse.data import load_mnist
from dlcourse.models import DCGANDiscriminator, DCGANGenerator
from dlcourse.nn import Parameter
from dlcourse.optim import Adam

TRAIN, TEST = load_mnist()
SCHEDULE = cosine_schedule(200)


def test_ex_style_transfer_gram():
    """ex-style-transfer-gram."""
    f = np.array([[1, 0, 2], [0, 1, 1]], np.float32).reshape(1, 2, 1, 3)
    for outputs in (f, f[..., ::-1]):
        assert np.allclose(gram_matrix(outputs), [[5 / 3, 2 / 3], [2 / 3, 2 / 3]])


@pytest.fixture(scope="module")
def painting():
    """Return content, a function that makes losses, and one that paints in 25 steps."""
    pytest.importorskip("h5py")
    try:
        vgg = load_features("edges")
    except ImportError as error:
        pytest.skip(str(error))
    content, style = pictures(64)

    def loss(**settings):
        return StyleTransfer(vgg, content, style, style_weight=100, **settings)

    def paint(start, **settings):
        image, losses = transfer_style(loss(**settings), start, 25, progress=False)
        return image, losses[0], losses[-1]

    return content, loss, paint


def test_ex_style_transfer_noise(painting):
    """ex-style-transfer-noise, ex-style-transfer-variation and ex-style-transfer-colours."""
    content, loss, paint = painting
    image, first, last = paint(content)
    assert first.style == pytest.approx(2.11, abs=0.01)
    assert last.total == pytest.approx(2.9, abs=0.15) and last.content == pytest.approx(
        1.41, abs=0.1
    )
    assert last.style == pytest.approx(0.015, abs=0.002)
    assert last.total_variation == pytest.approx(0.0324, abs=0.002)

    noise = np.random.default_rng(0).random(content.shape, np.float32)
    _, _, from_noise = paint(noise)
    assert from_noise.total == pytest.approx(4.0, abs=0.3)
    assert from_noise.total_variation == pytest.approx(0.22, abs=0.02)

    colours, before, after = paint(content, style_layers=["conv1_1"])
    assert before.style == pytest.approx(1.15, abs=0.01) and after.style < 0.001
    assert after.content == pytest.approx(0.09, abs=0.02)
    assert loss()(colours).style == pytest.approx(0.44, abs=0.03)

    _, _, without = paint(content, variation_weight=0)
    assert without.total_variation == pytest.approx(0.0326, abs=0.002)

    def brightness(x):
        return (x * np.array([0.299, 0.587, 0.114], np.float32).reshape(1, 3, 1, 1)).sum(
            1, keepdims=True
        )

    recoloured = np.clip(content + brightness(image) - brightness(content), 0, 1)
    assert loss()(recoloured).style == pytest.approx(1.32, abs=0.05)


def test_ex_generating_images_ratio():
    """ex-generating-images-ratio."""
    for s, factor in ((-8.0, 2981), (4.0, 0.018)):
        scores = np.array([s])
        used, saturating = (generator_loss(scores, saturating=way)[1][0] for way in (False, True))
        assert used / saturating == pytest.approx(factor, rel=0.02)


def test_ex_generating_images_short():
    """ex-generating-images-short."""
    makes, judge = zoo.load("generation/dcgan").generator, zoo.load(JUDGE)
    real = look(TEST.images[:500], judge).features

    def measured(vectors):
        return score(generate(makes, vectors), judge, real)

    vectors = latent_vectors(300, makes.latent, np.random.default_rng(0))
    for factor, sure, spread in (
        (0.25, 0.18, 10.6),
        (0.5, 0.75, 10.9),
        (1, 0.77, 10.2),
        (1.5, 0.78, 9.5),
    ):
        found = measured(factor * vectors)
        assert found.confident == pytest.approx(sure, abs=0.01)
        assert found.spread == pytest.approx(spread, abs=0.06)
    rng = np.random.default_rng(0)
    a, b = (latent_vectors(300, makes.latent, rng) for _ in "ab")
    turned = np.stack([slerp(p, q, 0.5) for p, q in zip(a, b, strict=True)])
    assert np.linalg.norm((a + b) / 2, axis=1).mean() / 8 == pytest.approx(0.7, abs=0.02)
    assert measured((a + b) / 2).confident == pytest.approx(0.83, abs=0.01)
    assert measured(turned).confident == pytest.approx(0.81, abs=0.01)


def game(saturating):
    """Return what is believed of made images and the norm of G's gradient, by step."""
    rng, adam = np.random.default_rng(0), {"lr": 2e-3, "betas": (0.5, 0.999)}
    G, D = DCGANGenerator(width=12, rng=rng), DCGANDiscriminator(width=12, rng=rng)
    optimizer_g, optimizer_d = (Adam(net.parameters(), **adam) for net in (G, D))
    real, rng, found = 2 * TRAIN.images[:3200] - 1, np.random.default_rng(0), []
    for _ in range(100):
        made = G(latent_vectors(32, G.latent, rng))
        D.zero_grad()
        for images, kind in ((real[rng.integers(len(real), size=32)], True), (made, False)):
            D.backward(discriminator_loss(D(images), real=kind)[1])
        optimizer_d.step()
        G.zero_grad()
        scores = D(made)
        G.backward(D.backward(generator_loss(scores, saturating=saturating)[1]))
        norm = np.sqrt(sum((p.grad**2).sum() for p in G.parameters()))
        optimizer_g.step()
        found.append(((1 / (1 + np.exp(-scores))).mean(), norm))
    return np.array(found)


@pytest.mark.parametrize(("saturating", "norm", "believed"), [(False, 22, 0.14), (True, 1.8, 0.08)])
def test_ex_generating_images_saturating(saturating, norm, believed):
    """ex-generating-images-saturating."""
    found = game(saturating)
    assert found[:20, 1].mean() == pytest.approx(norm, rel=0.1)
    assert found[80:, 0].mean() == pytest.approx(believed, rel=0.25)


def test_ex_generating_images_inverse():
    """ex-generating-images-inverse."""
    x, G = 2 * TEST.images[:12] - 1, zoo.load("generation/dcgan").generator.eval()
    z = Parameter(latent_vectors(12, G.latent, np.random.default_rng(0)))
    optimizer, errors = Adam([z], lr=0.1), []
    for _ in range(150):
        made = G(z.data)
        errors.append(((made - x) ** 2).mean())
        z.grad = G.backward(2 * (made - x) / x[0].size).reshape(z.data.shape)
        optimizer.step()
    assert errors[0] == pytest.approx(0.47, abs=0.01) and errors[-1] == pytest.approx(
        0.06, abs=0.01
    )
    assert np.linalg.norm(z.data, axis=1).mean() == pytest.approx(12, abs=0.5)
    drawn = 2 * reconstruct(zoo.load("generation/vae"), TEST.images[:12]) - 1
    assert ((drawn - x) ** 2).mean() == pytest.approx(0.07, abs=0.01)


def test_ex_diffusion_share():
    """ex-diffusion-share."""
    left = SCHEDULE.alpha_bar
    assert [np.flatnonzero(left < share)[0] for share in (0.9, 0.1)] == [40, 159]
    assert np.sqrt([left[40], 1 - left[40], left[159], 1 - left[159]]) == pytest.approx(
        [0.95, 0.32, 0.31, 0.95], abs=6e-3
    )


@pytest.fixture(scope="module")
def net():
    return zoo.load("generation/diffusion").for_inference()


def classes(images):
    return look(np.clip((images + 1) / 2, 0, 1), zoo.load(JUDGE))


def test_ex_diffusion_steps(net):
    """ex-diffusion-steps."""
    start = np.random.default_rng(5).standard_normal((30, 1, 28, 28), dtype=np.float32)
    images = {n: list(ddim_path(net, start, SCHEDULE, n))[-1].x for n in (3, 5, 10)}
    named = {n: classes(x) for n, x in images.items()}

    def alike(a, b):
        return np.mean([np.corrcoef(p.ravel(), q.ravel())[0, 1] for p, q in zip(a, b, strict=True)])

    for n, sure in ((3, 0.27), (5, 0.43), (10, 0.53)):
        assert (named[n].confidence >= 0.9).mean() == pytest.approx(sure, abs=0.04)
    for a, b, correlation, same in ((3, 5, 0.90, 0.53), (5, 10, 0.89, 0.43)):
        assert alike(images[a], images[b]) == pytest.approx(correlation, abs=0.01)
        assert (named[a].classes == named[b].classes).mean() == pytest.approx(same, abs=0.04)
    assert alike(images[10], np.roll(images[10], -1, axis=0)) == pytest.approx(0.35, abs=0.02)


def step(net, x, t, earlier):
    left, left_earlier = map(float, SCHEDULE.alpha_bar[[t, earlier]])
    seen = net(x, np.full(len(x), t))
    guess = np.clip((x - (1 - left) ** 0.5 * seen) / left**0.5, -1, 1)
    seen = (x - left**0.5 * guess) / (1 - left) ** 0.5
    return left_earlier**0.5 * guess + (1 - left_earlier) ** 0.5 * seen


@pytest.mark.parametrize(
    ("t", "sevens", "share"), [(50, 20, 0.85), (150, 17, 0.14), (175, 8, 0.04)]
)
def test_ex_diffusion_seven(net, t, sevens, share):
    """ex-diffusion-seven."""
    x = 2 * TEST.images[TEST.labels == 7][:20] - 1
    noise = np.random.default_rng(t).standard_normal(x.shape, dtype=np.float32)
    x = add_noise(x, np.full(20, t), noise, SCHEDULE)
    times = np.linspace(t, 0, 21).round().astype(int)
    for now, earlier in pairwise(times):
        x = step(net, x, now, earlier)
    assert SCHEDULE.alpha_bar[t] == pytest.approx(share, abs=5e-3)
    assert abs((classes(x).classes == 7).sum() - sevens) <= 1


def test_ex_diffusion_lower(net):
    """ex-diffusion-lower."""
    known, labels = 2 * TEST.images[:30] - 1, TEST.labels[:30]
    mask = np.zeros_like(known, bool)
    mask[:, :, :14] = True
    assert (classes(np.where(mask, known, -1).astype(np.float32)).classes == labels).sum() == 14
    for repeats, right in ((1, 18), (4, 27)):
        rng = np.random.default_rng(1)
        x = rng.standard_normal(known.shape, dtype=np.float32)
        times = np.linspace(200, 0, 26).round().astype(int)
        for now, earlier in pairwise(times):
            for left in reversed(range(repeats)):
                x = step(net, x, now, earlier)
                noise = rng.standard_normal(x.shape, dtype=np.float32)
                x = np.where(mask, add_noise(known, np.full(30, earlier), noise, SCHEDULE), x)
                if left and earlier:
                    k = float(SCHEDULE.alpha_bar[now] / SCHEDULE.alpha_bar[earlier])
                    x = k**0.5 * x + (1 - k) ** 0.5 * rng.standard_normal(x.shape, dtype=np.float32)
        assert np.array_equal(x[mask], known[mask])
        assert abs((classes(x).classes == labels).sum() - right) <= 1
