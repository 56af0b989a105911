"""Arguments have torch's names, order and defaults."""

import inspect
import re
from pathlib import Path

import pytest
import torch

from dlcourse import nn, optim
from dlcourse.optim import lr_scheduler

#: Bases, and what takes modules or any number of options in torch.
OTHER = {"LSTM", "Module", "Optimizer", "Parameter", "RNN", "Sequential"}
PAIRS = {
    name: (getattr(ours, name), getattr(theirs, name))
    for ours, theirs in (
        (nn, torch.nn),
        (optim, torch.optim),
        (lr_scheduler, torch.optim.lr_scheduler),
    )
    for name in [*nn.__all__, *optim.__all__]
    if name not in OTHER and inspect.isclass(getattr(theirs, name, None)) and hasattr(ours, name)
}
PAIRS["clip_grad_norm_"] = (optim.clip_grad_norm_, torch.nn.utils.clip_grad_norm_)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_signature(ours, theirs):
    own, other = (inspect.signature(function).parameters for function in (ours, theirs))
    by_place = [name for name, p in own.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert by_place == list(other)[: len(by_place)]
    for name, parameter in own.items():
        if name != "rng":
            assert parameter.default == other[name].default


def test_many_were_compared():
    assert len(PAIRS) > 30


def test_names_of_the_page_are_torchs():
    page = (Path(__file__).parents[2] / "book" / "reference" / "pytorch.md").read_text()
    here, _, missing = page.partition("Under names of our own")
    names = re.findall(r"`(\w+)`", here.split("## What is here\n")[1])
    names += re.findall(r"`(\w+)`", missing.split("## What is not here\n")[1])
    homes = (torch.nn, torch.optim, torch.optim.lr_scheduler)
    assert [name for name in names if not any(hasattr(home, name) for home in homes)] == []
