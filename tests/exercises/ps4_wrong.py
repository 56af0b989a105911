"""Typical mistakes of assignment 4: each changes the solution in one or more places.

(task, mistake, {text of the solution: what a learner wrote}, part of the message)
"""

MISTAKES = [
    # -- 1. shares of a data set
    ("shares", "a generator without seed", {"np.random.default_rng([seed, epoch])": "np.random.default_rng()"}, "another order the second time"),
    ("shares", "the global generator", {"np.random.default_rng([seed, epoch]).permutation": "np.random.permutation"}, "another order the second time"),
    ("shares", "the global generator, seeded", {"    return np.random.default_rng([seed, epoch]).permutation(length)\n": "    np.random.seed(seed + 1000 * epoch)\n    return np.random.permutation(length)\n"},
     "changes the global random state"),
    ("shares", "the epoch forgotten", {"[seed, epoch]": "seed"}, "Each epoch should have another order"),
    ("shares", "the seed forgotten", {"[seed, epoch]": "epoch"}, "Another seed should give another order"),
    ("shares", "seed plus epoch", {"[seed, epoch]": "seed + epoch"}, "as .0, 1. and .1, 0. do"),
    ("shares", "drawn with repetition", {".permutation(length)": ".integers(length, size=length)"}, "each number from 0 to length - 1 once"),
    ("shares", "not shuffled", {"np.random.default_rng([seed, epoch]).permutation(length)": "np.arange(length)"}, "does not shuffle"),
    ("shares", "the rest is dropped", {"    start = rank * short + min(rank, longer)\n": "    return items[rank * short : (rank + 1) * short]\n    start = 0\n"}, "the rest must go to somebody"),
    ("shares", "the last rank gets the rest",
     {"    start = rank * short + min(rank, longer)\n": "    return items[rank * short : (rank + 1) * short if rank < size - 1 else None]\n    start = 0\n"},
     "differ by one at most"),
    ("shares", "rounded up", {"    start = rank * short + min(rank, longer)\n": "    short += longer > 0\n    return items[rank * short : (rank + 1) * short]\n    start = 0\n"},
     "differ by one at most"),
    ("shares", "starts overlap", {" + min(rank, longer)": ""}, "belongs to two ranks"),
    ("shares", "the longer ones last",
     {"    start = rank * short + min(rank, longer)\n    return items[start : start + short + (rank < longer)]\n": "    start = rank * short + max(0, rank - (size - longer))\n    return items[start : start + short + (rank >= size - longer)]\n"},
     "the longer ones come first"),
    ("shares", "dealt out like cards", {"    start = rank * short + min(rank, longer)\n": "    return items[rank::size]\n    start = 0\n"}, "a run of neighbours"),
    ("shares", "the last batch is dropped", {"range(0, length, batch)": "range(0, length - batch + 1, batch)"}, "The last batch counts"),
    ("shares", "an empty share is left out", {"    return [share(order[k : k + batch], rank, size) for k in range(0, length, batch)]\n": "    shares = [share(order[k : k + batch], rank, size) for k in range(0, length, batch)]\n    return [one for one in shares if len(one)]\n"},
     "even if its share is empty"),
    ("shares", "the data set is cut first",
     {"    return [share(order[k : k + batch], rank, size) for k in range(0, length, batch)]\n": "    mine, steps = share(order, rank, size), -(-length // batch)\n    return [share(mine, k, steps) for k in range(steps)]\n"},
     "Cut the order into batches first"),
    ("shares", "each rank shuffles by itself", {"shuffled(length, epoch, seed)\n    return [": "shuffled(length, epoch, seed + rank)\n    return ["}, "are not batch 0 together"),
    # -- 2. the mean of all gradients
    ("average", "from the first to the last", {"reversed(range(len(arrays)))": "range(len(arrays))"}, "go from the last array to the first"),
    ("average", "values, not bytes", {"if arrays[i].nbytes <= room": "if arrays[i].size <= room", "room -= arrays[i].nbytes": "room -= arrays[i].size"}, "not values"),
    ("average", "a bucket for each", {"result, room = [], -1": "result, room = [], -1; limit = 0"}, r"should be \[\[2, 1\], \[0\]\]"),
    ("average", "less than the limit", {"if arrays[i].nbytes <= room": "if arrays[i].nbytes < room"}, r"should be \[\[2, 1\], \[0\]\]"),
    ("average", "an empty bucket first", {"result, room = [], -1": "result, room = [[]], -1"}, "a bucket is empty"),
    ("average", "not weighted", {"x = x * images if images else np.zeros_like(x)": "x = x.copy()", "x /= total[0]": "x /= peer.size"}, "weigh the|weigh them"),
    ("average", "a sum", {"        x /= total[0]\n": ""}, "That is the sum"),
    ("average", "divided twice", {"x /= total[0]": "x /= total[0] * peer.size"}, "once too often"),
    ("average", "the others get nothing", {"            peer.recv(x, 0)\n            return\n": "            return\n", "            peer.send(x, destination)\n": "            pass\n"}, "Every rank needs the result"),
    ("average", "nobody sends first", {"            peer.send(x, 0)\n            peer.recv(x, 0)\n": "            peer.recv(x, 0)\n            peer.send(x, 0)\n"}, "every rank waits for another"),
    ("average", "in the opposite order", {"for source in range(1, peer.size)": "for source in reversed(range(1, peer.size))"}, "in the order of the ranks"),
    ("average", "in float64", {"other = np.empty_like(x)\n": "other, result = np.empty_like(x), x\n        x = x.astype(float)\n", "        for destination in": "        result[...] = x\n        x = result\n        for destination in"},
     "in the order of the ranks, each sum rounded"),
    ("average", "float64 results", {"x = x * images if": "x = x * np.float64(images) if", "else np.zeros_like(x)": "else np.zeros(x.size)"}, "became float64"),
    ("average", "NaN times 0", {" if images else np.zeros_like(x)": ""}, "NaN or infinity"),
    ("average", "one message an array", {"in buckets(gradients, limit):": "in [[i] for i in range(len(gradients))]:"}, "Join the arrays of a bucket"),
    ("average", "one message in all", {"in buckets(gradients, limit):": "in [range(len(gradients))]:"}, "not all gradients at once"),
    ("average", "gradients changed", {"    means = [None] * len(gradients)\n": "    means = [None] * len(gradients)\n    for g in gradients:\n        g *= 2\n"}, "changed the gradients"),
    ("average", "cut in the wrong order", {"        for i in bucket:\n            means": "        for i in sorted(bucket):\n            means"}, "mean 1 on rank 0"),
    # -- 3. a ring all-reduce
    ("ring", "send, then receive",
     {"        peer.sendrecv(piece(rank - step), right, arrived, left)\n": "        peer.send(piece(rank - step), right)\n        peer.recv(arrived, left)\n"},
     "every rank waits for another"),
    ("ring", "on a copy", {"x.reshape(-1), peer.rank": "x.flatten(), peer.rank"}, "and not a copy"),
    ("ring", "a mean", {"    for step in range(size - 1):\n        peer.sendrecv(piece(rank - step + 1)": "    flat /= size\n    for step in range(size - 1):\n        peer.sendrecv(piece(rank - step + 1)"},
     "That is the mean"),
    ("ring", "nothing is added", {"mine += arrived": "mine[:] = arrived"}, "In the first round"),
    ("ring", "no second round", {"        peer.sendrecv(piece(rank - step + 1), right, piece(rank - step), left)\n": "        pass\n"}, "look at the second round"),
    ("ring", "a step too few", {"    for step in range(size - 1):\n        mine": "    for step in range(size - 2):\n        mine"}, "In the first round"),
    ("ring", "the second round adds, too",
     {"        peer.sendrecv(piece(rank - step + 1), right, piece(rank - step), left)\n": "        mine = piece(rank - step)\n        arrived = np.empty_like(mine)\n        peer.sendrecv(piece(rank - step + 1), right, arrived, left)\n        mine += arrived\n"},
     "takes the place of the own piece"),
    ("ring", "the second round begins with another piece", {"piece(rank - step + 1), right, piece(rank - step), left": "piece(rank - step), right, piece(rank - step - 1), left"}, "or that one is overwritten"),
    ("ring", "equal pieces only", {"i * flat.size // size": "i * (flat.size // size)"}, "the pieces must cover x"),
    ("ring", "the last piece is larger", {"    edges = [i * flat.size // size for i in range(size + 1)]\n": "    edges = [i * (flat.size // size) for i in range(size)] + [flat.size]\n"}, "as equal as can be"),
    ("ring", "whole arrays go round",
     {"    for step in range(size - 1):\n        mine": "    total, going = flat.copy(), flat.copy()\n    for step in range(size - 1):\n        arrived = np.empty_like(flat)\n        peer.sendrecv(going, right, arrived, left)\n        total += arrived\n        going = arrived\n    flat[:] = total\n    for step in range(0):\n        mine",
      "    for step in range(size - 1):\n        peer.sendrecv(piece(rank - step + 1)": "    for step in range(0):\n        peer.sendrecv(piece(rank - step + 1)"},
     "differ in the last bits|Cut x into"),
    ("ring", "rank 0 gathers",
     {"    for step in range(size - 1):\n        mine": "    other = np.empty_like(flat)\n    for source in range(1, size):\n        if rank == source:\n            peer.send(flat, 0)\n        elif rank == 0:\n            peer.recv(other, source)\n            flat += other\n    for source in range(1, size):\n        if rank == source:\n            peer.recv(flat, 0)\n        elif rank == 0:\n            peer.send(flat, source)\n    for step in range(0):\n        mine",
      "    for step in range(size - 1):\n        peer.sendrecv(piece(rank - step + 1)": "    for step in range(0):\n        peer.sendrecv(piece(rank - step + 1)"},
     "sends to its right neighbour alone|Cut x into"),
    ("ring", "to the left", {"right, left = (rank + 1) % size, (rank - 1) % size": "left, right = (rank + 1) % size, (rank - 1) % size"}, "x on 3 ranks"),
    ("ring", "one round too many", {"        mine += arrived\n": "        mine += arrived\n    if size > 1:\n        peer.sendrecv(piece(0), right, np.empty_like(piece(0)), left)\n"}, r"2 \(p - 1\) = 2 are enough"),
    # -- 4. many workers, one large batch
    ("equal", "no common start", {"    for w in weights:\n        from_rank_0(w)\n": ""}, "All start with those of rank 0"),
    ("equal", "shares not weighted", {"vector *= len(mine) / len(batch)": "vector /= peer.size"}, "weigh the gradients by it"),
    ("equal", "a sum of means", {"            vector *= len(mine) / len(batch)\n": ""}, "what the sum of the ranks' mean gradients gives"),
    ("equal", "no momentum", {"v *= momentum": "v *= 0"}, "momentum is forgotten"),
    ("equal", "everybody computes all", {"mine = np.array_split(batch, peer.size)[peer.rank]": "mine = batch", "len(mine) / len(batch)": "1 / peer.size"}, "Each item belongs to one rank"),
    ("equal", "rank 0 computes all", {"mine = np.array_split(batch, peer.size)[peer.rank]": "mine = batch if peer.rank == 0 else batch[:0]"}, "Share the work"),
    ("equal", "the rest is dropped", {"np.array_split(batch, peer.size)[peer.rank]": "batch[len(batch) // peer.size * peer.rank :][: len(batch) // peer.size]"}, "Each item belongs to one rank"),
    ("equal", "an empty share", {"        if len(mine):\n": "        if True:\n"}, "called with an empty share"),
    ("equal", "an empty share does not take part", {"        vector = np.zeros(1": "        if not len(mine):\n            continue\n        vector = np.zeros(1"}, "waits? for"),
    ("equal", "own losses", {"            vector[0] = loss\n": "            own = loss\n", "losses.append(float(vector[0]))": "losses.append(own)"}, "not over the rank's own share|whole batch"),
    ("equal", "losses not weighted", {"            vector *= len(mine) / len(batch)\n": "            vector[1:] *= len(mine) / len(batch)\n            vector[0] /= peer.size\n"}, "weigh the ranks' losses|losses on rank 0"),
    ("equal", "given weights changed", {"weights = [w.copy() for w in weights]": "weights = list(weights)"}, "copy them first"),
    ("equal", "float64", {"vector = np.zeros(1 + sum(w.size for w in weights), weights[0].dtype)": "vector = np.zeros(1 + sum(w.size for w in weights))", "velocities = [np.zeros_like(w) for w in weights]": "velocities = [np.zeros(w.shape) for w in weights]", "w -= lr * v": "w[...] = w - lr * v", "weights = [w.copy() for w in weights]": "weights = [w.astype(float) for w in weights]"},
     "became float64"),
    ("equal", "gradients not exchanged", {"        add_up(vector)\n": ""}, "the same mean gradient on all"),
    ("equal", "uphill", {"            w -= lr * v\n": "            w += lr * v\n"}, "weights of rank 0"),
    # -- 5. staleness
    ("staleness", "own update counts", {"update - version[worker])": "update + 1 - version[worker])"}, "own update does not count"),
    ("staleness", "fetched before the push", {"version[worker] = update + 1": "version[worker] = update"}, "its own update is in what it fetches"),
    ("staleness", "never fetched again", {"        version[worker] = update + 1\n": ""}, "count from there, not from the start"),
    ("staleness", "the number of others", {"update - version[worker])": "count - 1)"}, "not the number of others"),
    ("staleness", "the last of equals", {"int(np.argmin(due))": "count - 1 - int(np.argmin(due[::-1]))"}, "of several the one with the lowest number"),
    ("staleness", "workers take turns", {"int(np.argmin(due))": "update % count"}, "whose time is up first"),
    ("staleness", "times not added", {"due[worker] += ": "due[worker] = "}, "whose time is up first"),
    ("staleness", "always the first time", {"due[worker] += seconds[worker, gradients[worker]]": "due[worker] += seconds[worker, 0]"}, "times that change"),
    ("staleness", "counts", {" / len(staleness)": ""}, "these are counts"),
    ("staleness", "only what occurs", {"np.bincount(staleness) /": "np.unique(staleness, return_counts=True)[1] /"}, "has a share of 0"),
    ("staleness", "without 0", {"np.bincount(staleness) / len(staleness)": "np.bincount(staleness)[1:] / len(staleness)"}, "Begin with staleness 0"),
    ("staleness", "gradients of now", {"gradient(fetched[worker])": "gradient(w)"}, "which? the worker|that the worker fetched"),
    ("staleness", "weights changed in place", {"    fetched, history = [w] * len(seconds), []\n": "    w = w.copy()\n    fetched, history = [w] * len(seconds), []\n", "        w = w - lr * gradient(fetched[worker])\n": "        w -= lr * gradient(fetched[worker])\n", "history.append(w)": "history.append(w.copy())"},
     "changed in place after the fetch"),
    ("staleness", "one array again and again", {"    fetched, history = [w] * len(seconds), []\n": "    w = w.copy()\n    fetched, history = [w.copy() for _ in seconds], []\n", "        w = w - lr * gradient(fetched[worker])\n": "        w -= lr * gradient(fetched[worker])\n", "fetched[worker] = w\n": "fetched[worker] = w.copy()\n"},
     "same array again and again"),
    ("staleness", "first weights only", {"        fetched[worker] = w\n": ""}, "taken at the first weights"),
    ("staleness", "fetched before the update", {"        w = w - lr * gradient(fetched[worker])\n        fetched[worker] = w\n": "        before = w\n        w = w - lr * gradient(fetched[worker])\n        fetched[worker] = before\n"},
     "fetches after its update, not before"),
    ("staleness", "the given weights changed", {"        w = w - lr * gradient(fetched[worker])\n": "        w -= lr * gradient(fetched[worker])\n"}, "w was changed"),
    # -- 6. speed-up
    ("speed-up", "one way only", {"steps, message = 2 * (ranks - 1), size\n    elif": "steps, message = ranks - 1, size\n    elif"}, "sent back as well"),
    ("speed-up", "rank 0 to itself", {"steps, message = 2 * (ranks - 1), size\n    elif": "steps, message = 2 * ranks, size\n    elif"}, "not to itself"),
    ("speed-up", "all at once", {"steps, message = 2 * (ranks - 1), size\n    elif": "steps, message = 2, size\n    elif"}, "not all at once"),
    ("speed-up", "rounded down", {"math.ceil(math.log2(ranks))": "math.floor(math.log2(ranks))"}, "round up"),
    ("speed-up", "not rounded", {"math.ceil(math.log2(ranks))": "math.log2(ranks)"}, "Rounds are whole"),
    ("speed-up", "a tree one way", {"2 * math.ceil(": "math.ceil("}, "go back as well"),
    ("speed-up", "the ring sends all", {"size / ranks": "size"}, "A piece has n / p bytes"),
    ("speed-up", "one round", {"steps, message = 2 * (ranks - 1), size / ranks": "steps, message = ranks - 1, size / ranks"}, "two rounds"),
    ("speed-up", "p steps", {"steps, message = 2 * (ranks - 1), size / ranks": "steps, message = 2 * ranks, size / ranks"}, "p - 1 steps"),
    ("speed-up", "latency shared out", {"steps * (network.latency + message / network.bandwidth)": "steps * (network.latency * message / size + message / network.bandwidth)"}, "whole latency"),
    ("speed-up", "images not rounded", {"math.ceil(job.images / ranks)": "job.images / ranks"}, "some have 13"),
    ("speed-up", "images rounded down", {"math.ceil(job.images / ranks)": "job.images // ranks"}, "ranks with the most images"),
    ("speed-up", "images not shared", {"math.ceil(job.images / ranks)": "job.images"}, "images are shared"),
    ("speed-up", "upside down", {"step_seconds(algorithm, 1, job, network) / step_seconds(algorithm, ranks, job, network)": "step_seconds(algorithm, ranks, job, network) / step_seconds(algorithm, 1, job, network)"}, "the other way round"),
    ("speed-up", "efficiency", {"/ step_seconds(algorithm, ranks, job, network)": "/ step_seconds(algorithm, ranks, job, network) / ranks"}, "would be the efficiency"),
    ("speed-up", "as many as there are", {"min(range(1, most + 1), key=lambda ranks: step_seconds(algorithm, ranks, job, network))": "most"}, "not always faster"),
    ("speed-up", "the slowest", {"min(range": "max(range"}, "the slowest"),
    ("speed-up", "most left out", {"range(1, most + 1)": "range(1, most)"}, "`most` itself"),
    ("speed-up", "the largest of several", {"min(range(1, most + 1)": "min(reversed(range(1, most + 1))"}, "Of several take the smallest"),
    ("speed-up", "any name", {"        raise ValueError(f\"expected 'parameter server', 'tree' or 'ring', found {algorithm!r}\")\n": "        steps, message = 0, 0\n"}, "unknown algorithm"),
    # -- 7. top-k
    ("top-k", "nothing is kept", {"self.unsent = self.unsent + gradient": "self.unsent = gradient.copy()"}, "is lost: add it"),
    ("top-k", "chosen from the gradient", {"np.argsort(np.abs(self.unsent))[rest:]": "np.argsort(np.abs(gradient))[rest:]"}, "gradient and kept values together"),
    ("top-k", "sent and kept", {"        self.unsent[mine] = 0\n": ""}, "must not be kept"),
    ("top-k", "keeps what it sends", {"        self.unsent[mine] = 0\n": "        sent = np.zeros_like(self.unsent)\n        sent[mine] = self.unsent[mine]\n        self.unsent = sent\n"}, "not what is"),
    ("top-k", "with the sign", {"np.argsort(np.abs(self.unsent))": "np.argsort(self.unsent)"}, "-5 is larger than 3"),
    ("top-k", "the smallest", {"np.argsort(np.abs(self.unsent))[rest:]": "np.argsort(np.abs(self.unsent))[: self.k]"}, "the mean on rank 0"),
    ("top-k", "a sum", {"        result /= peer.size\n": ""}, "divide by their number"),
    ("top-k", "a place counts once", {"            result[place] += value\n": "            result[place] = value\n"}, "both values count"),
    ("top-k", "a place counts once, all at a time", {"        for place, value in zip(places, values, strict=True):\n            result[place] += value\n": "        result[places] += values\n"}, "both values count"),
    ("top-k", "everything is sent", {"rest = max(0, len(gradient) - self.k)": "rest = 0"}, "not the k largest"),
    ("top-k", "places in int64", {"[rest:].astype(np.int32)": "[rest:]", "len(mine)), np.int32)": "len(mine)), np.int64)"}, "NumPy makes int64"),
    ("top-k", "own values only", {"zip(places, values, strict=True)": "zip(places[[peer.rank]], values[[peer.rank]])"}, "only what it sends itself"),
    ("top-k", "whole vectors are sent",
     {"        result = np.zeros_like(gradient)\n": "        dense = np.zeros((peer.size, len(gradient)), gradient.dtype)\n        for row, place, value in zip(dense, places, values):\n            row[place] = value\n        for step in range(1, peer.size):\n            to, source = (peer.rank + step) % peer.size, (peer.rank - step) % peer.size\n            peer.sendrecv(dense[peer.rank], to, dense[source], source)\n        result = np.zeros_like(gradient)\n"},
     "are enough"),
    ("top-k", "more than there are", {"rest = max(0, len(gradient) - self.k)": "rest = len(gradient) - self.k", "np.argsort(np.abs(self.unsent))[rest:]": "np.argpartition(np.abs(self.unsent), rest)[rest:]"}, "k is larger than the vector"),
    ("top-k", "gradient changed", {"            self.unsent = np.zeros_like(gradient)\n        self.unsent = self.unsent + gradient\n": "            self.unsent = gradient\n        else:\n            self.unsent += gradient\n"}, "changed the gradient"),
    ("top-k", "own order", {"zip(places, values, strict=True)": "zip(np.roll(places, -peer.rank, axis=0), np.roll(values, -peer.rank, axis=0))"}, "in the order of the ranks"),
    ("top-k", "all wait", {"            peer.sendrecv(places[peer.rank], to, places[source], source)\n": "            peer.recv(places[source], source)\n            peer.send(places[peer.rank], to)\n"}, "every rank waits for another"),
    ("top-k", "float64", {"result = np.zeros_like(gradient)": "result = np.zeros(len(gradient))"}, "became float64"),
]  # fmt: skip


#: Answers that call what is finished: (task, text of the cell).
FINISHED = [
    ("shares", """
from dlcourse.distributed import pieces
def shuffled(length, epoch, seed):
    return np.random.default_rng([seed, epoch]).permutation(length)
def share(items, rank, size):
    return items[pieces(len(items), size)[rank]]
def batches(length, batch, rank, size, epoch, seed):
    order = shuffled(length, epoch, seed)
    return [share(order[k : k + batch], rank, size) for k in range(0, length, batch)]
"""),
    ("average", """
def buckets(arrays, limit):
    result, room = [], -1
    for i in reversed(range(len(arrays))):
        if arrays[i].nbytes <= room:
            result[-1].append(i)
        else:
            result.append([i])
            room = limit
        room -= arrays[i].nbytes
    return result
def average(peer, gradients, images, limit):
    total = np.array([images])
    peer._communicator.allreduce(total)
    means = [g * images if images else np.zeros_like(g) for g in gradients]
    for mean in means:
        peer._communicator.allreduce(mean)
        mean /= total[0]
    return means
"""),
    ("ring", """
from dlcourse.lessons.all_reduce import ring_all_reduce
"""),
    ("equal", """
from dlcourse.lessons.schemes import synchronous_sgd
from dlcourse.nn import Parameter
class Momentum:
    def __init__(self, parameters, lr, momentum):
        self.parameters, self.lr, self.momentum = parameters, lr, momentum
        self.velocities = [0 * p.data for p in parameters]
    def step(self):
        for p, v in zip(self.parameters, self.velocities):
            v *= self.momentum
            v += p.grad
            p.data -= self.lr * v
def train(peer, weights, compute, batches, lr, momentum):
    parameters = [Parameter(w.copy()) for w in weights]
    def one(step):
        mine = np.array_split(batches[step], peer.size)[peer.rank]
        loss, gradients = compute([p.data for p in parameters], mine)
        for p, g in zip(parameters, gradients):
            p.grad = g
        return loss
    losses = synchronous_sgd(peer, parameters, Momentum(parameters, lr, momentum), one, len(batches))
    return [p.data for p in parameters], losses
"""),
    ("staleness", """
from dlcourse.lessons.schemes import Server, asynchronous_sgd as finished
from dlcourse.nn import Parameter
class Nothing:
    def step(self):
        pass
def simulate(seconds, updates):
    w, times = Parameter(np.zeros(1)), [iter([*row, 1e9]) for row in seconds]
    def compute(i):
        w.grad = np.zeros(1)
        return 0.0
    history = finished(Server([w], Nothing()), [w], compute, len(seconds), updates, lambda worker: next(times[worker]))
    return [u.worker for u in history], [u.staleness for u in history]
"""),
    ("speed-up", """
from dlcourse.lessons.simulator import SECONDS
from dlcourse.lessons.simulator import Network as Finished
def all_reduce_seconds(algorithm, ranks, size, network):
    return SECONDS[algorithm](ranks, size, Finished(*network))
"""),
    ("top-k", """
from dlcourse.lessons.schemes import TopK
class TopKMean:
    def __init__(self, k):
        self.k, self.finished = k, None
    @property
    def unsent(self):
        return self.finished.unsent
    def mean(self, peer, gradient):
        self.finished = self.finished or TopK(min(1, self.k / len(gradient)))
        x = gradient.copy()
        self.finished(peer, x)
        return x
"""),
]  # fmt: skip
