"""A program on several ranks: on MPI's processes, on threads, and when something goes wrong."""

import pytest

from dlcourse.distributed import CommunicationError
from dlcourse.distributed.launch import launch, mpiexec

needs_mpi = pytest.mark.skipif(
    mpiexec() is None, reason="MPI is not installed; `pip install mpi4py mpich` installs it"
)
KINDS = [pytest.param(False, marks=needs_mpi, id="mpi"), pytest.param(True, id="threads")]

SUM = """
import numpy as np

def work(communicator):
    x = np.full(3, communicator.rank + 1.0)
    communicator.allreduce(x)
    return {"rank": communicator.rank, "sum": x.tolist(), "text": "two\\nlines"}
"""


@pytest.fixture
def program(tmp_path):
    def write(text):
        path = tmp_path / "a program.py"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("threads", KINDS)
@pytest.mark.parametrize("size", [1, 3])
def test_results_of_all_ranks_in_order(program, size, threads):
    found = launch(size, program(SUM), threads=threads)
    total = size * (size + 1) / 2
    assert found.results == [
        {"rank": rank, "sum": [total] * 3, "text": "two\nlines"} for rank in range(size)
    ]
    assert found.kind == ("threads" if threads else "MPI processes")


@pytest.mark.parametrize("threads", KINDS)
def test_an_error_of_one_rank_ends_all_and_is_told(program, threads):
    text = """
def work(communicator):
    if communicator.rank == 1:
        raise ZeroDivisionError("this rank fails")
    communicator.barrier()
"""
    with pytest.raises(CommunicationError, match="this rank fails"):
        launch(2, program(text), threads=threads)


@needs_mpi
def test_a_killed_rank_ends_all(program):
    text = """
import os, signal

def work(communicator):
    if communicator.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    communicator.barrier()
"""
    with pytest.raises(CommunicationError, match="2 ranks ended with exit status"):
        launch(2, program(text))


@needs_mpi
def test_a_hanging_rank_ends_all(program):
    text = """
import time

def work(communicator):
    if communicator.rank == 1:
        time.sleep(1000)
"""
    with pytest.raises(CommunicationError, match="2 ranks were not done after 5 s"):
        launch(2, program(text), timeout=5)


@pytest.mark.parametrize("threads", KINDS)
def test_a_program_without_work(program, threads):
    kind = ValueError if threads else CommunicationError
    with pytest.raises(kind, match=r"must define work\(communicator\), and does not"):
        launch(1, program("x = 1"), threads=threads)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="expected a Python file, found"):
        launch(1, tmp_path / "nothing.py", threads=True)


def test_sizes_are_checked(program):
    with pytest.raises(ValueError, match="size must be at least 1, found 0"):
        launch(0, program(SUM))


# -- the algorithms, against MPI's own -----------------------------------------------------

ALGORITHMS = """
import numpy as np
from mpi4py import MPI as library

from dlcourse.lessons.all_reduce import ALL_REDUCE

LENGTHS = (0, 1, 2, 3, 7, 8, 9, 1000)


class Group:
    '''The first ranks of all: a peer as simple as can be.'''

    def __init__(self, comm):
        self.comm, self.rank, self.size = comm, comm.rank, comm.size

    def send(self, array, destination):
        self.comm.Send(array, destination)

    def recv(self, out, source):
        self.comm.Recv(out, source)

    def sendrecv(self, array, destination, out, source):
        self.comm.Sendrecv(array, destination, recvbuf=out, source=source)


def work(communicator):
    checked = 0
    for size in range(1, communicator.size + 1):
        inside = communicator.rank < size
        comm = library.COMM_WORLD.Split(0 if inside else library.UNDEFINED, communicator.rank)
        for length in LENGTHS if inside else ():
            rng = np.random.default_rng((size, length, comm.rank))
            values = rng.standard_normal(length, dtype=np.float32)
            expected = values.copy()
            comm.Allreduce(library.IN_PLACE, expected, library.SUM)
            peers = [Group(comm)] + ([communicator] if size == communicator.size else [])
            for name, algorithm in ALL_REDUCE.items():
                for peer in peers:
                    x = values.copy()
                    algorithm(peer, x)
                    np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-5, err_msg=name)
                    checked += 1
    return checked
"""


@needs_mpi
def test_algorithms_agree_with_those_of_mpi(program):
    """From 1 to 8 ranks, with mpi4py alone below; with all 8 through our communicator as well."""
    found = launch(8, program(ALGORITHMS)).results
    # Rank r takes part where there are more than r ranks: 8 lengths and 4 algorithms each time.
    assert found == [(8 - rank + 1) * 8 * 4 for rank in range(8)]
