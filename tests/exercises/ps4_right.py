"""Right answers to assignment 4, each written in another way than the solution."""

import heapq
import math
from collections import Counter
from random import Random

import numpy as np


def gather(peer, x):
    """Return the arrays of all ranks, stacked: each goes once around the ring."""
    rows = np.empty((peer.size, *x.shape), x.dtype)
    rows[peer.rank] = x
    for step in range(peer.size - 1):
        mine, next_one = (peer.rank - step) % peer.size, (peer.rank - step - 1) % peer.size
        peer.sendrecv(
            rows[mine], (peer.rank + 1) % peer.size, rows[next_one], (peer.rank - 1) % peer.size
        )
    return rows


class Steps:
    """Step by step, in plain Python."""

    def shuffled(length, epoch, seed):
        order = list(range(length))
        Random(f"{seed} {epoch}").shuffle(order)
        return np.array(order, np.int64)

    def share(items, rank, size):
        start = sum(Steps.count(len(items), r, size) for r in range(rank))
        return items[start : start + Steps.count(len(items), rank, size)]

    def count(length, rank, size):
        return (length + size - 1 - rank) // size

    def batches(length, batch, rank, size, epoch, seed):
        order, result = list(Steps.shuffled(length, epoch, seed)), []
        while order:
            result.append(np.array(Steps.share(order[:batch], rank, size), int))
            order = order[batch:]
        return result

    def buckets(arrays, limit):
        result, current = [], []
        for i in range(len(arrays) - 1, -1, -1):
            if current and sum(arrays[j].nbytes for j in current) + arrays[i].nbytes > limit:
                result.append(current)
                current = []
            current.append(i)
        return [*result, current] if current else result

    def average(peer, gradients, images, limit):
        # The number of images first, then one bucket after another; rank 0 keeps all parts.
        others = range(1, peer.size)
        counts = [np.array([images], np.float64) for _ in range(peer.size)]
        total = np.array([0.0])
        if peer.rank == 0:
            for r in others:
                peer.recv(counts[r], r)
            total[0] = sum(count[0] for count in counts)
            for r in others:
                peer.send(total, r)
        else:
            peer.send(counts[0], 0)
            peer.recv(total, 0)
        means = {}
        for bucket in Steps.buckets(gradients, limit):
            length = sum(gradients[i].size for i in bucket)
            message, place = np.zeros(length, gradients[0].dtype), 0
            for i in bucket:
                if images > 0:
                    message[place : place + gradients[i].size] = gradients[i].ravel() * float(
                        images
                    )
                place += gradients[i].size
            if peer.rank == 0:
                for r in others:
                    part = np.empty_like(message)
                    peer.recv(part, r)
                    message = message + part
                message = message / float(total[0])
                for r in others:
                    peer.send(message, r)
            else:
                peer.send(message, 0)
                peer.recv(message, 0)
            place = 0
            for i in bucket:
                part = message[place : place + gradients[i].size]
                means[i] = part.copy().reshape(gradients[i].shape)
                place += gradients[i].size
        return [means[i] for i in range(len(gradients))]

    def ring_all_reduce(peer, x):
        # Pieces as np.array_split cuts them, one piece behind; nothing is sent where it is empty.
        pieces = np.array_split(x.reshape(-1), peer.size)
        p, r = peer.size, peer.rank
        for step in range(2 * (p - 1)):
            going, coming = pieces[(r - 1 - step) % p], pieces[(r - 2 - step) % p]
            arrived = np.zeros(coming.shape, x.dtype)
            if going.size and coming.size:
                peer.sendrecv(going, (r + 1) % p, arrived, (r - 1) % p)
            elif going.size:
                peer.send(going, (r + 1) % p)
            elif coming.size:
                peer.recv(arrived, (r - 1) % p)
            coming[:] = coming + arrived if step < p - 1 else arrived

    def train(peer, weights, compute, batches, lr, momentum):
        # All gradients go around the ring; each rank adds them up by itself.
        weights = [gather(peer, w)[0].copy() for w in weights]
        velocities, losses = [0 * w for w in weights], []
        for batch in batches:
            mine = batch[peer.rank :: peer.size]
            loss, gradients = 0.0, [0 * w for w in weights]
            if mine.size:
                loss, gradients = compute(weights, mine)
            part = mine.size / batch.size
            losses.append(sum(gather(peer, np.array([loss * part]))[:, 0].tolist()))
            for i, gradient in enumerate(gradients):
                mean = gather(peer, gradient * part).sum(axis=0)
                velocities[i] = momentum * velocities[i] + mean
                weights[i] = weights[i] - lr * velocities[i]
        return weights, losses

    def simulate(seconds, updates):
        queue = [(row[0], worker) for worker, row in enumerate(seconds)]
        heapq.heapify(queue)
        since, done = [0] * len(queue), [0] * len(queue)
        workers, staleness = [], []
        while len(workers) < updates:
            now, worker = heapq.heappop(queue)
            workers.append(worker)
            staleness.append(since[worker])
            since = [count + 1 for count in since]
            since[worker] = 0
            done[worker] += 1
            if done[worker] < len(seconds[worker]):
                heapq.heappush(queue, (now + seconds[worker][done[worker]], worker))
        return workers, staleness

    def distribution(staleness):
        counts = Counter(staleness)
        return np.array([counts[s] / len(staleness) for s in range(max(staleness) + 1)])

    def asynchronous_sgd(w, gradient, seconds, updates, lr):
        fetched = {worker: w.copy() for worker in range(len(seconds))}
        w, history = w.copy(), []
        for worker in Steps.simulate(seconds, updates)[0]:
            w -= lr * gradient(fetched[worker])
            fetched[worker] = w.copy()
            history.append(w.copy())
        return history

    def all_reduce_seconds(algorithm, ranks, size, network):
        def message(n):
            return network.latency + n / network.bandwidth

        if algorithm == "parameter server":
            return sum(message(size) for _ in range(1, ranks) for _ in ("in", "out"))
        if algorithm == "ring":
            return sum(message(size / ranks) for _ in range(2 * ranks - 2))
        if algorithm != "tree":
            raise ValueError(algorithm)
        if ranks == 1:
            return 0.0
        rest = Steps.all_reduce_seconds(algorithm, math.ceil(ranks / 2), size, network)
        return 2 * message(size) + rest

    def step_seconds(algorithm, ranks, job, network):
        images, rest = divmod(job.images, ranks)
        computing = (images + (1 if rest else 0)) * job.seconds_per_image
        return computing + Steps.all_reduce_seconds(algorithm, ranks, job.bytes, network)

    def speed_up(algorithm, ranks, job, network):
        one = job.images * job.seconds_per_image
        return one / Steps.step_seconds(algorithm, ranks, job, network)

    def best_ranks(algorithm, most, job, network):
        best, fastest = 1, math.inf
        for ranks in range(1, most + 1):
            seconds = Steps.step_seconds(algorithm, ranks, job, network)
            if seconds < fastest:
                best, fastest = ranks, seconds
        return best

    class TopKMean:
        def __init__(self, k):
            self.k, self.unsent = k, 0

        def mean(self, peer, gradient):
            # One record for each value, with its place: one message to each other rank.
            self.unsent = gradient + self.unsent
            kind = np.dtype([("place", np.int32), ("value", gradient.dtype)])
            ordered = sorted(range(len(gradient)), key=lambda i: -abs(self.unsent[i]))[: self.k]
            mine = np.array([(i, self.unsent[i]) for i in ordered], kind)
            for i in ordered:
                self.unsent[i] = 0
            total = np.zeros(len(gradient), gradient.dtype)
            for record in gather(peer, mine).reshape(-1):
                total[record["place"]] += record["value"]
            return total / peer.size


class Arrays:
    """Everything at once, with the tools of NumPy."""

    def shuffled(length, epoch, seed):
        rng = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(epoch,)))
        return np.argsort(rng.random(length))

    def share(items, rank, size):
        return np.array_split(items, size)[rank]

    def batches(length, batch, rank, size, epoch, seed):
        edges = np.arange(batch, length, batch)
        whole = np.split(Arrays.shuffled(length, epoch, seed), edges)
        return [np.array_split(one, size)[rank] for one in whole]

    def buckets(arrays, limit):
        sums, result = [], []
        for i, array in reversed(list(enumerate(arrays))):
            if result and sums[-1] + array.nbytes <= limit:
                sums[-1] += array.nbytes
                result[-1] += [i]
            else:
                sums += [array.nbytes]
                result += [[i]]
        return result

    def average(peer, gradients, images, limit):
        # The number of images travels along with each bucket.
        means = [np.empty(0)] * len(gradients)
        for bucket in Arrays.buckets(gradients, limit):
            parts = [gradients[i].flatten() for i in bucket]
            vector = np.hstack([*parts, np.ones(1, parts[0].dtype)])
            vector = vector * images if images else np.zeros_like(vector)
            if peer.rank == 0:
                rows = np.stack([vector] * peer.size)
                for source in range(1, peer.size):
                    peer.recv(rows[source], source)
                vector = np.add.accumulate(rows)[-1]
                for destination in range(1, peer.size):
                    peer.send(vector, destination)
            else:
                peer.send(vector, 0)
                peer.recv(vector, 0)
            vector = vector[:-1] / vector[-1]
            for i, part in zip(
                bucket, np.split(vector, np.cumsum([p.size for p in parts])[:-1]), strict=True
            ):
                means[i] = part.reshape(gradients[i].shape)
        return means

    def ring_all_reduce(peer, x):
        # A table with a row for each piece, padded with zeros where it does not divide.
        p, r = peer.size, peer.rank
        width = -(-x.size // p)
        table = np.zeros(p * width, x.dtype)
        table[: x.size] = x.ravel()
        table = table.reshape(p, width)
        box = np.empty(width, x.dtype)
        neighbours = (r + 1) % p, (r - 1) % p
        for s in range(p - 1):
            peer.sendrecv(table[(r - s) % p], neighbours[0], box, neighbours[1])
            table[(r - s - 1) % p] += box
        for s in range(p - 1):
            peer.sendrecv(table[(r + 1 - s) % p], neighbours[0], box, neighbours[1])
            table[(r - s) % p] = box
        x[...] = table.reshape(-1)[: x.size].reshape(x.shape)

    def train(peer, weights, compute, batches, lr, momentum):
        # One vector of weights; sums on a ring.
        shapes, dtype = [w.shape for w in weights], weights[0].dtype
        edges = np.cumsum([w.size for w in weights])[:-1]

        def unpacked(vector):
            parts = np.split(vector, edges)
            return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

        w = np.concatenate([w.ravel() for w in weights]) * (peer.rank == 0)
        Arrays.ring_all_reduce(peer, w)  # the weights of rank 0, and zeros
        v, losses = np.zeros_like(w), np.zeros(len(batches))
        for step, batch in enumerate(batches):
            mine = np.array_split(batch, peer.size)[peer.size - 1 - peer.rank]
            g = np.zeros_like(w)
            if len(mine):
                loss, gradients = compute(unpacked(w), mine)
                losses[step] = loss * len(mine) / len(batch)
                g += np.concatenate([g.ravel() for g in gradients]) * dtype.type(len(mine))
            Arrays.ring_all_reduce(peer, g)
            v = dtype.type(momentum) * v + g / dtype.type(len(batch))
            w = w - dtype.type(lr) * v
        Arrays.ring_all_reduce(peer, losses)
        return unpacked(w), losses

    def simulate(seconds, updates):
        times = np.cumsum(seconds, axis=1)
        workers = np.broadcast_to(np.arange(len(times))[:, None], times.shape)
        first = np.lexsort((workers.ravel(), times.ravel()))[:updates]
        order = workers.ravel()[first]
        staleness = np.zeros(updates, int)
        for worker in np.unique(order):
            mine = np.flatnonzero(order == worker)
            staleness[mine] = np.diff(mine, prepend=-1) - 1
        return order, staleness

    def distribution(staleness):
        staleness = np.asarray(staleness)
        return (staleness[:, None] == np.arange(staleness.max() + 1)).mean(axis=0)

    def asynchronous_sgd(w, gradient, seconds, updates, lr):
        versions = [w]
        for update, late in enumerate(Arrays.simulate(seconds, updates)[1]):
            versions.append(versions[-1] - lr * gradient(versions[update - late]))
        return versions[1:]

    def all_reduce_seconds(algorithm, ranks, size, network):
        steps = {
            "parameter server": (2 * ranks - 2, 1),
            "tree": (2 * (ranks - 1).bit_length(), 1),
            "ring": (2 * ranks - 2, ranks),
        }
        if algorithm not in steps:
            raise ValueError("unknown")
        count, parts = steps[algorithm]
        return count * network.latency + count * size / parts / network.bandwidth

    def step_seconds(algorithm, ranks, job, network):
        messages = Arrays.all_reduce_seconds(algorithm, ranks, job.bytes, network)
        return -(-job.images // ranks) * job.seconds_per_image + messages

    def speed_up(algorithm, ranks, job, network):
        times = [Arrays.step_seconds(algorithm, p, job, network) for p in (1, ranks)]
        return times[0] / times[1]

    def best_ranks(algorithm, most, job, network):
        times = [Arrays.step_seconds(algorithm, p + 1, job, network) for p in range(most)]
        return np.argmin(times) + 1

    class TopKMean:
        def __init__(self, k):
            self.k = k
            self.unsent = np.zeros(1, np.float16)

        def mean(self, peer, gradient):
            n, k = len(gradient), min(self.k, len(gradient))
            waiting = self.unsent + gradient
            places = np.argpartition(np.abs(waiting), n - k)[n - k :].astype("int32")
            mask = np.zeros(n, bool)
            mask[places] = True
            self.unsent = np.where(mask, 0, waiting).astype(gradient.dtype)
            every = gather(peer, places), gather(peer, waiting[places])
            return sum(
                np.bincount(place, value, n) for place, value in zip(*every, strict=True)
            ).astype(gradient.dtype) / gradient.dtype.type(peer.size)


#: Which names a task asks for.
NAMES = {
    "shares": ["shuffled", "share", "batches"],
    "average": ["buckets", "average"],
    "ring": ["ring_all_reduce"],
    "equal": ["train"],
    "staleness": ["simulate", "distribution", "asynchronous_sgd"],
    "speed-up": ["all_reduce_seconds", "step_seconds", "speed_up", "best_ranks"],
    "top-k": ["TopKMean"],
}


def right_answers():
    """Yield task, name of the answer, and what it defines."""
    for task, names in NAMES.items():
        for style in (Steps, Arrays):
            yield task, style.__name__.lower(), {n: vars(style)[n] for n in names}
