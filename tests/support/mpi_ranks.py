"""One rank of the programs that `distributed/test_mpi.py` starts by mpiexec.

mpiexec -n 2 python mpi_ranks.py WHAT [ARGUMENTS]
"""

import os
import signal
import sys
import threading
import time

import numpy as np


def operations(communicator, xp=np):
    import communicator_operations

    for check in communicator_operations.ALL:
        check(communicator, xp)
    print(f"rank {communicator.rank} of {communicator.size}: all right")


def deep_convnet(communicator, path, steps):
    from rank_training import train_deep_convnet

    from dlcourse.nn.weights import save_arrays

    arrays = train_deep_convnet(communicator, int(steps))
    if communicator.rank == 0:
        save_arrays(path, arrays)


def killed(communicator, path, rank, delay):
    """Train until a rank kills itself, from another thread, wherever the training is then."""
    from rank_training import small_dataset, small_trainer

    def kill():
        time.sleep(float(delay))
        os.kill(os.getpid(), signal.SIGKILL)

    trainer = small_trainer(communicator, checkpoint=path, checkpoint_every=1)
    communicator.barrier()
    if communicator.rank == int(rank):
        threading.Thread(target=kill).start()
    trainer.fit(small_dataset(), epochs=10**6)


def hung(communicator, path):
    """Train until rank 1 no longer does anything."""
    from rank_training import small_dataset, small_trainer

    trainer = small_trainer(communicator, checkpoint=path)

    def stop(trainer, epoch):
        if communicator.rank == 1 and epoch.epoch == 2:
            print(os.getpid(), flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)

    trainer.callbacks.append(stop)
    trainer.fit(small_dataset(), epochs=10**6)


def fails(communicator, rank):
    if communicator.rank == int(rank):
        raise KeyError("no such layer")
    communicator.barrier()


def fails_alike(communicator):
    """What a longer start on a busy machine does to rank 0."""
    if communicator.rank == 0:
        time.sleep(6)
    raise ValueError("no such layer" + 100_000 * ".")


def fails_at_length(communicator):
    if communicator.rank == 1:
        raise ValueError("no such layer" + 100_000 * ".")
    communicator.barrier()


def leaves(communicator):
    if communicator.rank == 0:
        communicator.barrier()


def short(communicator):
    if communicator.rank == 0:
        communicator.send(np.zeros(3), 1)
    else:
        communicator.recv(np.zeros(4), 0)


def device(communicator):
    """Arrays of (a double of) CuPy, which this MPI cannot read, go through the host."""
    import cupy_double

    sys.modules["cupy"] = cupy_double.module()
    operations(communicator, sys.modules["cupy"])


if __name__ == "__main__":
    from dlcourse.distributed import MPI

    what, *arguments = sys.argv[1:]
    communicator = MPI(timeout=float(os.environ.get("RANKS_TIMEOUT", "60")))
    globals()[what](communicator, *arguments)
