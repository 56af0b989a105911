"""GoogLeNet as it won the ImageNet challenge in 2014."""

from __future__ import annotations

import numpy as np

from dlcourse.models.googlenet import GoogLeNet


class GoogLeNet2014(GoogLeNet):
    """GoogLeNet as it won in 2014: 5x5 windows, no batch normalization; 13,378,280 parameters.

    6,998,552 of them without the auxiliary classifiers, the same as in the network that Caffe
    published as ``bvlc_googlenet``, from which we take what the paper leaves open. Unlike in
    `GoogLeNet`, convolutions have biases, local response normalization stands after the first
    pooling and before the second, the last pooling has windows of 3, the auxiliary classifiers
    average windows of 5, and dropout is 0.4.

    Table 1 of the paper counts weights without biases, in units of 1024: 159 K for block 3a are
    its 163,328. Its rows agree with this network to 2%, except for three: the first convolution has
    9,408 weights, where the table says 2.7 K, block 4c 509,440 (463 K), and 5a 1,042,432 (1072 K).

    Parameters
    ----------
    num_classes : int
        Number of scores.
    aux_logits : bool
        Whether there are auxiliary classifiers. They need images of about 224x224.
    dropout, dropout_aux : float
        Probability of dropping a value before the last layer of the main and of the auxiliary
        classifiers.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Examples
    --------
    >>> net = GoogLeNet2014(aux_logits=False, rng=np.random.default_rng(0))
    >>> sum(p.data.size for p in net.parameters())
    6998552
    """

    batch_norm = False
    wide_kernel = 5
    last_pool = 3

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        dropout: float = 0.4,
        dropout_aux: float = 0.7,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(num_classes, aux_logits, dropout, dropout_aux, rng=rng)
