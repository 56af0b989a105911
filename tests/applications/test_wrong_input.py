"""What the applications say of a setting or an input that cannot be."""

import numpy as np
import pytest
import told

from dlcourse.applications.detection.boxes import box_iou, nms
from dlcourse.applications.detection.evaluation import Detections, mean_average_precision
from dlcourse.applications.generation.denoising import ddim_path
from dlcourse.applications.generation.diffusion import NoiseSchedule, add_noise, cosine_schedule
from dlcourse.applications.generation.vae import VAELoss
from dlcourse.applications.rl import (
    TabularAgent,
    epsilon_greedy,
    learn,
    q_learning,
    value_iteration,
)
from dlcourse.applications.rl.dqn import DQN
from dlcourse.applications.rl.grid_world import GridWorld
from dlcourse.applications.rl.replay import ReplayMemory
from dlcourse.applications.segmentation import pixel_confusion
from dlcourse.applications.style import ContentLoss, StyleLoss
from dlcourse.models import MLPQNetwork, UNet, VAEOutputs
from dlcourse.optim import SGD


def rng():
    return np.random.default_rng(0)


zeros = np.zeros
BOX, ONE = np.array([[0.0, 0, 4, 4]]), np.array([1])
KNOWN, FOUND = Detections(BOX, ONE), Detections(BOX, ONE, np.array([0.5]))
SCHEDULE, PICTURES = cosine_schedule(200), zeros((2, 1, 4, 4), np.float32)
OUTPUTS = VAEOutputs(zeros((2, 1, 2, 2)), zeros((2, 1)), zeros((2, 1)))
Q = MLPQNetwork(2, 2, rng=rng())

TOLD = """
box_iou(zeros((2, 5)), zeros((1, 4)))  # ValueError: shape (N, 4)
nms(zeros((2, 4)), zeros(3), 0.5)  # ValueError: scores must have shape (2,)
mean_average_precision([FOUND], [KNOWN, KNOWN])  # ValueError: each of 2 images
mean_average_precision([KNOWN], [KNOWN])  # ValueError: with scores
mean_average_precision([Detections(BOX, ONE, np.array([np.nan]))], [KNOWN])
    ValueError: scores must be numbers, found NaN
Detections(BOX, np.array([1, 2]))  # ValueError: labels of shape (K,)
Detections(BOX, ONE, np.array([0.1, 0.2]))  # ValueError: expected 1 scores
Detections(np.full((1, 4), np.nan), ONE)  # ValueError: boxes of finite numbers
Detections(BOX, np.array([1.5]))  # ValueError: labels that are whole numbers
pixel_confusion(zeros((2, 2), int), zeros((2, 3), int), 2)
    ValueError: a prediction for each pixel
pixel_confusion(np.array([0, 2]), np.array([0, 1]), 2)
    ValueError: predicted must lie from 0 to 1, found 2
ContentLoss()(zeros((1, 3, 4, 4)), zeros((1, 3, 2, 2)))
    ValueError: content's shape (1, 3, 2, 2), found (1, 3, 4, 4)
StyleLoss()(zeros((1, 3, 4, 4)), np.eye(4))  # ValueError: Gram matrix of 3 filters, found (4, 4)
cosine_schedule(0)  # ValueError: steps must be at least 1, found 0
NoiseSchedule(np.array([1.0, 0.5, 0.5]))  # ValueError: begin with 1 and fall at each step
add_noise(PICTURES, np.array([1, 201]), PICTURES, SCHEDULE)
    ValueError: times must lie from 0 to 200, found 1 to 201
add_noise(PICTURES, ONE, PICTURES, SCHEDULE)  # ValueError: a time for each picture
next(ddim_path(UNet((8, 8), rng=rng()), PICTURES, SCHEDULE, 201))
    ValueError: steps must lie from 1 to 200, found 201
VAELoss()(OUTPUTS, zeros((2, 1, 2, 3), np.float32))  # ValueError: of the scores' shape
VAELoss()(OUTPUTS, np.array([0.0, 255.0] * 4, np.float32).reshape(2, 1, 2, 2))
    ValueError: from 0 to 1, found 0 to 255
DQN(Q, SGD(Q.parameters(), lr=1.0), discount=1.5)  # ValueError: discount must lie in [0, 1]
learn(q_learning, zeros((2, 4)), GridWorld(["SG"]), episodes=1, epsilon=lambda episode: 0.1,
    learning_rate=lambda episode: 0.1, discount=1.5)
    ValueError: discount must be from 0 to 1, found 1.5
TabularAgent(zeros(3))  # ValueError: table (states, actions), found shape (3,)
value_iteration(GridWorld(["SG"]).P, 1)  # ValueError: less than 1, found 1
epsilon_greedy(zeros(2), 1.1, rng())  # ValueError: probability from 0 to 1, found 1.1
epsilon_greedy(np.array([0.0, np.nan]), 0.0, rng())  # ValueError: has it diverged
ReplayMemory(3, (1,)).sample(1, rng())  # ValueError: add steps before
ReplayMemory(0, (1,))  # ValueError: at least 1 step
GridWorld([])  # ValueError: rows of one length
GridWorld(["SG", "."])  # ValueError: rows of one length
GridWorld(["SX", "G."])  # ValueError: found X
GridWorld(["..", "G."])  # ValueError: found 0 S and 1 G
GridWorld(["SS", "G."])  # ValueError: found 2 S and 1 G
GridWorld(["S.", ".."])  # ValueError: found 1 S and 0 G
GridWorld(["S.G"]).step(4)  # ValueError: 3 (left), found 4
GridWorld(["S.G"], max_steps=0)  # ValueError: found max_steps=0
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)
