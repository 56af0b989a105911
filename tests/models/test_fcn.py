import numpy as np
import pytest

from dlcourse.models import FCN, convolutionalize, summary
from dlcourse.nn import Conv2d, Flatten, Linear, Sequential


def test_a_finer_network_starts_where_the_coarser_one_ended():
    coarse = FCN(4, 32, rng=np.random.default_rng(0)).eval()
    fine = FCN(4, 16, rng=np.random.default_rng(1)).eval()
    weights = fine.state_dict()
    for name, array in coarse.state_dict().items():
        if name != "upscore.weight":
            weights[name][...] = array
    x = np.random.default_rng(0).random((1, 3, 64, 96), dtype=np.float32)
    scores = x
    for part in (*coarse.stages, coarse.head):
        scores = part(scores)
    np.testing.assert_allclose(coarse(x), coarse.upscore(scores), rtol=1e-5, atol=1e-5)
    # Scores of the earlier stage are zero at first: what is enlarged is the same.
    expected = fine.upscore(fine.upscore2(scores))
    np.testing.assert_allclose(fine(x), expected, rtol=1e-5, atol=1e-5)


def test_predictions_and_modes():
    fcn = FCN(4, rng=np.random.default_rng(0)).train()
    classes = fcn.predict(np.zeros((2, 3, 64, 96), np.float32))
    assert classes.shape == (2, 64, 96) and fcn.training


def test_a_linear_layer_becomes_a_convolution():
    rng = np.random.default_rng(0)
    dense = Sequential(Conv2d(1, 5, 3, rng=rng), Flatten(), Linear(5 * 6 * 6, 7, rng=rng))
    conv = Conv2d(5, 7, 6, rng=rng)
    conv.weight.data[...] = convolutionalize(dense[2].weight.data, (6, 6))
    everywhere = Sequential(dense[0], conv)
    x = rng.standard_normal((2, 1, 12, 11), dtype=np.float32)
    y = everywhere(x)
    assert y.shape == (2, 7, 5, 4)
    for i, j in np.ndindex(5, 4):  # one pass gives what a pass for each window gives
        window = dense(x[:, :, i : i + 8, j : j + 8])
        np.testing.assert_allclose(y[:, :, i, j], window, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="a multiple of 4 x 4, found 180"):
        convolutionalize(dense[2].weight.data, (4, 4))


def test_summary_counts_what_enlarges_too():
    report = summary(FCN(11, 32, rng=np.random.default_rng(0)), (3, 96, 96))
    last = report.rows[-1]
    # Each of 3 x 3 places spreads 64 x 64 weights from and to each of 11 classes.
    assert last.multiply_adds == 9 * 64 * 64 * 11 * 11 and last.output_shape == (11, 96, 96)
