"""PyTorch on one thread: where other programs run, its threads wait for each other for long."""

import importlib.util

if importlib.util.find_spec("torch"):
    import torch

    torch.set_num_threads(1)
