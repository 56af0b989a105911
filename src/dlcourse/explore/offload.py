"""An explorer of when a GPU pays off: it computes faster, but the numbers have to get there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlcourse.explore.lib.widget import Explorer


@dataclass(frozen=True)
class Gpu:
    """What a vendor's data sheet says about a GPU.

    Attributes
    ----------
    name : str
        What it is called.
    tflops : float
        Most operations on float32 per second, in units of 1e12; a multiply-add counts as two.
    memory : float
        Bytes per second between it and its own memory, in units of 1e9.
    bus : float
        Bytes per second between it and the host, in one direction, in units of 1e9.
    source : str
        The data sheet.
    """

    name: str
    tflops: float
    memory: float
    bus: float
    source: str


#: NVIDIA's data sheets give the bus for both directions together; one direction has half of it.
GPUS = (
    Gpu("NVIDIA T4", 8.1, 300, 16, "NVIDIA T4, data sheet 951643"),
    Gpu("NVIDIA A100 80GB SXM", 19.5, 2039, 32, "NVIDIA A100, data sheet 1758950, revision 4"),
    Gpu("NVIDIA H100 SXM", 67, 3350, 64, "NVIDIA H100, data sheet 2430615"),
)


@dataclass(frozen=True)
class _Rates:
    """What the explorer needs of a GPU."""

    name: str
    tflops: float
    bus: float


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    processor: int
    gpus: list[_Rates]


def offload(processor: float, gpus: Sequence[Gpu] = GPUS) -> Explorer:
    """Show how long a product of two square matrices takes here and on a GPU, copies and all.

    Parameters
    ----------
    processor : float
        Operations on float32 that the processor does per second, in units of 1e9.
    gpus : sequence of Gpu
        What the reader can start from.

    Raises
    ------
    ValueError
        If there is no GPU, or a rate is out of the range of the sliders.

    Examples
    --------
    >>> offload(100.0).data["gpus"][0]["name"]
    'NVIDIA T4'
    """
    if not gpus:
        raise ValueError("expected at least one GPU, found none")
    if not 1 <= processor <= 5000:
        raise ValueError(f"the processor's rate must lie from 1 to 5000 (1e9/s), found {processor}")
    for gpu in gpus:
        if not (0.1 <= gpu.tflops <= 200 and 1 <= gpu.bus <= 200):
            raise ValueError(
                f"rates of {gpu.name} must lie from 0.1 to 200 (1e12/s) and from 1 to 200 (GB/s), "
                f"found {gpu.tflops} and {gpu.bus}"
            )
    shown = [_Rates(gpu.name, gpu.tflops, gpu.bus) for gpu in gpus]
    data = _Data(processor=round(processor), gpus=shown)
    return Explorer("offload", "Explorer: where a GPU begins to pay", data)
