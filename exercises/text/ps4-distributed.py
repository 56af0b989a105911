# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 4: many workers, one training run
#
# You write what lets many workers train one network: shares of a data set, a mean of gradients, the ring all-reduce, a training step that gives the weights of one large batch. And you write what one needs to know before asking for more workers: how late gradients come when nobody waits, what a network costs, and how to send a hundredth of the gradients without losing the rest. Seven tasks are graded by tests, one question by a person. **100 points, about six hours.**
#
# | task | points | minutes | difficulty |
# |---|---|---|---|
# | 1. Shares of a data set | 12 | 40 | medium |
# | 2. The mean of all gradients | 14 | 50 | medium |
# | 3. A ring all-reduce | 16 | 60 | hard |
# | 4. Many workers, one large batch | 14 | 50 | hard |
# | 5. How stale a gradient is | 12 | 45 | medium |
# | 6. What more workers bring | 12 | 40 | easy |
# | 7. Top-k with error feedback | 12 | 50 | hard |
# | 8. A question | 8 | 25 | in words |
#
# **How it works.** Replace `raise NotImplementedError()` in each task, and run the test cell below it. A failed test says what the likely mistake is. Leave the test cells as they are: when your work is graded, they are put back in their original form, and *hidden tests* are added, with other numbers of ranks, sizes, dtypes and edge cases. Passing the visible tests is a good sign, but not the last word. Before you hand in, choose *Kernel, Restart and run all*, and run `dlcourse check ps4-distributed.ipynb` in a terminal: it looks whether all is in place. Keep the name of the file.
#
# **Rules.** Write the work yourself, in NumPy. `dlcourse.distributed` has finished communication and training schemes to compare with; tests notice when they are called in place of your own. Do not change the arrays that you are given, unless the task says so. float32 stays float32.
#
# **Ranks.** No MPI is needed. A *rank* is one of several workers that run the same function, each with its own `peer`:
#
# | | |
# |---|---|
# | `peer.rank`, `peer.size` | which rank this is, from 0, and how many there are |
# | `peer.send(array, destination)` | sends an array, and waits until it is received |
# | `peer.recv(out, source)` | waits for an array, and writes it into `out`, which must have its shape and dtype |
# | `peer.sendrecv(array, destination, out, source)` | does both at once |
#
# Arrays that are sent must lie in one piece (C-contiguous). Here the ranks are threads, and that is the only difference: the same code runs on MPI's ranks. When all ranks wait for each other, a test says so at once, and which waits for which.

# %% nbgrader="setup setup"
# On Colab: install the package alone, and leave Colab's own NumPy and CuPy as they are.
import sys

if "google.colab" in sys.modules:
    get_ipython().run_line_magic(
        "pip", "install --quiet --no-deps git+https://github.com/dlcourse/dlcourse"
    )

import math
from typing import NamedTuple

import numpy as np
from dlcourse import check
from dlcourse.distributed import CommunicationError, Threads


class Peer:
    """A rank's connection to the others, which notes what the rank sends."""

    def __init__(self, communicator):
        self.rank, self.size = communicator.rank, communicator.size
        self.sent = []  # for each message: to which rank, and how many bytes
        self._communicator = communicator

    def send(self, array, destination):
        """Send an array, and wait until it is received."""
        self._communicator.send(array, destination)
        self.sent.append((destination, array.nbytes))

    def recv(self, out, source):
        """Wait for an array from a rank, and write it into `out`."""
        self._communicator.recv(out, source)

    def sendrecv(self, array, destination, out, source):
        """Send and receive at once, so that ranks that send to each other do not wait for ever."""
        self._communicator.sendrecv(array, destination, out, source)
        self.sent.append((destination, array.nbytes))


def on_ranks(size, work):
    """Call work(peer) on `size` ranks; return what each returns, and each rank's Peer."""
    peers = {}

    def start(communicator):
        peers[communicator.rank] = peer = Peer(communicator)
        return work(peer)

    try:
        results = Threads.run(size, start)
    except CommunicationError as error:
        hint = " Ranks that send to each other at the same time need sendrecv." if "in send" in str(error) else ""
        raise error.__cause__ or check.CheckFailed(f"{error}.{hint}") from None
    return results, [peers[rank] for rank in range(size)]


class Network(NamedTuple):
    """Connections between ranks (task 6)."""

    latency: float  # seconds until the first byte of a message arrives
    bandwidth: float  # bytes a second


class Job(NamedTuple):
    """A training step (task 6)."""

    images: int  # in the whole batch, which the ranks share
    seconds_per_image: float  # of one rank, forward and backward
    bytes: int  # of all gradients


# %% [markdown]
# ## Task 1: shares of a data set
#
# *12 points, 40 minutes, medium*
#
# Taught in: "Training on many workers", section [Synchronous SGD, written out](https://dlcourse.github.io/dlcourse/book/4-distributed/many-workers.html#synchronous-sgd-written-out)
#
# In each epoch, every image should be used once, by one rank. And training should not depend on how many ranks there are: step k uses the same images with one rank and with eight. So all ranks draw the *same* order, cut it into the *same* batches, and then each takes its share of each batch.
#
# - `shuffled(length, epoch, seed)` returns the numbers 0 to `length - 1` in a random order, the same on every rank and in every call with these three numbers. Another epoch has another order, and so has another seed. Use a generator of your own, not NumPy's global random state.
# - `share(items, rank, size)` returns the part of an array that belongs to a rank: a run of neighbours, in order. All parts together are the array. Their lengths differ by one at most, and the longer ones come first: four ranks get 3, 3, 2 and 2 of 10 items.
# - `batches(length, batch, rank, size, epoch, seed)` returns a list with this rank's share of every batch of an epoch. Batch k is what lies from `k * batch` up to `(k + 1) * batch` in the shuffled order; the last one may be smaller.
#
# All ranks must take the same number of steps, or some would wait for others that are done. So a rank whose share of the last batch is empty still has an (empty) entry for it.
#
# <details><summary>Hint: a seed and an epoch</summary>
#
# `np.random.default_rng` takes a list of whole numbers as well. `seed + epoch` would make epoch 1 of seed 0 the same as epoch 0 of seed 1.
# </details>
# <details><summary>Hint: where a share begins</summary>
#
# With `short, longer = divmod(len(items), size)` the first `longer` ranks have one item more. Before rank r come `r * short` items, and one more for each of the longer shares before it: `min(r, longer)` of them.
# </details>

# %% nbgrader="shares solution"
def shuffled(length, epoch, seed):
    """Return 0 to length - 1 in an order that depends only on epoch and seed."""
    ### BEGIN SOLUTION
    return np.random.default_rng([seed, epoch]).permutation(length)
    ### END SOLUTION


def share(items, rank, size):
    """Return the part of an array that belongs to a rank."""
    ### BEGIN SOLUTION
    short, longer = divmod(len(items), size)
    start = rank * short + min(rank, longer)
    return items[start : start + short + (rank < longer)]
    ### END SOLUTION


def batches(length, batch, rank, size, epoch, seed):
    """Return a list with this rank's share of each batch of an epoch: arrays of indices."""
    ### BEGIN SOLUTION
    order = shuffled(length, epoch, seed)
    return [share(order[k : k + batch], rank, size) for k in range(0, length, batch)]
    ### END SOLUTION


# %% nbgrader="shares visible 5"
def order_of(length, epoch, seed):
    before = np.random.get_state()
    with check.own_work():
        order = shuffled(length, epoch, seed)
        np.random.random(3)  # something else that draws numbers
        again = shuffled(length, epoch, seed)
    np.random.set_state(before)
    check.that(order is not None, "shuffled returned None; is a return missing?")
    order, again = np.asarray(order), np.asarray(again)
    check.shape(order, (length,), "shuffled")
    check.that(order.dtype.kind in "iu", f"shuffled should hold whole numbers, but is {order.dtype}.")
    check.that(
        np.array_equal(np.sort(order), np.arange(length)),
        "shuffled should hold each number from 0 to length - 1 once; np.random's integers and "
        "choice draw with repetition, a permutation does not.",
    )
    check.that(
        np.array_equal(order, again),
        "The same call of shuffled gives another order the second time, so ranks would not draw "
        "the same. Make a new generator from seed and epoch in each call.",
    )
    np.random.seed(0)
    state = np.random.get_state()[1:3]
    shuffled(length, epoch, seed)
    after = np.random.get_state()[1:3]
    np.random.set_state(before)
    check.that(
        np.array_equal(state[0], after[0]) and state[1] == after[1],
        "shuffled changes the global random state, on which other code may count: "
        "np.random.default_rng makes a generator of your own.",
    )
    return order


def check_shares(length, size):
    items = np.arange(100, 100 + length)
    with check.own_work(), check.unchanged(items=items):
        parts = [share(items, rank, size) for rank in range(size)]
    check.that(all(p is not None for p in parts), "share returned None; is a return missing?")
    parts = [np.asarray(part) for part in parts]
    name = f"{length} items over {size} rank{'s' * (size > 1)}"
    counts, right = [len(part) for part in parts], np.array_split(items, size)
    wanted = [len(part) for part in right]
    joined = np.concatenate(parts)
    check.that(
        len(np.unique(joined)) == len(joined),
        f"{name}: an item belongs to two ranks. Shares must not overlap.",
    )
    check.that(
        len(joined) == length,
        f"{name}: only {len(joined)} items belong to a rank. Where it does not divide, the rest "
        "must go to somebody.",
    )
    check.that(
        max(counts) - min(counts) <= 1,
        f"{name}: the shares have {counts} items. They should differ by one at most, for all ranks "
        "wait for the one with the most.",
    )
    check.that(
        counts == wanted, f"{name}: the shares have {counts} items, and should have {wanted}: the "
        "longer ones come first.",
    )
    check.that(
        np.array_equal(joined, items),
        f"{name}: a share is a run of neighbours, in order: rank 0 the first ones, and so on.",
    )


def check_batches(length, batch, size, epoch, seed):
    with check.own_work():
        each = [batches(length, batch, rank, size, epoch, seed) for rank in range(size)]
        order = shuffled(length, epoch, seed)
    name = f"batches of {batch} from {length} items over {size} rank{'s' * (size > 1)}"
    steps = math.ceil(length / batch)
    for rank, mine in enumerate(each):
        check.that(isinstance(mine, list), f"{name}: batches should return a list.")
        check.that(
            len(mine) == steps,
            f"{name}: rank {rank} has {len(mine)} steps, and should have {steps}. The last batch "
            "counts even if it is small, and a rank takes part even if its share is empty.",
        )
    for k in range(steps):
        parts = [np.asarray(mine[k]) for mine in each]
        joined, whole = np.concatenate(parts), order[k * batch : (k + 1) * batch]
        check.that(
            set(joined.tolist()) == set(whole.tolist()),
            f"{name}: the shares of step {k} are not batch {k} together. Cut the order into "
            "batches first, and then each batch into shares; in every rank the same order.",
        )
        for rank, part in enumerate(parts):
            check.that(
                np.array_equal(part, np.array_split(whole, size)[rank]) and part.dtype.kind in "iu",
                f"{name}: rank {rank} should have its share of batch {k} as whole numbers, in order.",
            )


def test_shares():
    order = order_of(50, 0, 7)
    check.that(not np.array_equal(order, np.arange(50)), "shuffled does not shuffle.")
    check.that(not np.array_equal(order, order_of(50, 1, 7)), "Each epoch should have another order.")
    check.that(not np.array_equal(order, order_of(50, 0, 8)), "Another seed should give another order.")
    for length, size in [(8, 4), (10, 4), (7, 1), (3, 5)]:
        check_shares(length, size)
    check_batches(12, 4, 2, 0, 1)
    check_batches(10, 4, 3, 2, 1)


test_shares()
check.passed("Task 1")


# %% nbgrader="shares hidden 7"
def test_shares_hidden():
    for length in (0, 1, 2, 13, 64, 1000):
        order_of(length, 3, 5)
        for size in range(1, 9):
            check_shares(length, size)
    for length, batch, size in [(13, 5, 1), (13, 5, 4), (9, 8, 8), (64, 16, 5), (5, 100, 3), (1000, 97, 7)]:
        check_batches(length, batch, size, 1, 2)
    for length, batch, size, epoch, seed in check.drawn(
        lambda rng: rng.integers((10, 2, 1, 1, 1), (200, 20, 9, 1000, 1000)).tolist()
    ):
        check_shares(length, size)
        check_batches(length, batch, size, epoch, seed)
    orders = {tuple(order_of(20, epoch, seed).tolist()) for epoch in range(8) for seed in range(8)}
    check.that(
        len(orders) == 64,
        "Two pairs of seed and epoch give the same order, as (0, 1) and (1, 0) do with seed + epoch.",
    )
    first = {int(order_of(10, epoch, 0)[0]) for epoch in range(300)}
    check.that(first == set(range(10)), "Every item should come first in some epoch.")
    items = np.arange(14).reshape(7, 2)
    with check.own_work():
        parts = [share(items, rank, 3) for rank in range(3)]
    check.close(np.concatenate(parts), items, "the shares of an array with two axes", tolerance=0)


test_shares_hidden()

# %% [markdown]
# ## Task 2: the mean of all gradients
#
# *14 points, 50 minutes, medium*
#
# Taught in: "Why many workers are hard: messages and waiting", section [The mean of gradients is the gradient of the batch](https://dlcourse.github.io/dlcourse/book/4-distributed/why-hard.html#the-mean-of-gradients-is-the-gradient-of-the-batch); "Scaling out: how far it goes", section [Systems](https://dlcourse.github.io/dlcourse/book/4-distributed/scaling-out.html#systems)
#
# Each rank has the gradients of its own images. All want the gradient of the whole batch, which is a mean over all *images*: where rank r has $n_r$ images and its mean gradient is $g_r$,
#
# $$g = \frac{\sum_r n_r\, g_r}{\sum_r n_r}.$$
#
# A message costs its latency, however small it is. So gradients travel in *buckets*: several arrays, one after another, in one message. But not all in one, because the gradients of the last layers are ready first, and can travel while the others are still being computed.
#
# - `buckets(arrays, limit)` returns a list of lists of numbers of arrays. Go through the arrays **from the last to the first**. An array goes into the current bucket if that then has at most `limit` bytes; otherwise it begins a new one. So an array larger than `limit` has a bucket to itself.
# - `average(peer, gradients, images, limit)` returns the list of means on every rank. `gradients` are arrays of one dtype, of any shapes, the same shapes on all ranks. `images` is this rank's number of images.
#
# Rank 0 does the sums. For each bucket it receives one message from each other rank, adds **in the order of the ranks** (0 first, then 1, 2 and so on), and sends the result to all. With a fixed order the result has the same bits in every run and on every rank. The tests count: a rank other than 0 sends one message per bucket, and may send one more, with its number of images.
#
# A rank without images has no gradients: whatever stands in its arrays, even NaN, does not count.
#
# <details><summary>Hint: one bucket</summary>
#
# `np.concatenate([gradients[i].reshape(-1) for i in bucket])` is the message. Afterwards cut it in the same order, and give each part its shape back.
# </details>
# <details><summary>Hint: the number of images</summary>
#
# Numbers travel in arrays: `np.array([images])`. Rank 0 adds them up and sends the total to all, as with the buckets: write a function for both.
# </details>
# <details><summary>Hint: NaN</summary>
#
# `0 * NaN` is NaN. A rank without images sends zeros.
# </details>

# %% nbgrader="average solution"
def buckets(arrays, limit):
    """Return lists of the arrays' numbers, from the last to the first, of at most `limit` bytes."""
    ### BEGIN SOLUTION
    result, room = [], -1
    for i in reversed(range(len(arrays))):
        if arrays[i].nbytes <= room:
            result[-1].append(i)
        else:
            result.append([i])
            room = limit
        room -= arrays[i].nbytes
    return result
    ### END SOLUTION


def average(peer, gradients, images, limit):
    """Return the mean of the gradients over the images of all ranks, a list of arrays."""
    ### BEGIN SOLUTION
    def add_up(x):
        if peer.rank:
            peer.send(x, 0)
            peer.recv(x, 0)
            return
        other = np.empty_like(x)
        for source in range(1, peer.size):
            peer.recv(other, source)
            x += other
        for destination in range(1, peer.size):
            peer.send(x, destination)

    total = np.array([images])
    add_up(total)
    means = [None] * len(gradients)
    for bucket in buckets(gradients, limit):
        x = np.concatenate([gradients[i].reshape(-1) for i in bucket])
        x = x * images if images else np.zeros_like(x)
        add_up(x)
        x /= total[0]
        for i in bucket:
            means[i], x = x[: gradients[i].size].reshape(gradients[i].shape), x[gradients[i].size :]
    return means
    ### END SOLUTION


# %% nbgrader="average visible 6"
def check_buckets(sizes, limit, right, why=None):
    arrays = [np.zeros(size, np.float32) for size in sizes]
    with check.own_work():
        found = buckets(arrays, limit)
    check.that(found is not None, "buckets returned None; is a return missing?")
    found = [[int(i) for i in bucket] for bucket in found]
    name = f"buckets of {limit} bytes for arrays of {[4 * size for size in sizes]} bytes"
    check.that([] not in found, f"{name}: a bucket is empty in {found}.")
    forward = [[len(sizes) - 1 - i for i in bucket] for bucket in right]
    check.that(
        sorted(i for bucket in found for i in bucket) == list(range(len(sizes))),
        f"{name}: each array belongs to one bucket; found {found}.",
    )
    flat = [i for bucket in found for i in bucket]
    check.that(
        flat == sorted(flat, reverse=True) or found == right or forward == right,
        f"{name}: go from the last array to the first, since the last gradients are ready first; "
        f"found {found}.",
    )
    check.that(
        found == right,
        f"{name}: should be {right}, found {found}. An array joins the bucket if that then has at "
        "most `limit` bytes (not values).",
    )


def check_average(gradients, images, limit, tolerance, name):
    """`gradients[r]` are those of rank r, which has `images[r]` images."""
    size, copies = len(images), [[g.copy() for g in mine] for mine in gradients]
    with check.own_work():
        results, peers = on_ranks(
            size, lambda peer: average(peer, gradients[peer.rank], images[peer.rank], limit)
        )
    for mine, before in zip(gradients, copies, strict=True):
        check.that(
            all(np.array_equal(a, b, equal_nan=True) for a, b in zip(mine, before, strict=True)),
            "average changed the gradients that it was given; work on a copy.",
        )
    count, dtype = len(gradients[0]), gradients[0][0].dtype
    for rank, result in enumerate(results):
        check.that(
            isinstance(result, list | tuple) and len(result) == count,
            f"{name}: average should return a list of {count} arrays on every rank.",
        )
        for i in range(count):
            each = np.array([np.asarray(mine[i], np.float64) for mine in gradients])
            weights = np.array(images, np.float64).reshape(-1, *[1] * (each.ndim - 1))
            known = np.where(weights > 0, each, 0)
            mean = (weights * known).sum(axis=0) / sum(images)
            found = np.asarray(result[i])
            check.close(
                found, mean, f"{name}: mean {i} on rank {rank}", tolerance=tolerance,
                mistakes={
                    "Ranks have different numbers of images: weigh their gradients by them.":
                        known.mean(axis=0),
                    "That is the sum; divide by the number of all images.":
                        (weights * known).sum(axis=0),
                    "Every rank needs the result; this one still has its own gradient.": each[rank] if images[rank] else None,
                    "The mean is divided by the number of ranks once too often.": mean / size,
                },
            )
            check.dtype(found, dtype, f"{name}: mean {i}")
            check.that(
                np.array_equal(found, np.asarray(results[0][i])),
                f"{name}: ranks 0 and {rank} have means that differ in the last bits.",
            )
    sizes, room, number = [g.nbytes for g in gradients[0]], -1, 0
    for nbytes in reversed(sizes):
        number, room = (number, room) if nbytes <= room else (number + 1, limit)
        room -= nbytes
    for peer in peers[1:]:
        check.that(
            len(peer.sent) <= number + 1,
            f"{name}: rank {peer.rank} sends {len(peer.sent)} messages for {number} buckets; one a "
            "bucket and one about the number of images are enough. Join the arrays of a bucket.",
        )
        check.that(
            all(destination == 0 for destination, _ in peer.sent),
            f"{name}: rank {peer.rank} sends to others than rank 0, which does the sums.",
        )
        largest = max(nbytes for _, nbytes in peer.sent)
        check.that(
            largest <= max(limit, *sizes) + 8,
            f"{name}: a message has {largest} bytes, with a limit of {limit}: send buckets, not all "
            "gradients at once.",
        )
    check.that(
        len(peers[0].sent) <= (size - 1) * (number + 1), f"{name}: rank 0 sends {len(peers[0].sent)} "
        "messages; to each other rank one a bucket and one about the images are enough.",
    )


def random_gradients(size, shapes, dtype, rng):
    return [[rng.standard_normal(shape).astype(dtype) for shape in shapes] for _ in range(size)]


def check_order(size):
    # 1 + 2^24 is 2^24 in float32, so the sum tells in which order it was made.
    values = [1, 2.0**24, 1, -(2.0**24)] + [0] * (size - 4)
    gradients = [[np.full(3, value, np.float32)] for value in values]
    with check.own_work():
        results, _ = on_ranks(size, lambda peer: average(peer, gradients[peer.rank], 1, 100))
    for (mean,) in results:
        check.that(
            not np.any(mean),
            "The sum of 1, 2^24, 1 and -2^24 in float32 is 0 if one adds in the order of the ranks, "
            f"each sum rounded; here it is {size * np.ravel(mean)[0]:g}.",
        )


def test_average():
    check_buckets([1, 1, 1], 8, [[2, 1], [0]])
    check_buckets([2, 10, 1, 3], 16, [[3, 2], [1], [0]])
    check_buckets([3, 1, 2, 2], 100, [[3, 2, 1, 0]])
    rng = np.random.default_rng(0)
    shapes = [(3, 2), (4,), (2, 2, 2)]
    check_average(random_gradients(2, shapes, np.float32, rng), [4, 4], 48, 1e-6, "equal shares")
    check_average(random_gradients(3, shapes, np.float32, rng), [4, 3, 3], 48, 1e-6, "shares of 4, 3, 3")
    check_average(random_gradients(4, shapes, np.float32, rng), [1, 5, 2, 2], 1, 1e-6, "small buckets")
    check_order(4)
    gradients = random_gradients(3, shapes, np.float32, rng)
    gradients[2] = [np.full_like(g, np.nan) for g in gradients[2]]
    check_average(gradients, [2, 1, 0], 1000, 1e-6, "a rank without images, whose gradients are NaN")


test_average()
check.passed("Task 2")


# %% nbgrader="average hidden 8"
def test_average_hidden():
    check_buckets([5], 1, [[0]])
    check_buckets([10, 10, 1, 1], 39, [[3, 2], [1], [0]])
    check_buckets([1, 10, 1], 44, [[2, 1], [0]])
    check_buckets([1, 1, 1, 1, 1], 4, [[4], [3], [2], [1], [0]])
    rng = np.random.default_rng(1)
    for size in (1, 2, 5, 8):
        shapes = [(), (5, 1), (7,), (1, 2, 3), (3,)]
        for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
            images = rng.integers(1, 20, size).tolist()
            for limit in (4, 30, 10_000):
                name = f"{size} rank{'s' * (size > 1)} with {images} images, {np.dtype(dtype)}, limit {limit}"
                gradients = random_gradients(size, shapes, dtype, rng)
                for mine in gradients:
                    mine[0] = abs(mine[0])  # one number: its mean must not come out next to 0
                check_average(gradients, images, limit, tolerance, name)
    gradients = [[g.T for g in mine] for mine in random_gradients(3, [(4, 5), (2, 3)], np.float32, rng)]
    check_average(gradients, [1, 2, 3], 100, 1e-6, "transposed gradients")
    gradients = random_gradients(3, [(4, 5)], np.float32, rng)
    gradients[0] = [np.full((4, 5), np.inf, np.float32)]
    check_average(gradients, [0, 7, 2], 100, 1e-6, "rank 0 without images")
    check_order(6)


test_average_hidden()

# %% [markdown]
# ## Task 3: a ring all-reduce
#
# *16 points, 60 minutes, hard*
#
# Taught in: "All-reduce: a sum that everybody gets", section [Everybody at once](https://dlcourse.github.io/dlcourse/book/4-distributed/all-reduce.html#everybody-at-once) and [Step by step](https://dlcourse.github.io/dlcourse/book/4-distributed/all-reduce.html#step-by-step)
#
# With many ranks, rank 0 of task 2 is where all messages meet. On a ring there is no such place: every rank sends to its right neighbour, rank + 1, and receives from its left one, all at the same time. The array is cut into as many pieces as there are ranks, p.
#
# - In p - 1 steps *sums go round*. A rank sends one piece to the right, and adds what comes from the left to another piece, which it sends in the next step. After that, each rank has the finished sum of one piece.
# - In p - 1 more steps *results go round*: what comes from the left replaces the rank's own piece.
#
# Write `ring_all_reduce(peer, x)`, which changes `x` **in place** into the sum over all ranks. `x` has the same shape (any, C-contiguous) and dtype on all ranks. There can be any number of ranks from 1 up, and the number of values need not be a multiple of it; it can be smaller, and then some pieces are empty.
#
# The tests count: a rank sends only to its right neighbour, at most 2 (p - 1) messages, and in each at most n / p values, rounded up. And all ranks must end with the same bits.
#
# <details><summary>Hint: which piece when</summary>
#
# In step s of the first round let rank r send piece r - s and receive piece r - s - 1, both modulo p: what it receives in one step it sends in the next. At the end it has the sum of piece r + 1. Draw it for three ranks.
# </details>
# <details><summary>Hint: the pieces</summary>
#
# `flat = x.reshape(-1)` shares the memory of `x`, so what is written into a slice of it is written into `x`. Piece i may go from `i * n // p` to `(i + 1) * n // p`.
# </details>
# <details><summary>Hint: all ranks wait</summary>
#
# `send` returns when the message is received. If all ranks send first, nobody receives. `sendrecv` does both.
# </details>

# %% nbgrader="ring solution"
def ring_all_reduce(peer, x):
    """Replace x on every rank by its sum over all ranks."""
    ### BEGIN SOLUTION
    flat, rank, size = x.reshape(-1), peer.rank, peer.size
    edges = [i * flat.size // size for i in range(size + 1)]

    def piece(i):
        return flat[edges[i % size] : edges[i % size + 1]]

    right, left = (rank + 1) % size, (rank - 1) % size
    for step in range(size - 1):
        mine = piece(rank - step - 1)
        arrived = np.empty_like(mine)
        peer.sendrecv(piece(rank - step), right, arrived, left)
        mine += arrived
    for step in range(size - 1):
        peer.sendrecv(piece(rank - step + 1), right, piece(rank - step), left)
    ### END SOLUTION


# %% nbgrader="ring visible 7"
def check_ring(size, shape, dtype, rng):
    values = 100 * rng.standard_normal((size, *shape))
    data = values.astype(dtype)
    name = f"x on {size} rank{'s' * (size > 1)}, shape {shape}, {np.dtype(dtype)}"

    def work(peer):
        x = data[peer.rank].copy()
        ring_all_reduce(peer, x)
        return x

    with check.own_work():
        results, peers = on_ranks(size, work)
    right = data.sum(axis=0, dtype=np.float64)
    done = np.abs(np.array(results) - right) <= 1e-5 * np.abs(right).max(initial=1)
    if ((np.array(results) == data) & ~done).all(axis=0).any():
        why = "Some values are as they were on all ranks: the pieces must cover x, also if it does not divide."
    elif done.any(axis=0).all():
        why = ("Each sum is on some rank, but not on all: look at the second round. Its first step sends "
               "the piece that the rank has just finished, and what comes takes the place of the own piece.")
    else:
        why = ("No rank has the whole sum of some piece. In the first round, what comes is added to the "
               "piece that is sent in the next step. The second round begins with the piece that the rank "
               "has just finished, or that one is overwritten.")
    for rank, x in enumerate(results):
        check.close(
            x, right, f"{name}, rank {rank}", tolerance=0 if data.dtype.kind == "i" else 1e-5,
            mistakes={
                "x is as it was: change it in place, and not a copy of it.": data[rank],
                "That is the mean; asked for is the sum.": right / size,
                "All ranks end with the values of the last one: add what comes, in the first round.":
                    data[-1],
                f"{name}: {why}": x,
            },
        )
        check.that(
            np.array_equal(x, results[0]),
            f"{name}: ranks 0 and {rank} differ in the last bits, for they add in another order. Each "
            "piece is summed once, and the sum then goes to all.",
        )
    for peer in peers:
        right_one, n = (peer.rank + 1) % size, math.prod(shape)
        others = {destination for destination, _ in peer.sent} - {right_one}
        check.that(
            not others, f"{name}: rank {peer.rank} sends to rank {min(others, default=0)}; on a ring "
            f"it sends to its right neighbour alone, rank {right_one}.",
        )
        check.that(
            len(peer.sent) <= 2 * (size - 1),
            f"{name}: rank {peer.rank} sends {len(peer.sent)} messages, and 2 (p - 1) = "
            f"{2 * (size - 1)} are enough.",
        )
        largest = max((nbytes for _, nbytes in peer.sent), default=0) // data.itemsize
        check.that(
            largest <= math.ceil(n / size),
            f"{name}: rank {peer.rank} sends {largest} values in one message, and a piece has at most "
            f"{math.ceil(n / size)}. Cut x into as many pieces as there are ranks, as equal as can be.",
        )


def test_ring():
    rng = np.random.default_rng(0)
    check_ring(1, (5,), np.float32, rng)
    check_ring(2, (6,), np.float32, rng)
    check_ring(3, (6,), np.float32, rng)
    check_ring(4, (10,), np.float64, rng)
    check_ring(3, (2, 4), np.float32, rng)
    check_ring(5, (2,), np.float32, rng)


test_ring()
check.passed("Task 3")


# %% nbgrader="ring hidden 9"
def test_ring_hidden():
    rng = np.random.default_rng(1)
    for size in range(1, 9):
        for shape in [(0,), (1,), (2,), (7,), (8,), (100,), (3, 5), (2, 1, 4), (1001,)]:
            check_ring(size, shape, np.float32, rng)
        for dtype in (np.float64, np.int32, np.int64):
            check_ring(size, (23,), dtype, rng)
    check_ring(3, (100_003,), np.float32, rng)

    # Several, one after the other, on the same ranks.
    def work(peer):
        first, second = np.full(4, peer.rank + 1.0), np.arange(3.0)
        ring_all_reduce(peer, first)
        ring_all_reduce(peer, second)
        return np.concatenate([first, second])

    results, _ = on_ranks(3, work)
    for x in results:
        check.close(x, [6, 6, 6, 6, 0, 3, 6], "two all-reduces in a row")


test_ring_hidden()

# %% [markdown]
# ## Task 4: many workers, one large batch
#
# *14 points, 50 minutes, hard*
#
# Taught in: "Training on many workers", section [Synchronous SGD, written out](https://dlcourse.github.io/dlcourse/book/4-distributed/many-workers.html#synchronous-sgd-written-out)
#
# The claim: without dropout and the like, training on k ranks gives **the same weights** as one worker with the whole batch, whatever k is, and whether or not it divides the batch. Prove it by writing the training loop, and letting the tests compare the weights after many steps.
#
# `train(peer, weights, compute, batches, lr, momentum)` runs on every rank, and returns a pair: the list of trained weights, and the list of losses, one per step.
#
# - `weights` is a list of arrays of one dtype. **Those of rank 0 count**; the other ranks were initialised differently, and have to receive them first. Do not change the arrays that are given.
# - `batches` is a list of arrays of indices, the same on all ranks: the whole batch of each step. Each rank takes its share of it. Shares differ by one at most, and some are empty if the batch has fewer items than there are ranks.
# - `compute(weights, indices)` returns the loss and the list of gradients on some items: *means* over these items. The mean of no items is NaN, so do not ask for it.
# - The step of all ranks is $v \leftarrow \text{momentum} \cdot v + g$ and $w \leftarrow w - \text{lr} \cdot v$, with $v = 0$ at first, and g the mean gradient over the whole batch.
# - A loss is also the mean over the whole batch, before the step, on every rank.
#
# How the ranks exchange what they need is up to you: through rank 0, or on a ring. All ranks must end with the same bits. Only the work has to be shared: each rank computes its own share and nothing else.
#
# <details><summary>Hint: one vector</summary>
#
# Put the loss and all gradients into one vector, times `len(mine) / len(batch)`. The sum of these vectors over all ranks has the mean loss and the mean gradients of the batch.
# </details>
# <details><summary>Hint: an empty share</summary>
#
# Its vector is zero. The rank still takes part in the sum.
# </details>
# <details><summary>Hint: float32 stays float32</summary>
#
# A NumPy number of type float64 turns a float32 array into float64; a Python number does not.
# </details>

# %% nbgrader="equal solution"
def train(peer, weights, compute, batches, lr, momentum):
    """Train with momentum on all ranks alike; return the weights and the losses."""
    ### BEGIN SOLUTION
    def from_rank_0(x):
        if peer.rank:
            peer.recv(x, 0)
        else:
            for destination in range(1, peer.size):
                peer.send(x, destination)

    def add_up(x):
        if peer.rank:
            peer.send(x, 0)
        else:
            other = np.empty_like(x)
            for source in range(1, peer.size):
                peer.recv(other, source)
                x += other
        from_rank_0(x)

    weights = [w.copy() for w in weights]
    for w in weights:
        from_rank_0(w)
    velocities = [np.zeros_like(w) for w in weights]
    losses = []
    for batch in batches:
        mine = np.array_split(batch, peer.size)[peer.rank]
        vector = np.zeros(1 + sum(w.size for w in weights), weights[0].dtype)
        if len(mine):
            loss, gradients = compute(weights, mine)
            vector[0] = loss
            vector[1:] = np.concatenate([g.reshape(-1) for g in gradients])
            vector *= len(mine) / len(batch)
        add_up(vector)
        losses.append(float(vector[0]))
        start = 1
        for w, v in zip(weights, velocities, strict=True):
            v *= momentum
            v += vector[start : start + w.size].reshape(w.shape)
            w -= lr * v
            start += w.size
    return weights, losses
    ### END SOLUTION


# %% nbgrader="equal visible 6"
def small_net(dtype, seed):
    """A network with one hidden layer on random points: first weights, and `compute`."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((60, 5)).astype(dtype)
    labels = (x[:, 0] * x[:, 1] > 0).astype(int) + (x[:, 2] > 1)
    shapes = [(5, 8), (8,), (8, 3), (3,)]

    def first_weights(rank):
        own = np.random.default_rng([seed, rank])
        return [own.standard_normal(shape).astype(dtype) / 2 for shape in shapes]

    def compute(weights, indices):
        if len(indices) == 0:
            return math.nan, [np.full_like(w, np.nan) for w in weights]
        w1, b1, w2, b2 = weights
        hidden = np.tanh(x[indices] @ w1 + b1)
        scores = hidden @ w2 + b2
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        right = np.arange(len(indices)), labels[indices]
        loss = -float(np.log(p[right]).mean())
        p[right] -= 1
        p /= len(indices)
        back = (p @ w2.T) * (1 - hidden * hidden)
        return loss, [x[indices].T @ back, back.sum(axis=0), hidden.T @ p, p.sum(axis=0)]

    return first_weights, compute


def one_worker(weights, compute, batches, lr, momentum, size=1, kind="right", watch=None):
    """Train on the whole batch; or, as a typical mistake would, in `size` parts."""
    weights, losses = [w.copy() for w in weights], []
    velocities = [np.zeros_like(w) for w in weights]
    for batch in batches:
        if watch is not None:
            watch(weights, batch)
        parts = [part for part in np.array_split(batch, size) if len(part)]
        found = [compute(weights, part) for part in parts]
        scale = {"sum": 1, "all ranks": 1 / size, "right": 1}.get(kind, 1 / len(parts))
        losses.append(scale * sum(loss for loss, _ in found))
        for w, v, *grads in zip(weights, velocities, *(grads for _, grads in found), strict=True):
            v *= momentum
            v += scale * sum(grads)
            w -= lr * v
    return weights, losses


def vector_of(arrays):
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in arrays])


def check_train(size, batches, dtype, lr, momentum, tolerance, seed=0):
    first_weights, compute = small_net(dtype, seed)
    looked_at = [[] for _ in range(size)]
    given = [first_weights(rank) for rank in range(size)]
    name = f"{size} rank{'s' * (size > 1)}, batches of {[len(batch) for batch in batches[:4]]} ..., {np.dtype(dtype)}"

    def work(peer):
        def mine(weights, indices):
            looked_at[peer.rank].append(np.array(indices))
            return compute(weights, indices)

        return train(peer, given[peer.rank], mine, batches, lr, momentum)

    with check.own_work():
        results, _ = on_ranks(size, work)
    check.that(
        all(np.array_equal(a, b) for rank in range(size) for a, b in zip(given[rank], first_weights(rank), strict=True)),
        "train changed the arrays of weights that it was given; copy them first.",
    )
    for result in results:
        check.that(
            isinstance(result, tuple | list) and len(result) == 2
            and len(result[0]) == 4 and len(result[1]) == len(batches),
            f"{name}: train should return the weights and one loss a step, on every rank.",
        )
        for w, before in zip(result[0], given[0], strict=True):
            check.that(
                isinstance(w, np.ndarray) and w.shape == before.shape,
                f"{name}: the weights should keep their shapes.",
            )
            check.dtype(w, dtype, f"{name}: a weight")
    check.that(
        all(len(indices) for mine in looked_at for indices in mine),
        f"{name}: compute is called with an empty share. Its mean is 0 / 0; a rank without items "
        "adds zeros.",
    )
    every = np.sort(np.concatenate([i for mine in looked_at for i in mine] or [[]]))
    work_done = [sum(len(i) for i in mine) for mine in looked_at]
    check.that(
        np.array_equal(every, np.sort(np.concatenate([*batches, []]))),
        f"{name}: compute looks at {work_done} items on the ranks, and the batches have "
        f"{sum(len(batch) for batch in batches)} together. Each item belongs to one rank.",
    )
    parts = [np.array_split(batch, size) for batch in batches]
    most = sum(len(shares[0]) for shares in parts)
    check.that(
        max(work_done) <= most,
        f"{name}: the ranks compute {work_done} items; none needs more than {most}. Share the work.",
    )
    each = []  # the loss of each rank's share, by step; NaN if it is empty

    def watch(weights, batch):
        each.append([compute(weights, part)[0] for part in np.array_split(batch, size)])

    right, losses = one_worker(given[0], compute, batches, lr, momentum, watch=watch)
    each = np.array(each).reshape(-1, size)

    def wrong(kind, momentum=momentum, start=given[0]):
        return vector_of(one_worker(start, compute, batches, lr, momentum, size, kind)[0])

    ends = [vector_of(weights) for weights, _ in results]
    for rank in range(size):
        check.close(
            ends[rank], vector_of(right), f"{name}: the weights of rank {rank}",
            tolerance=tolerance,
            mistakes={
                "The weights differ from those of one worker: shares differ in size, so weigh the "
                "gradients by it.": wrong("mean"),
                "The weights differ from those of one worker: gradients are divided by the number of "
                "ranks, though shares differ in size and some are empty.": wrong("all ranks"),
                "That is what the sum of the ranks' mean gradients gives; it should be the mean of "
                "the whole batch.": wrong("sum"),
                "The momentum is forgotten.": vector_of(one_worker(given[0], compute, batches, lr, 0)[0]),
                f"Rank {rank} goes on from its own first weights; those of rank 0 count.":
                    vector_of(one_worker(given[rank], compute, batches, lr, momentum)[0])
                    if rank else None,
                f"Rank {rank} has not been trained.": vector_of(given[rank]),
                f"{name}: the ranks end with different weights. All start with those of rank 0, and "
                "each step takes the same mean gradient on all.":
                    ends[rank] if max(np.abs(end - ends[0]).max() for end in ends) > 1e-3 else None,
            },
        )
        check.that(
            all(np.array_equal(a, b) for a, b in zip(results[rank][0], results[0][0], strict=True)),
            f"{name}: ranks 0 and {rank} end with weights that differ in the last bits.",
        )
        check.close(
            np.array(results[rank][1]), losses, f"{name}: the losses on rank {rank}",
            tolerance=max(tolerance, 1e-6),
            mistakes={
                "A loss is the mean over the whole batch: weigh the ranks' losses by their shares.":
                    np.nanmean(each, axis=1),
                "A loss is the mean over the whole batch, not over the rank's own share.":
                    None if np.isnan(each).any() else each[:, rank],
            },
        )
    return max(float(np.abs(vector_of(mine) - vector_of(right)).max()) for mine, _ in results)


def cut(rng, *lengths):
    return [rng.permutation(60)[:length] for length in lengths]


def test_equal():
    rng = np.random.default_rng(0)
    check_train(1, cut(rng, *[12] * 5), np.float64, 0.3, 0.9, 1e-6)
    check_train(2, cut(rng, *[12] * 5), np.float64, 0.3, 0.0, 1e-6)
    check_train(3, cut(rng, *[11] * 8), np.float64, 0.3, 0.9, 1e-6)
    check_train(4, cut(rng, 10, 10, 2, 10, 10, 3), np.float64, 0.3, 0.9, 1e-6)
    apart = check_train(4, cut(rng, *[30] * 20), np.float32, 0.1, 0.9, 1e-6)
    print(f"After 20 steps in float32, the weights of 4 ranks and of one worker differ by {apart:.1e} at most.")


test_equal()
check.passed("Task 4")


# %% nbgrader="equal hidden 8"
def test_equal_hidden():
    rng = np.random.default_rng(1)
    for size in (1, 2, 3, 5, 8):
        check_train(size, cut(rng, 16, 16, 16, 5), np.float64, 0.2, 0.5, 1e-9, seed=size)
        check_train(size, cut(rng, 1, 7, 40, 8), np.float64, 0.1, 0.9, 1e-9, seed=size)
    check_train(6, cut(rng, *[33] * 100), np.float64, 0.05, 0.9, 1e-6)
    check_train(2, cut(rng, *[25] * 10), np.float32, 0.1, 0.9, 1e-6)
    check_train(3, [], np.float32, 0.1, 0.9, 1e-6)


def test_no_step():
    with check.own_work():
        results, _ = on_ranks(3, lambda peer: train(peer, [np.full(2, peer.rank + 1.0)], None, [], 0.1, 0.9))
    for weights, _ in results:
        check.close(weights[0], [1, 1], "the weights after no step")


test_equal_hidden()
test_no_step()

# %% [markdown]
# ## Task 5: how stale a gradient is
#
# *12 points, 45 minutes, medium*
#
# Taught in: "Training on many workers", section [Waiting for nobody: asynchronous SGD](https://dlcourse.github.io/dlcourse/book/4-distributed/many-workers.html#waiting-for-nobody-asynchronous-sgd)
#
# In asynchronous SGD nobody waits. A server holds the weights. A worker fetches them, computes a gradient, and pushes it; the server turns it into an update at once, and the worker fetches again. Meanwhile others have pushed, so the gradient belongs to weights that are no longer there. Its **staleness** is the number of updates that the weights received between the worker's fetch and its push.
#
# How that goes depends on how long each gradient takes. `seconds` is an array (workers, n): `seconds[w, i]` is the time from the i-th fetch of worker w to its push. All workers fetch at time 0, pushing and fetching take no time, and when two push at the same moment, the worker with the lower number pushes *and fetches* first.
#
# - `simulate(seconds, updates)` returns two lists, with an entry for each of the first `updates` updates: which worker pushed, and how stale its gradient was. (n is at least `updates`.)
# - `distribution(staleness)` returns an array: entry s is the share of updates with staleness s, from 0 to the largest there is.
# - `asynchronous_sgd(w, gradient, seconds, updates, lr)` trains in that order from the array `w`: each update is `w - lr * gradient(fetched)`, where `fetched` are the weights that this worker fetched. It returns a list with the weights after each update, and leaves the given `w` as it was.
#
# <details><summary>Hint: who is next</summary>
#
# Keep for each worker the time of its next push. The next one to push has the smallest; `np.argmin` takes the first of several.
# </details>
# <details><summary>Hint: staleness</summary>
#
# Count the updates so far, and note for each worker what the count was at its fetch. Its own update is done before it fetches again.
# </details>
# <details><summary>Hint: weights that were fetched</summary>
#
# `w -= ...` changes an array in place, even for workers that fetched it before. `w = w - ...` makes a new one.
# </details>

# %% nbgrader="staleness solution"
def simulate(seconds, updates):
    """Return for each update which worker pushed, and its staleness: two lists."""
    ### BEGIN SOLUTION
    seconds = np.asarray(seconds, float)
    count = len(seconds)
    due, gradients, version = seconds[:, 0].copy(), [0] * count, [0] * count
    workers, staleness = [], []
    for update in range(updates):
        worker = int(np.argmin(due))
        workers.append(worker)
        staleness.append(update - version[worker])
        version[worker] = update + 1
        gradients[worker] += 1
        if gradients[worker] < seconds.shape[1]:
            due[worker] += seconds[worker, gradients[worker]]
    return workers, staleness
    ### END SOLUTION


def distribution(staleness):
    """Return an array with the share of updates of each staleness, from 0 to the largest."""
    ### BEGIN SOLUTION
    return np.bincount(staleness) / len(staleness)
    ### END SOLUTION


def asynchronous_sgd(w, gradient, seconds, updates, lr):
    """Return a list with the weights after each update."""
    ### BEGIN SOLUTION
    workers, _ = simulate(seconds, updates)
    fetched, history = [w] * len(seconds), []
    for worker in workers:
        w = w - lr * gradient(fetched[worker])
        fetched[worker] = w
        history.append(w)
    return history
    ### END SOLUTION


# %% nbgrader="staleness visible 5"
def check_simulate(seconds, right_workers, right_staleness, name):
    seconds, updates = np.asarray(seconds, float), len(right_workers)
    with check.own_work(), check.unchanged(seconds=seconds):
        found = simulate(seconds, updates)
    check.that(isinstance(found, tuple | list) and len(found) == 2, "simulate should return two lists.")
    workers, staleness = (list(map(int, part)) for part in found)
    check.that(
        workers == list(right_workers),
        f"{name}: the updates should come from the workers {list(right_workers)[:12]}, and come from "
        f"{workers[:12]}. The next to push is the one whose time is up first, and of several the one "
        "with the lowest number.",
    )
    previous = dict.fromkeys(range(len(seconds)), -1)
    others, own, idle = [], [], []
    for update, worker in enumerate(workers):
        others.append(update - previous[worker])
        own.append(update - max(previous[worker], 0))
        idle.append(update)
        previous[worker] = update
    check.close(
        np.array(staleness), right_staleness, f"{name}: the staleness", tolerance=0,
        mistakes={
            "A worker's own update does not count: neither the one it pushed before it fetched, nor "
            "the one that it makes now.": others,
            "A worker fetches after its push, so its own update is in what it fetches.": own,
            "A worker fetches again after each push; count from there, not from the start.": idle,
            "The staleness is counted, and depends on the times; it is not the number of others.":
                np.full(updates, len(seconds) - 1),
        },
    )


def test_staleness():
    equal = np.ones((3, 9))
    check_simulate(equal, [0, 1, 2, 0, 1, 2, 0, 1, 2], [0, 1, 2, 2, 2, 2, 2, 2, 2], "three equal workers")
    check_simulate(np.ones((1, 4)), [0, 0, 0, 0], [0, 0, 0, 0], "one worker")
    slow = np.array([[1.0], [3.0]]) * np.ones((2, 8))
    check_simulate(slow, [0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 3, 1, 0, 0, 3], "a worker three times slower")
    changing = [[4, 1, 1, 1, 1], [2, 1, 2, 4, 1]]
    check_simulate(changing, [1, 1, 0, 0, 1], [0, 0, 2, 0, 2], "times that change")
    with check.own_work():
        shares = distribution([0, 0, 3, 1])
    check.close(
        shares, [0.5, 0.25, 0, 0.25], "distribution([0, 0, 3, 1])",
        mistakes={
            "Shares are asked for, and these are counts.": [2, 1, 0, 1],
            "A staleness that does not occur has a share of 0.": [0.5, 0.25, 0.25],
            "Begin with staleness 0.": [0.25, 0, 0.25],
        },
    )
    w = np.array([1.0, -2.0])
    with check.own_work(), check.unchanged(w=w):
        history = asynchronous_sgd(w, lambda w: w, np.ones((2, 6)), 6, 0.5)
    check.that(history is not None, "asynchronous_sgd returned None; is a return missing?")
    check.that(len(history) == 6, f"asynchronous_sgd should return 6 arrays, one an update, found {len(history)}.")
    right = np.outer([0.5, 0, -0.25, -0.25, -0.125, 0], w)
    check.close(
        np.array(history), right, "the weights after each update",
        mistakes={
            "Each gradient belongs to the weights at its push; it should be those that the worker "
            "fetched. Are they changed in place after the fetch?":
                np.outer([0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625], w),
            "A worker fetches after its update, not before.":
                np.outer([0.5, 0, -0.5, -0.75, -0.75, -0.5], w),
            "The list has the same array again and again; keep a copy of each.":
                np.tile(np.asarray(history[-1]), (6, 1)),
            "All gradients are taken at the first weights.":
                np.outer([0.5, 0, -0.5, -1, -1.5, -2], w),
        },
    )


test_staleness()
check.passed("Task 5")


# %% nbgrader="staleness hidden 7"
def test_staleness_hidden():
    rng = np.random.default_rng(1)
    for workers, updates in [(1, 5), (2, 30), (4, 50), (7, 100), (16, 200), (5, 2)]:
        # Quarters add up exactly, so that ties are ties.
        seconds = rng.integers(1, 9, (workers, updates)) / 4
        if workers == 7:
            seconds[3] *= 10
        pushes = sorted(
            (time, worker) for worker in range(workers)
            for time in np.cumsum(seconds[worker]).tolist()
        )[:updates]
        order = [worker for _, worker in pushes]
        stale = [len(order[:u]) - 1 - max((i for i in range(u) if order[i] == order[u]), default=-1)
                 for u in range(updates)]
        name = f"{workers} workers, {updates} updates"
        check_simulate(seconds, order, stale, name)
        with check.own_work():
            shares = distribution(stale)
        check.close(shares, [stale.count(s) / updates for s in range(max(stale) + 1)],
                    f"the distribution of {name}", tolerance=1e-12)
        matrix, w = rng.standard_normal((3, 3)), rng.standard_normal(3)
        matrix = matrix @ matrix.T / 10
        with check.own_work(), check.unchanged(w=w, seconds=seconds):
            history = asynchronous_sgd(w, lambda w: matrix @ w - 1, seconds, updates, 0.1)
        versions = [w]
        for u in range(updates):
            versions.append(versions[-1] - 0.1 * (matrix @ versions[u - stale[u]] - 1))
        check.close(np.array(history), np.array(versions[1:]), f"the weights of {name}", tolerance=1e-9)


test_staleness_hidden()

# %% [markdown]
# ## Task 6: what more workers bring
#
# *12 points, 40 minutes, easy*
#
# Taught in: "All-reduce: a sum that everybody gets", section [What it costs](https://dlcourse.github.io/dlcourse/book/4-distributed/all-reduce.html#what-it-costs); "Scaling out: how far it goes", section [Two laws](https://dlcourse.github.io/dlcourse/book/4-distributed/scaling-out.html#two-laws)
#
# A message of n bytes takes latency + n / bandwidth seconds. Messages between different pairs of ranks can travel at the same time, but a rank sends one and receives one at a time. An all-reduce of n bytes among p ranks is then a number of steps, one after another:
#
# - `"parameter server"`: rank 0 receives the whole array from every other rank, one after another, and then sends the sum to each, one after another.
# - `"tree"`: in each round, half of the ranks that still have a sum send all of it to the other half (if their number is odd, one rank pauses), until rank 0 has it. The result goes back the same way.
# - `"ring"`: as in task 3, with pieces of n / p bytes. (Do not round them.)
#
# Write
#
# - `all_reduce_seconds(algorithm, ranks, size, network)`, with the size in bytes. It is 0 for one rank, and raises a `ValueError` for a name that is not one of the three;
# - `step_seconds(algorithm, ranks, job, network)`: the whole batch of `job.images` is shared among the ranks as equally as possible. The rank with the most images decides when the all-reduce of `job.bytes` begins;
# - `speed_up(algorithm, ranks, job, network)`: how many times faster a step is than with one rank;
# - `best_ranks(algorithm, most, job, network)`: with how many ranks from 1 to `most` a step is fastest; the smallest number, if there are several.
#
# `Network` and `Job` are defined in the first cell.
#
# <details><summary>Hint: the rounds of a tree</summary>
#
# Each round halves the ranks, rounded up: 5, 3, 2, 1 are three rounds. Count them, or round $\log_2 p$ up.
# </details>
# <details><summary>Hint: the steps of a ring</summary>
#
# p - 1 in which sums go round, and p - 1 in which results do.
# </details>

# %% nbgrader="speed-up solution"
def all_reduce_seconds(algorithm, ranks, size, network):
    """Return how long an all-reduce of `size` bytes takes."""
    ### BEGIN SOLUTION
    if algorithm == "parameter server":
        steps, message = 2 * (ranks - 1), size
    elif algorithm == "tree":
        steps, message = 2 * math.ceil(math.log2(ranks)), size
    elif algorithm == "ring":
        steps, message = 2 * (ranks - 1), size / ranks
    else:
        raise ValueError(f"expected 'parameter server', 'tree' or 'ring', found {algorithm!r}")
    return steps * (network.latency + message / network.bandwidth)
    ### END SOLUTION


def step_seconds(algorithm, ranks, job, network):
    """Return how long a step takes on this many ranks."""
    ### BEGIN SOLUTION
    images = math.ceil(job.images / ranks)
    return images * job.seconds_per_image + all_reduce_seconds(algorithm, ranks, job.bytes, network)
    ### END SOLUTION


def speed_up(algorithm, ranks, job, network):
    """Return how many times faster a step is than with one rank."""
    ### BEGIN SOLUTION
    return step_seconds(algorithm, 1, job, network) / step_seconds(algorithm, ranks, job, network)
    ### END SOLUTION


def best_ranks(algorithm, most, job, network):
    """Return the number of ranks, from 1 to `most`, with the fastest step."""
    ### BEGIN SOLUTION
    return min(range(1, most + 1), key=lambda ranks: step_seconds(algorithm, ranks, job, network))
    ### END SOLUTION


# %% nbgrader="speed-up visible 5"
SLOW = Network(latency=1e-3, bandwidth=1e6)
STEP = Job(images=64, seconds_per_image=0.01, bytes=20_000)


def seconds_of(algorithm, ranks, size, network, right, mistakes=None):
    with check.own_work():
        found = all_reduce_seconds(algorithm, ranks, size, network)
    check.close(found, right, f"all_reduce_seconds({algorithm!r}, {ranks}, {size}, {network})", mistakes, 1e-9)


def test_speed_up():
    seconds_of("parameter server", 5, 4000, SLOW, 8 * 0.005, {
        "The sum has to be sent back as well.": 4 * 0.005,
        "Rank 0 sends to the others, p - 1 of them, not to itself.": 10 * 0.005,
        "Rank 0 receives one message after the other, not all at once.": 2 * 0.005,
    })
    seconds_of("tree", 5, 4000, SLOW, 6 * 0.005, {
        "Five ranks need three rounds, not two: round up.": 4 * 0.005,
        "The result has to go back as well.": 3 * 0.005,
        "Rounds are whole: round log2 p up.": 2 * math.log2(5) * 0.005,
    })
    seconds_of("ring", 5, 4000, SLOW, 8 * 0.0018, {
        "A piece has n / p bytes.": 8 * 0.005,
        "Sums go round, and results do: two rounds.": 4 * 0.0018,
        "A round has p - 1 steps.": 10 * 0.0018,
        "Every message has the whole latency, however small it is.": 8 * 0.001,
    })
    for algorithm in ("parameter server", "tree", "ring"):
        seconds_of(algorithm, 1, 4000, SLOW, 0)
    with check.own_work():
        step = step_seconds("ring", 5, STEP, SLOW)
        gain = speed_up("ring", 5, STEP, SLOW)
        best, few = (best_ranks("ring", most, STEP, SLOW) for most in (64, 8))
    check.close(step, 0.13 + 0.04, "step_seconds('ring', 5, STEP, SLOW)", tolerance=1e-9, mistakes={
        "64 images among 5 ranks: some have 13, and the others wait for them.": 0.128 + 0.04,
        "The images are shared: a rank computes only some of them.": 0.64 + 0.04,
        "The all-reduce begins when the gradients are there; it adds to the time.": 0.13,
        "The ranks with the most images decide, not those with the fewest.": 0.12 + 0.04,
    })
    check.close(gain, 0.64 / 0.17, "speed_up('ring', 5, STEP, SLOW)", tolerance=1e-9, mistakes={
        "It is the time of one rank divided by the time of all, not the other way round.": 0.17 / 0.64,
        "The all-reduce belongs to the step.": 0.64 / 0.13,
        "The speed-up is not divided by the number of ranks; that would be the efficiency.": 0.64 / 0.17 / 5,
    })
    check.close(best, 16, "best_ranks('ring', 64, STEP, SLOW)", tolerance=0, mistakes={
        "More ranks are not always faster.": 64, "That is the slowest one.": 1,
    })
    check.close(few, 8, "best_ranks('ring', 8, STEP, SLOW)", tolerance=0, mistakes={
        "From 1 to `most`: `most` itself belongs to it.": 7,
    })


test_speed_up()
check.passed("Task 6")


# %% nbgrader="speed-up hidden 7"
def test_speed_up_hidden():
    networks = [SLOW, Network(30e-6, 1.25e9), Network(2e-6, 12.5e9), Network(0.0, 1e8), Network(0.01, 1e12),
                *check.drawn(lambda rng: Network(*(10 ** rng.uniform((-6, 8), (-3, 11))).tolist()), 1)]
    jobs = [STEP, Job(256, 0.002, 102_228_128), Job(7, 0.1, 400), Job(1000, 1e-4, 494_208),
            *check.drawn(lambda rng: Job(int(rng.integers(20, 500)), rng.uniform(1e-4, 0.01), int(rng.integers(10**4, 10**8))), 1)]
    for network in networks:
        for ranks in (1, 2, 3, 4, 7, 8, 9, 64, 100, 1000, 4096):
            rounds, left = 0, ranks
            while left > 1:
                left, rounds = (left + 1) // 2, rounds + 1
            for size in (4, 1_000_001):
                each = network.latency + size / network.bandwidth
                piece = network.latency + size / ranks / network.bandwidth
                seconds = {"parameter server": 2 * (ranks - 1) * each, "tree": 2 * rounds * each,
                           "ring": 2 * (ranks - 1) * piece}
                for algorithm, right in seconds.items():
                    # In microseconds, as `close` compares with a thousandth at least.
                    with check.own_work():
                        found = all_reduce_seconds(algorithm, ranks, size, network)
                    check.close(found * 1e6, right * 1e6,
                                f"the microseconds of {algorithm} among {ranks}, {size} bytes, {network}",
                                tolerance=1e-9)
        for job in jobs:
            for algorithm in ("parameter server", "tree", "ring"):
                steps = []
                for ranks in range(1, 101):
                    most = max(len(part) for part in np.array_split(np.arange(job.images), ranks))
                    with check.own_work():
                        messages = all_reduce_seconds(algorithm, ranks, job.bytes, network)
                        found, gain = (f(algorithm, ranks, job, network) for f in (step_seconds, speed_up))
                    steps.append(most * job.seconds_per_image + messages)
                    name = f"of {algorithm} on {ranks} rank{'s' * (ranks > 1)}, {job}, {network}"
                    check.close(found, steps[-1], f"the step {name}", tolerance=1e-9)
                    check.close(gain, steps[0] / steps[-1], f"the speed-up {name}", tolerance=1e-9)
                with check.own_work():
                    best = {most: best_ranks(algorithm, most, job, network) for most in (1, 5, 100)}
                for most, found in best.items():
                    name = f"best_ranks({algorithm!r}, {most}, {job}, {network})"
                    check.that(found in range(1, most + 1), f"{name} is {found}, and should lie from 1 to {most}.")
                    check.that(steps[found - 1] <= min(steps[:most]) * (1 + 1e-12),
                               f"{name} is {found}; {int(np.argmin(steps[:most])) + 1} ranks are faster.")
    free = Network(0.0, 1e9)
    for images, right in [(4, 4), (9, 9), (1, 1)]:
        with check.own_work():
            best = best_ranks("tree", 20, Job(images, 1.0, 0), free)
        check.that(best == right, f"With {images} images and messages that cost nothing, {right} ranks "
                   f"are enough; best_ranks gives {best}. Of several take the smallest.")
    with check.own_work():
        check.raises(ValueError, lambda: all_reduce_seconds("star", 4, 100, SLOW),
                     "an unknown algorithm should raise a ValueError")


test_speed_up_hidden()

# %% [markdown]
# ## Task 7: top-k with error feedback
#
# *12 points, 50 minutes, hard*
#
# Taught in: "Training on many workers", section [Saying less: compression](https://dlcourse.github.io/dlcourse/book/4-distributed/many-workers.html#saying-less-compression)
#
# Most values of a gradient are small. So a rank sends only the k with the largest absolute values, each as its place (int32) and its value. What it does not send it *keeps*, and adds to the next gradient: a value that is small but always has the same sign grows until it is sent. That is *error feedback*; what is not sent is late, not lost.
#
# Write the class `TopKMean`. Each rank has its own, and calls it in each step.
#
# - `TopKMean(k)`: k is the number of values to send, at least 1. If an array has fewer values, all are sent.
# - `mean(peer, gradient)` takes this rank's gradient, a vector; all ranks call it with vectors of the same length and dtype. It adds what was kept so far, sends the k largest of that to *all* other ranks and keeps the rest. It returns a new vector of the same dtype: the **mean over all ranks** of what was sent, which is zero at places that nobody sent. All ranks get the same bits. Among equal values, you may send whichever you like.
# - `unsent` is the vector that is kept; before the first call it may be anything.
#
# The tests count: in a call, a rank sends at most 2 (p - 1) messages, with k places of 4 bytes and k values each p - 1 times.
#
# <details><summary>Hint: the k largest</summary>
#
# `np.argpartition(np.abs(x), len(x) - k)[len(x) - k :]` are their places, in no particular order.
# </details>
# <details><summary>Hint: to all others</summary>
#
# In step s (from 1 to p - 1), send to rank + s and receive from rank - s, both modulo p, with `sendrecv`. Keep what arrives by rank, and add it up in the order of the ranks, so that the bits agree.
# </details>
# <details><summary>Warning: the same place twice</summary>
#
# Two ranks may send the same place. `x[places] += values` adds only one of them if `places` names a place twice.
# </details>

# %% nbgrader="top-k solution"
class TopKMean:
    """The mean of the largest values of all ranks; what a rank does not send it keeps."""

    def __init__(self, k):
        ### BEGIN SOLUTION
        self.k = k
        self.unsent = None
        ### END SOLUTION

    def mean(self, peer, gradient):
        """Return the mean over all ranks of what each sends of its vector."""
        ### BEGIN SOLUTION
        if self.unsent is None:
            self.unsent = np.zeros_like(gradient)
        self.unsent = self.unsent + gradient
        rest = max(0, len(gradient) - self.k)
        mine = np.argsort(np.abs(self.unsent))[rest:].astype(np.int32)
        places = np.empty((peer.size, len(mine)), np.int32)
        values = np.empty((peer.size, len(mine)), gradient.dtype)
        places[peer.rank], values[peer.rank] = mine, self.unsent[mine]
        self.unsent[mine] = 0
        for step in range(1, peer.size):
            to, source = (peer.rank + step) % peer.size, (peer.rank - step) % peer.size
            peer.sendrecv(places[peer.rank], to, places[source], source)
            peer.sendrecv(values[peer.rank], to, values[source], source)
        result = np.zeros_like(gradient)
        for place, value in zip(places, values, strict=True):
            result[place] += value
        result /= peer.size
        return result
        ### END SOLUTION


# %% nbgrader="top-k visible 5"
def check_top_k(gradients, k, name, tolerance=1e-6):
    """`gradients` is (steps, ranks, n): what each rank has in each step."""
    steps, size, n = gradients.shape
    dtype, given = gradients.dtype, gradients.copy()

    def work(peer):
        average, means, kept, counts = TopKMean(k), [], [], []
        for step in range(steps):
            means.append(average.mean(peer, gradients[step, peer.rank]))
            kept.append(np.array(average.unsent))
            counts.append(len(peer.sent))
        return means, kept, counts

    with check.own_work():
        results, peers = on_ranks(size, work)
    check.that(np.array_equal(gradients, given), "mean changed the gradient that it was given; work on a copy.")
    unsent = np.zeros((size, n))
    at_most = min(k, n)
    for step in range(steps):
        here = f"{name}, step {step}"
        waiting = unsent + gradients[step]
        sent, without_memory, largest, apart = (np.zeros((size, n)) for _ in range(4))
        for rank in range(size):
            places = np.argsort(np.abs(waiting[rank]))[n - at_most :]
            sent[rank, places] = waiting[rank, places]
            places = np.argsort(np.abs(gradients[step, rank]))[n - at_most :]
            without_memory[rank, places] = gradients[step, rank, places]
            apart[rank, places] = waiting[rank, places]
            places = np.argsort(waiting[rank])[n - at_most :]
            largest[rank, places] = waiting[rank, places]
        overwritten = np.zeros(n)
        for values in sent:
            overwritten[values != 0] = values[values != 0]
        right, unsent = sent.mean(axis=0), waiting - sent
        for rank, (means, kept, _) in enumerate(results):
            check.shape(means[step], (n,), f"{here}: the mean on rank {rank}")
            check.close(
                means[step], right, f"{here}: the mean on rank {rank}", tolerance=tolerance,
                mistakes={
                    "What was not sent before is lost: add it to the gradient.": without_memory.mean(axis=0),
                    "Choose the largest of gradient and kept values together, not of the gradient.":
                        apart.mean(axis=0),
                    "The largest without their sign are sent: -5 is larger than 3.": largest.mean(axis=0),
                    "That is the sum over the ranks; divide by their number.": sent.sum(axis=0),
                    "Where two ranks send the same place, both values count.": overwritten / size,
                    "All values are sent, and not the k largest.": waiting.mean(axis=0),
                    "The rank has only what it sends itself; it needs that of all others.": sent[rank] / size,
                    "A rank counts its own values too.": right - sent[rank] / size,
                },
            )
            check.dtype(means[step], dtype, f"{here}: the mean")
            check.that(
                np.array_equal(means[step], results[0][0][step]),
                f"{here}: ranks 0 and {rank} differ in the last bits; add in the order of the ranks.",
            )
            check.close(
                kept[step], unsent[rank], f"{here}: unsent on rank {rank}", tolerance=tolerance,
                mistakes={
                    "What is sent must not be kept as well: it would be sent twice.": waiting[rank],
                    "unsent keeps what is not sent, not what is.": sent[rank],
                    "unsent keeps a rank's values as they are, not divided by the number of ranks.":
                        unsent[rank] / size,
                },
            )
    for peer in peers:
        check.that(
            len(peer.sent) <= 2 * (size - 1) * steps,
            f"{name}: rank {peer.rank} sends {len(peer.sent)} messages in {steps} steps, and "
            f"{2 * (size - 1) * steps} are enough.",
        )
        sent, most = sum(nbytes for _, nbytes in peer.sent), (size - 1) * steps * at_most * (4 + dtype.itemsize)
        check.that(
            sent <= most,
            f"{name}: rank {peer.rank} sends {sent} bytes, and {most} are enough: k places of 4 bytes "
            f"(int32; NumPy makes int64) and k values, for each other rank.",
        )


def test_top_k():
    one = np.array([[[1, -5, 3, 2]], [[1, 1, 1, 1]], [[0.5, 0, 0, 0]]], np.float32)
    check_top_k(one, 2, "one rank, k = 2")
    two = np.array([[[4, 1, 0], [2, 0, -3]], [[0, 1, 0.5], [1, 0, 0.5]], [[0, 1.5, 0], [0, 4, 1]]], np.float32)
    check_top_k(two, 1, "two ranks, k = 1")
    rng = np.random.default_rng(0)
    check_top_k(rng.standard_normal((6, 3, 10)).astype(np.float32), 4, "three ranks, k = 4")
    check_top_k(rng.standard_normal((2, 2, 3)).astype(np.float32), 5, "k is larger than the vector")


test_top_k()
check.passed("Task 7")


# %% nbgrader="top-k hidden 7"
def test_top_k_hidden():
    rng = np.random.default_rng(1)
    for size in (1, 2, 4, 7):
        for n, k in [(1, 1), (20, 1), (20, 7), (20, 20), (101, 3)]:
            for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
                gradients = rng.standard_normal((5, size, n)).astype(dtype)
                check_top_k(gradients, k, f"{size} rank{'s' * (size > 1)}, {n} values, k = {k}, {np.dtype(dtype)}", tolerance)

    # Equal values, zeros and a long run: nothing is lost and nothing is made up.
    for first in (np.ones((3, 8)), np.zeros((3, 8)), np.tile([2.0, -2, 1, 0], (3, 2))):
        def work(peer, first=first):
            average, total = TopKMean(2), np.zeros(8)
            for _ in range(12):
                total += average.mean(peer, first[peer.rank])
            return total, average.unsent

        with check.own_work():
            results, _ = on_ranks(3, work)
        kept = sum(unsent for _, unsent in results)
        for total, _ in results:
            check.close(
                3 * total + kept, 12 * first.sum(axis=0),
                "what arrived and what is kept, together (they should be all gradients so far)",
                tolerance=1e-9,
            )


test_top_k_hidden()

# %% [markdown]
# ## Task 8: a question
#
# *8 points, 25 minutes, graded by a person*
#
# Taught in: "Scaling out: how far it goes", section [Large batches](https://dlcourse.github.io/dlcourse/book/4-distributed/scaling-out.html#large-batches); "Why many workers are hard: messages and waiting", section [Everybody waits for the slowest](https://dlcourse.github.io/dlcourse/book/4-distributed/why-hard.html#everybody-waits-for-the-slowest)
#
# A team trains a network with batch normalization on one GPU, with 32 images per step and a learning rate of 0.1. Now they have 64 GPUs, keep 32 images on each, change nothing else, and use synchronous SGD. After the same number of *epochs* as before the loss is clearly higher, and a step takes longer than it did on one GPU.
#
# 1. Name two things that are different about this training run although every gradient is averaged correctly, and say what one does about each. (3 points)
# 2. They try one large batch of 2,048 images on a machine with much memory, and get weights that differ from those of the 64 GPUs by far more than rounding. Which layer is to blame, and what are two ways to make both the same? (2 points)
# 3. In each step, each GPU is late with a probability of 1%. How often does a step wait for somebody? What would asynchronous SGD do about it, and at what price? (3 points)

# %% [markdown] nbgrader="question manual 8"
# ### BEGIN SOLUTION
# 1. Any two, a point and a half each: The batch is 64 times as large, so an epoch has 64 times fewer updates; with the same learning rate the weights move much less. Multiply the learning rate by up to 64 (the linear rule), or train for more epochs. Such a learning rate diverges at first, when weights change fast: warm it up over some epochs. The gradient has much less noise, and beyond some batch size a larger one saves no more steps: stay below it, use an optimizer made for large batches. Longer steps: the all-reduce is added; send in buckets while the backward pass is still running, compress, or use a faster network. (3)
# 2. Batch normalization: each GPU normalises with mean and variance of its own 32 images, and the large batch with those of 2,048, so outputs and gradients are different ones. Either synchronise the statistics over the GPUs, or normalise in groups of 32 on the one machine; or take a normalization that does not look at the batch, such as group or layer normalization. (2)
# 3. 1 - 0.99^64 = 47% of the steps wait for at least one. Asynchronous SGD lets nobody wait: a late GPU delays only its own gradient. The price is staleness: gradients belong to weights about 63 updates old, which acts as noise or overshoots, so that the learning rate must be smaller and the result may be worse; and no run can be repeated bit for bit. (3)
# ### END SOLUTION
