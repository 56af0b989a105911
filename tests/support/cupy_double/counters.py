"""What crossed the bus between host and device: counted by every copy that the double makes."""

from dataclasses import dataclass, fields


@dataclass
class Transfers:
    """Copies since the last `reset`."""

    to_device: int = 0  #: arrays copied to the device
    to_host: int = 0  #: arrays copied to the host
    scalars: int = 0  #: single numbers read by the host, each of which waits for the device

    def reset(self):
        for field in fields(self):
            setattr(self, field.name, 0)


transfers = Transfers()
