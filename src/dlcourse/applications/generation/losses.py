"""The losses of the two players, and their gradients with respect to the scores."""

from __future__ import annotations

from dlcourse.backend import Array, array_module
from dlcourse.nn import BCEWithLogitsLoss


def discriminator_loss(scores: Array, real: bool) -> tuple[float, Array]:
    """Return the discriminator's loss on images of one kind, and its gradient.

    Minus the log of the probability given to the right answer, "real" for images of the data set
    and "made" for those of the generator (Goodfellow et al. 2014, equation 1). With D the sigmoid
    of a score it is ``mean(-log D(real))``, with the gradient ``(D(real) - 1) / N``, or
    ``mean(-log(1 - D(made)))``, with the gradient ``D(made) / N``. The whole loss is the sum of
    both.

    Parameters
    ----------
    scores : array of shape (N,)
        The discriminator's scores for the images.
    real : bool
        Whether they are real.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([2.0])  # "real", it says
    >>> discriminator_loss(scores, real=True)[1].round(2)
    array([-0.12])
    >>> discriminator_loss(scores, real=False)[1].round(2)
    array([0.88])
    """
    xp, loss = array_module(scores), BCEWithLogitsLoss()
    return loss(scores, xp.full_like(scores, real)), loss.backward()


def generator_loss(scores: Array, saturating: bool = False) -> tuple[float, Array]:
    """Return the generator's loss, and its gradient with respect to the scores of its images.

    It wants the discriminator to be wrong: ``mean(-log D(made))``, with the gradient
    ``(D(made) - 1) / N`` (Goodfellow et al. 2014, section 3, last paragraph).

    Parameters
    ----------
    scores : array of shape (N,)
        The discriminator's scores for generated images.
    saturating : bool
        Take the loss that the theory of the game begins with, ``mean(log(1 - D(made)))``. Its
        gradient ``-D(made) / N`` is nearly zero where the discriminator is sure, just where the
        generator has most to learn.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([-5.0])  # the discriminator is sure
    >>> generator_loss(scores)[1].round(3), generator_loss(scores, saturating=True)[1].round(3)
    (array([-0.993]), array([-0.007]))
    """
    xp, loss = array_module(scores), BCEWithLogitsLoss()
    if saturating:
        return -loss(scores, xp.zeros_like(scores)), -loss.backward()
    return loss(scores, xp.ones_like(scores)), loss.backward()
