"""Whether everything is installed and in place, and whether a GPU computes what NumPy does."""

from dlcourse.doctor.gpu import Settings, gpu_report
from dlcourse.doctor.installation import Check, check_all

__all__ = ["Check", "Settings", "check_all", "gpu_report"]
