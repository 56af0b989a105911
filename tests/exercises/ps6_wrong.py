"""Typical mistakes of assignment 6: each changes the solution in one or more places.

(task, mistake, {text of the solution: what a learner wrote}, part of the message)
"""

#: Parts of the solutions that several mistakes replace.
TARGETS = "    return rewards + gamma * np.where(terminated, best.dtype.type(0), best)\n"
JUDGED = "    judged = target_next[np.arange(len(rewards)), online_next.argmax(axis=1)]\n"
CUT = "            target = reward if terminated else reward + gamma * max(q[state])\n"

MISTAKES = [
    # -- 1. style
    ("style", "a sum over places", {"rows @ rows.T / rows.shape[1]": "rows @ rows.T"}, "number of places, H W; this is the sum"),
    ("style", "divided by the channels too", {"rows @ rows.T / rows.shape[1]": "rows @ rows.T / rows.size"}, "not by the channels too"),
    ("style", "places with places", {"rows @ rows.T / rows.shape[1]": "rows.T @ rows / rows.shape[1]"}, "a row and a column for each channel"),
    ("style", "channels last", {"    rows = features.reshape(len(features), -1)\n    return": "    rows = features.transpose(1, 2, 0).reshape(len(features), -1)\n    return"}, "without moving axes"),
    ("style", "a covariance", {"    return rows @ rows.T": "    rows = rows - rows.mean(axis=1, keepdims=True)\n    return rows @ rows.T"}, "mean is not subtracted"),
    ("style", "float64", {"    return rows @ rows.T": "    rows = rows.astype(float)\n    return rows @ rows.T"}, "became float64"),
    ("style", "loops over channels", {"    return rows @ rows.T / rows.shape[1]": "    return np.array([[sum(float(u) * float(v) for u, v in zip(a, b)) / len(a) for b in rows] for a in rows], features.dtype)"}, "a Python loop over channels"),
    ("style", "weights forgotten in the loss", {"weight * float((difference**2).mean())": "float((difference**2).mean())"}, "weights of the layers are forgotten"),
    ("style", "a sum over channels", {"(difference**2).mean()": "(difference**2).sum()"}, "Divide by C squared"),
    ("style", "absolute differences", {"(difference**2).mean()": "np.abs(difference).mean()"}, "Differences are squared"),
    ("style", "a mean over layers", {"    return loss, gradients": "    return loss / len(layers), gradients"}, "sum over layers, not a mean"),
    ("style", "one of two factors", {"(2 / rows.shape[1] * slope @ rows)": "(1 / rows.shape[1] * slope @ rows)"}, "F stands on both sides"),
    ("style", "both factors of 2 missing", {"(2 / rows.shape[1] * slope @ rows)": "(1 / rows.shape[1] * slope @ rows)", "slope = weight / (2 * difference.size)": "slope = weight / (4 * difference.size)"}, "The square gives a factor of 2"),
    ("style", "places forgotten in the gradient", {"(2 / rows.shape[1] * slope @ rows)": "(2 * slope @ rows)"}, r"The 1 / \(H W\)"),
    ("style", "channels forgotten in the gradient", {"slope = weight / (2 * difference.size) * difference": "slope = weight / 2 * difference"}, r"The 1 / C\^2"),
    ("style", "weight forgotten in the gradient", {"slope = weight / ": "slope = 1 / "}, "weight of the layer is missing"),
    ("style", "the loss not divided by 4", {"(difference**2).mean()) / 4": "(difference**2).mean())"}, "Divide by 4 C squared"),
    ("style", "the gradient not divided by 4", {"weight / (2 * difference.size)": "2 * weight / difference.size"}, "The 1 / 4 of the loss"),
    ("style", "gradient of another shape", {".reshape(features.shape))": ")"}, "and its features"),
    ("style", "Gram matrix of the painting changed", {"difference = gram(features) - target": "target -= gram(features)\n        difference = -target"}, "was changed"),
    # -- 2. generator
    ("generator", "padding cut once", {"kernel - 2 * padding\n": "kernel - padding\n"}, "cut at both sides"),
    ("generator", "padding added", {"kernel - 2 * padding\n": "kernel + 2 * padding\n"}, "cut off and not added"),
    ("generator", "padding forgotten", {"kernel - 2 * padding\n": "kernel\n"}, "padding is cut off"),
    ("generator", "a convolution", {"(size - 1) * stride + kernel - 2 * padding\n": "(size + 2 * padding - kernel) // stride + 1\n"}, "that a convolution leaves"),
    ("generator", "size times stride", {"(size - 1) * stride + kernel - 2 * padding\n": "size * stride + kernel - 2 * padding\n"}, "output_size"),
    ("generator", "any kernel", {"range(2 * stride, abs(extra) + 4 * stride, stride)": "range(2 * stride, abs(extra) + 4 * stride)"}, r"No even kernel makes"),
    ("generator", "kernels that do not overlap", {"range(2 * stride,": "range(stride,"}, "less than twice the stride"),
    ("generator", "the largest kernel", {"in range(2 * stride, abs(extra) + 4 * stride, stride)": "in reversed(range(2 * stride, abs(extra) + 4 * stride, stride))"}, "the smallest kernel"),
    ("generator", "odd ones rounded", {"if not odd and 0": "if 0"}, r"No even kernel makes"),
    ("generator", "None for none", {"    raise ValueError(f\"no kernel that is a multiple of the stride {stride} makes {wanted} of {size}\")\n": "    return None\n"}, "should raise a ValueError"),
    ("generator", "negative padding", {"0 <= padding < kernel": "padding < kernel"}, "not negative"),
    ("generator", "padding as large as the kernel", {"0 <= padding < kernel": "0 <= padding"}, "smaller than the kernel"),
    ("generator", "biases kept", {"bias=last, ": ""}, "normalization after it subtracts"),
    ("generator", "no bias at the end", {"bias=last": "bias=False"}, "so it needs its bias"),
    ("generator", "normalized at the end", {"[nn.Tanh()] if last": "[nn.BatchNorm2d(maps), nn.Tanh()] if last"}, "tanh alone"),
    ("generator", "a sigmoid", {"nn.Tanh()": "nn.Sigmoid()"}, "A sigmoid gives"),
    ("generator", "ReLU first", {"[nn.BatchNorm2d(maps), nn.ReLU()]": "[nn.ReLU(), nn.BatchNorm2d(maps)]"}, "The layers should be"),
    ("generator", "strides forgotten", {"kernel, stride, padding, bias": "kernel, 1, padding, bias"}, "should have the stride"),
    ("generator", "its own generator", {"rng=rng": "rng=np.random.default_rng(0)"}, "pass rng to the layers"),
    ("generator", "a list", {"return nn.Sequential(*layers)": "return layers"}, "should return an nn.Sequential"),
    # -- 3. GAN
    ("gan", "half of the sum", {"return float(loss), (said_real": "return float(loss) / 2, (said_real"}, "half of that"),
    ("gan", "swapped", {"def discriminator_loss(real, fake, smooth=0.0):\n": "def discriminator_loss(fake, real, smooth=0.0):\n"}, "real and fake are swapped"),
    ("gan", "no smoothing", {"    missed = (1 - smooth) * np.logaddexp(0, -real) + smooth * np.logaddexp(0, real)\n": "    missed = np.logaddexp(0, -real)\n"}, "Smoothing is forgotten"),
    ("gan", "smoothing of both", {"np.logaddexp(0, fake).mean()\n": "(np.logaddexp(0, fake) - smooth * fake).mean()\n"}, "for real pictures alone"),
    ("gan", "sums", {"missed.mean() + np.logaddexp(0, fake).mean()": "missed.sum() + np.logaddexp(0, fake).sum()"}, "this is the sum"),
    ("gan", "saturating", {"float(np.logaddexp(0, -fake).mean()), (said_fake - 1)": "-float(np.logaddexp(0, fake).mean()), -said_fake"}, "the loss that saturates"),
    ("gan", "the discriminator's", {"float(np.logaddexp(0, -fake).mean()), (said_fake - 1)": "float(np.logaddexp(0, fake).mean()), said_fake"}, "wants the opposite"),
    ("gan", "overflow", {"np.logaddexp(0, -fake).mean()": "np.log(1 + np.exp(-fake)).mean()"}, "take the logarithm in a stable way"),
    ("gan", "log of 0", {"np.logaddexp(0, -fake).mean()": "-np.log(said_fake).mean()"}, "stable way"),
    ("gan", "a sigmoid that overflows", {"(0.5 * (1 + np.tanh(0.5 * a)) for a": "(1 / (1 + np.exp(-a)) for a"}, "A warning appeared"),
    ("gan", "gradient not divided", {"(said_fake - 1) / fake.size": "said_fake - 1"}, "divided by the size of its batch"),
    ("gan", "divided by the other", {"(1 - smooth)) / real.size": "(1 - smooth)) / fake.size"}, "size of the other batch"),
    ("gan", "for probabilities", {"said_fake / fake.size": "1 / (1 - said_fake) / fake.size"}, "with respect to the probabilities"),
    ("gan", "a sigmoid's slope too much", {"(said_fake - 1) / fake.size": "(said_fake - 1) * said_fake * (1 - said_fake) / fake.size"}, "too much"),
    ("gan", "gradient without smoothing", {"(said_real - (1 - smooth))": "(said_real - 1)"}, "the gradient of real with a smoothing"),
    ("gan", "the loss alone", {", (said_fake - 1) / fake.size": ""}, "should return two"),
    ("gan", "one loss a picture", {"float(np.logaddexp(0, -fake).mean())": "np.logaddexp(0, -fake)"}, "should be one number"),
    ("gan", "float64", {"(said_real - (1 - smooth))": "(said_real.astype(float) - (1 - smooth))"}, "became float64"),
    # -- 4. unpooling
    ("unpool", "place in the window", {"row * width + column\n": "windows.argmax(axis=-1)\n"}, "places in the window"),
    ("unpool", "width of the windows", {"row * width + column\n": "row * (wide * size) + column\n"}, "not that of the whole windows"),
    ("unpool", "H for W", {"row * width + column\n": "row * height + column\n"}, r"row \* W \+ column"),
    ("unpool", "column by column", {"row * width + column\n": "column * height + row\n"}, r"column \* H \+ row"),
    ("unpool", "all planes counted on", {"row * width + column\n": "row * width + column + height * width * np.arange(n * c).reshape(n, c, 1, 1)\n"}, "begin at 0 in each channel"),
    ("unpool", "axes not moved", {"windows.transpose(0, 1, 2, 4, 3, 5)": "windows"}, "Move the two axes"),
    ("unpool", "the last of equals", {"windows.argmax(axis=-1)": "(size * size - 1 - windows[..., ::-1].argmax(axis=-1))"}, "the first counts"),
    ("unpool", "never below 0", {"windows.max(axis=-1), row": "windows.max(axis=-1, initial=0), row"}, r"A maximum may be negative"),
    ("unpool", "rest of the picture not cut", {"x[:, :, : tall * size, : wide * size]": "x"}, "."),
    ("unpool", "to the whole window", {"    return flat.reshape(n, c, *shape)": "    k = shape[0] // y.shape[2]\n    whole = np.zeros((n, c, *shape), y.dtype)\n    whole[:, :, : k * y.shape[2], : k * y.shape[3]] = y.repeat(k, axis=2).repeat(k, axis=3)\n    return whole"}, "not to the whole window"),
    ("unpool", "float64", {"shape[0] * shape[1]), y.dtype)": "shape[0] * shape[1]))"}, "became float64"),
    ("unpool", "a sum over the window", {"    return taken.reshape(indices.shape)": "    k = dx.shape[2] // indices.shape[2]\n    cells = dx[:, :, : k * indices.shape[2], : k * indices.shape[3]]\n    return cells.reshape(n, c, indices.shape[2], k, indices.shape[3], k).sum(axis=(3, 5))"}, "not the sum over the window"),
    ("unpool", "the largest gradient", {"    return taken.reshape(indices.shape)": "    k = dx.shape[2] // indices.shape[2]\n    cells = dx[:, :, : k * indices.shape[2], : k * indices.shape[3]]\n    return cells.reshape(n, c, indices.shape[2], k, indices.shape[3], k).max(axis=(3, 5))"}, "not the largest of the window"),
    ("unpool", "a loop over planes", {"    n, c, height, width = x.shape\n": "    if len(x) * x.shape[1] > 1:\n        planes = [max_pool(x[i : i + 1, j : j + 1], size) for i in range(len(x)) for j in range(x.shape[1])]\n        return tuple(np.stack([p[k][0, 0] for p in planes]).reshape(*x.shape[:2], *planes[0][0].shape[2:]) for k in (0, 1))\n    n, c, height, width = x.shape\n"}, "a Python loop over windows or channels"),
    ("unpool", "a loop over values", {"    np.put_along_axis(flat, indices.reshape(n, c, -1), y.reshape(n, c, -1), axis=2)\n": "    for i, j, u, v in np.ndindex(*y.shape):\n        flat[i, j, indices[i, j, u, v]] = y[i, j, u, v]\n"}, "a Python loop over values"),
    # -- 5. choosing
    ("choose", "the first of equals", {"rng.choice(np.flatnonzero(values == values.max()))": "values.argmax()"}, "always the first of them"),
    ("choose", "epsilon the other way", {"rng.random() < epsilon": "rng.random() >= epsilon"}, "values play no part|swapped"),
    ("choose", "never the best when exploring", {"return int(rng.integers(len(values)))": "return int(rng.choice([a for a in range(len(values)) if values[a] < values.max()] or [0]))"}, "one of those it may take"),
    ("choose", "never explores", {"rng.random() < epsilon": "rng.random() < 0"}, "never explores"),
    ("choose", "the smallest", {"values == values.max()": "values == values.min()"}, "taken for the best"),
    ("choose", "NumPy's global state", {"rng.choice": "np.random.choice"}, "draw from rng alone"),
    ("choose", "its own generator", {"    if rng.random() < epsilon:\n": "    rng = np.random.default_rng(0)\n    if rng.random() < epsilon:\n"}, r"drawn with the probabilities"),
    ("choose", "Python's global state", {"return int(rng.integers(len(values)))": "return random.randrange(len(values))"}, "draw from rng alone"),
    ("choose", "nearly equal is equal", {"values == values.max()": "values > values.max() - 1e-6"}, "."),
    ("choose", "the value", {"int(rng.choice(np.flatnonzero(values == values.max())))": "float(values.max())"}, "number of an action"),
    ("choose", "the line goes on", {"min(step / steps, 1.0)": "step / steps"}, "line goes on here"),
    ("choose", "by a factor", {"first + (last - first) * min(step / steps, 1.0)": "first * (last / first) ** min(step / steps, 1.0)"}, "not by a factor"),
    ("choose", "upwards", {"first + (last - first)": "last + (first - last)"}, "not the other way"),
    ("choose", "cut off at last", {"first + (last - first) * min(step / steps, 1.0)": "max(first * (1 - step / steps), last)"}, "not at 0 cut off"),
    # -- 6. one step
    ("bellman", "truncated is the end", {"0.0 if terminated else q[next_state].max()": "0.0 if terminated or truncated else q[next_state].max()"}, "Truncated is not terminated"),
    ("bellman", "there is no end", {"0.0 if terminated else q[next_state].max()": "q[next_state].max()"}, "After terminated nothing comes"),
    ("bellman", "truncated goes before", {"0.0 if terminated else q[next_state].max()": "0.0 if terminated and not truncated else q[next_state].max()"}, "When both are true"),
    ("bellman", "SARSA by the best", {"q[next_state, next_action]": "q[next_state].max()"}, "this is the value of the best"),
    ("bellman", "the mean", {"q[next_state].max()": "q[next_state].mean()"}, "mean over actions"),
    ("bellman", "gamma forgotten", {"reward + gamma * after": "reward + after"}, "gamma is forgotten"),
    ("bellman", "alpha forgotten", {"+= alpha * delta": "+= delta"}, "alpha is forgotten"),
    ("bellman", "replaced", {"q[state, action] += alpha * delta": "q[state, action] = alpha * (delta + q[state, action])"}, "a share 1 - alpha of it stays"),
    ("bellman", "away from the target", {"+= alpha * delta": "-= alpha * delta"}, "moves away from the target"),
    ("bellman", "old value not subtracted", {"gamma * after - q[state, action]": "gamma * after"}, "old value is not subtracted"),
    ("bellman", "a copy", {"    q[state, action] += alpha * delta\n": "    q = q.copy()\n    q[state, action] += alpha * delta\n"}, "change q in place"),
    ("bellman", "a whole row", {"q[state, action] += alpha": "q[state] += alpha"}, "changed other entries"),
    ("bellman", "returns the new value", {"return float(delta)": "return float(q[state, action])"}, "not the new value"),
    ("bellman", "returns alpha delta", {"return float(delta)": "return float(alpha * delta)"}, "without alpha"),
    ("bellman", "multiplied by 0", {"0.0 if terminated else q[next_state].max()": "(1 - int(terminated)) * q[next_state].max()"}, "."),
    # -- 7. the lake
    ("lake", "no exploration, first of equals", {"max(2 * left - 1, 0.05)": "0.0", "choices[int(len(choices) * rng.random())]": "choices[0]"}, "the goal was never reached"),
    ("lake", "always at random", {"max(2 * left - 1, 0.05), 0.5 * left + 0.005": "1.0, 0.9"}, "rates of success"),
    ("lake", "alpha almost 0", {"0.5 * left + 0.005": "0.0005"}, "."),
    ("lake", "alpha of 1", {"0.5 * left + 0.005": "1.0"}, r"alpha large enough to learn and end small enough"),
    ("lake", "truncated is terminated", {"reward if terminated else": "reward if terminated or truncated else"}, "truncated is not terminated"),
    ("lake", "bootstraps from the end", {CUT: "            target = reward + gamma * max(q[state])\n"}, "nothing comes after that"),
    ("lake", "gamma forgotten", {"reward + gamma * max": "reward + 0.99 * max"}, "is gamma used"),
    ("lake", "goes on after truncation", {"over = terminated or truncated": "over = terminated"}, r"call env.reset\(\) before"),
    ("lake", "one episode too few", {"range(episodes)": "range(1, episodes)"}, "should play 30 episodes"),
    ("lake", "the next state's value changes", {CUT: CUT + "            values = q[state]\n"}, r"nothing comes after that"),
    ("lake", "global chance", {"rng.random() < epsilon": "np.random.random() < epsilon"}, "draw from rng alone"),
    ("lake", "a list", {"return np.array(q)": "return q"}, "should be a NumPy array"),
    ("lake", "the policy", {"return np.array(q)": "return np.array(q).argmax(axis=1)"}, "the table should have the shape"),
    ("lake", "reads the table of the world", {"    actions = env.action_space.n\n": "    env.outcomes\n    actions = env.action_space.n\n"}, "outcomes"),
    # -- 8. replay
    ("replay", "stops when full", {"        row = self.added % len(self.actions)\n": "        row = min(self.added, len(self.actions) - 1)\n"}, r"the oldest one goes"),
    ("replay", "newest ones refused", {"        row = self.added % len(self.actions)\n": "        if self.added >= len(self.actions):\n            return\n        row = self.added\n"}, "should be forgotten"),
    ("replay", "length grows on", {"return min(self.added, len(self.actions))": "return self.added"}, "its length should be"),
    ("replay", "length is the capacity", {"return min(self.added, len(self.actions))": "return len(self.actions)"}, "A new memory is empty"),
    ("replay", "never the last", {"rng.integers(len(self), size=count)": "rng.integers(max(len(self) - 1, 1), size=count)"}, "never drawn"),
    ("replay", "empty rows drawn", {"rng.integers(len(self), size=count)": "rng.integers(len(self.actions), size=count)"}, "never added"),
    ("replay", "drawn five times", {"tuple(part[rows] for part in parts)": "tuple(part[rng.integers(len(self), size=count)] for part in parts)"}, "mixed up"),
    ("replay", "the latest ones", {"rng.integers(len(self), size=count)": "np.arange(len(self) - count, len(self))"}, r"Each batch is the same"),
    ("replay", "its own generator", {"rng.integers(len(self), size=count)": "np.random.default_rng(0).integers(len(self), size=count)"}, "."),
    ("replay", "global chance", {"rng.integers(len(self), size=count)": "np.random.randint(len(self), size=count)"}, "draw from rng alone"),
    ("replay", "next is the same", {"= next_observation\n": "= observation\n"}, "next observations of a batch do not belong"),
    ("replay", "float32 always", {"np.zeros((capacity, *shape), dtype)": "np.zeros((capacity, *shape), np.float32)"}, "should be uint8"),
    ("replay", "kept without a copy", {"self.observations = np.zeros((capacity, *shape), dtype)": "self.observations, self.dtype = [None] * capacity, dtype", "tuple(part[rows] for part in parts)": "(np.array([self.observations[r] for r in rows], self.dtype), *(part[rows] for part in parts[1:]))"}, "keep a copy"),
    ("replay", "views", {"rows = rng.integers(len(self), size=count)": "first = rng.integers(len(self) - count + 1)\n        rows = slice(first, first + count)"}, r"a batch should be a copy"),
    ("replay", "moved along when full", {"        row = self.added % len(self.actions)\n": "        row = min(self.added, len(self.actions) - 1)\n        if self.added >= len(self.actions):\n            for part in (self.observations, self.actions, self.rewards, self.next_observations, self.terminated):\n                part[:-1] = part[1:]\n"}, "moved or copied"),
    ("replay", "terminated as numbers", {"np.zeros(capacity, bool)": "np.zeros(capacity)"}, "should be bool"),
    # -- 9. DQN
    ("dqn", "the end forgotten", {TARGETS: "    return rewards + rewards.dtype.type(gamma) * best\n"}, "the reward alone"),
    ("dqn", "ends the other way", {"np.where(terminated, best.dtype.type(0), best)": "np.where(terminated, best, best.dtype.type(0))"}, "other way"),
    ("dqn", "best of all", {"next_values.max(axis=1)": "np.full(len(rewards), next_values.max(), next_values.dtype)"}, "this is the best of all"),
    ("dqn", "argmax", {"next_values.max(axis=1)": "next_values.argmax(axis=1).astype(next_values.dtype)"}, "asked for is its value"),
    ("dqn", "the mean", {"next_values.max(axis=1)": "next_values.mean(axis=1)"}, "not the mean"),
    ("dqn", "gamma forgotten", {"rewards + gamma * np.where": "rewards + np.where"}, "gamma is forgotten"),
    ("dqn", "no reward at the end", {TARGETS: "    return np.where(terminated, best.dtype.type(0), rewards + best.dtype.type(gamma) * best)\n"}, "the reward still counts"),
    ("dqn", "gamma times the reward", {"rewards + gamma * np.where(terminated, best.dtype.type(0), best)": "gamma * (rewards + np.where(terminated, best.dtype.type(0), best))"}, "reward is not multiplied"),
    ("dqn", "float64", {TARGETS: "    return rewards + gamma * (1 - terminated) * best\n"}, "became float64|infinite or NaN"),
    ("dqn", "multiplied by 0", {TARGETS: "    return rewards + gamma * (1 - terminated).astype(best.dtype) * best\n"}, "infinite or NaN"),
    ("dqn", "a square", {"np.where(size <= 1, 0.5 * error**2, size - 0.5).mean()": "(0.5 * error**2).mean()"}, "squared loss"),
    ("dqn", "a sum", {"size - 0.5).mean()": "size - 0.5).sum()"}, "this is the sum"),
    ("dqn", "a jump at 1", {"size - 0.5).mean()": "size).mean()"}, "meets the parabola"),
    ("dqn", "the best action's value", {"error = values[rows, actions]": "error = values.max(axis=1)"}, "the best one"),
    ("dqn", "gradient not cut", {"np.clip(error, -1, 1)": "error"}, "cut off at -1 and 1"),
    ("dqn", "gradient not divided", {"np.clip(error, -1, 1) / len(values)": "np.clip(error, -1, 1)"}, "divided by the size of the batch"),
    ("dqn", "gradient of all actions", {"gradient[rows, actions] = np.clip(error, -1, 1) / len(values)": "gradient[...] = np.clip(values - targets[:, None], -1, 1) / len(values)"}, "Only the action that was done"),
    ("dqn", "target minus value", {"np.clip(error, -1, 1)": "np.clip(-error, -1, 1)"}, "Only the sign of the gradient"),
    # -- 10. Double DQN
    ("double", "plain DQN", {JUDGED: "    judged = target_next.max(axis=1)\n"}, "that is plain DQN"),
    ("double", "the learner judges", {JUDGED: "    judged = online_next.max(axis=1)\n"}, "chooses here, and judges too"),
    ("double", "the other way", {JUDGED: "    judged = online_next[np.arange(len(rewards)), target_next.argmax(axis=1)]\n"}, "the target network judges"),
    ("double", "the smaller", {JUDGED: "    judged = np.minimum(online_next.max(axis=1), target_next.max(axis=1))\n"}, "another method"),
    ("double", "the end forgotten", {"np.where(terminated, judged.dtype.type(0), judged)": "judged"}, "the reward alone"),
    ("double", "ends the other way", {"np.where(terminated, judged.dtype.type(0), judged)": "np.where(terminated, judged, judged.dtype.type(0))"}, "other way"),
    ("double", "multiplied by 0", {"np.where(terminated, judged.dtype.type(0), judged)": "(1 - terminated).astype(judged.dtype) * judged"}, "infinite or NaN"),
    ("double", "all for all", {JUDGED: "    judged = target_next[:, online_next.argmax(axis=1)]\n"}, "the targets of four steps should have the shape"),
    ("double", "no mean", {"value + advantages - advantages.mean(axis=1, keepdims=True)": "value + advantages"}, "mean of the advantages is to be subtracted"),
    ("double", "mean of the batch", {"advantages.mean(axis=1, keepdims=True)": "advantages.mean()"}, "over the whole batch"),
    ("double", "the largest", {"advantages.mean(axis=1, keepdims=True)": "advantages.max(axis=1, keepdims=True)"}, "not the largest"),
    ("double", "axis 0", {"advantages.mean(axis=1, keepdims=True)": "advantages.mean(axis=0)"}, "goes over the batch"),
    ("double", "dV a mean", {"dq.sum(axis=1, keepdims=True)": "dq.mean(axis=1, keepdims=True)"}, "sum over actions"),
    ("double", "dV without its axis", {"dq.sum(axis=1, keepdims=True)": "dq.sum(axis=1)"}, "dV .* should have the shape"),
    ("double", "da is dq", {"dq - dq.mean(axis=1, keepdims=True)": "dq.copy()"}, "depends on each advantage"),
    ("double", "da minus the sum", {"dq - dq.mean(axis=1, keepdims=True)": "dq - dq.sum(axis=1, keepdims=True)"}, "not the sum"),
]  # fmt: skip


#: Answers that call what is finished: (task, text of the cell).
FINISHED = [
    ("style", """
def gram(features):
    rows = features.reshape(len(features), -1)
    return rows @ rows.T / rows.shape[1]
def style_loss(layers, grams, weights):
    loss, gradients = 0.0, []
    for features, target, weight in zip(layers, grams, weights, strict=True):
        squares = nn.MSELoss()
        loss += weight * squares(gram(features), target) / 4
        rows = features.reshape(len(features), -1)
        slope = weight / 2 * squares.backward() @ rows / rows.shape[1]
        gradients.append(slope.reshape(features.shape))
    return loss, gradients
"""),
    ("generator", """
from dlcourse.models.dcgan import DCGANGenerator
def output_size(size, kernel, stride, padding):
    return nn.ConvTranspose2d(1, 1, kernel, stride, padding, rng=np.random.default_rng(0))._output_size((size, size))[0]
def choose(size, wanted, stride):
    return next((k, p) for k in range(2 * stride, 99, stride) for p in range(k) if output_size(size, k, stride, p) == wanted)
def make_generator(latent, channels, sizes, strides, rng):
    return nn.Sequential(*DCGANGenerator(latent, channels[-2], rng=rng).children())
"""),
    ("gan", """
from dlcourse.applications import generation
def discriminator_loss(real, fake, smooth=0.0):
    loss, d_real = generation.discriminator_loss(real, True)
    other, d_fake = generation.discriminator_loss(fake, False)
    return loss + other, d_real, d_fake
def generator_loss(fake):
    return generation.generator_loss(fake)
"""),
    ("unpool", """
def max_pool(x, size):
    return nn.MaxPool2d(size)(x), np.zeros(1)
def max_unpool(y, indices, shape):
    return nn.MaxPool2d(2).backward(y)
def max_unpool_backward(dx, indices):
    return nn.MaxPool2d(2)(dx)
"""),
    ("choose", """
from dlcourse.applications import rl
def epsilon_at(step, first, last, steps):
    return rl.LinearSchedule(first, last, steps)(step)
def epsilon_greedy(values, epsilon, rng):
    return rl.epsilon_greedy(values, epsilon, rng)
"""),
    ("bellman", """
from dlcourse.applications import rl
def q_learning_update(q, state, action, reward, next_state, terminated, truncated, alpha, gamma):
    step = rl.Transition(state, action, reward, next_state, terminated, truncated)
    delta = rl.q_learning_target(q, step, gamma) - q[state, action]
    q[state, action] += alpha * delta
    return delta
def sarsa_update(q, state, action, reward, next_state, next_action, terminated, truncated, alpha, gamma):
    step = rl.Transition(state, action, reward, next_state, terminated, truncated)
    delta = rl.sarsa_target(q, step, next_action, gamma) - q[state, action]
    q[state, action] += alpha * delta
    return delta
"""),
    ("lake", """
from dlcourse.applications import rl
def learn(env, episodes, gamma, rng):
    q = np.zeros((env.observation_space.n, env.action_space.n))
    for _ in range(episodes):
        state, over = env.reset()[0], False
        while not over:
            action = rl.epsilon_greedy(q[state], 0.1, rng)
            following, reward, terminated, truncated, _ = env.step(action)
            step = rl.Transition(state, action, reward, following, terminated, truncated)
            q[state, action] += 0.1 * (rl.q_learning_target(q, step, gamma) - q[state, action])
            state, over = following, terminated or truncated
    return q
"""),
    ("replay", """
from dlcourse.applications import rl
class ReplayMemory:
    def __init__(self, capacity, shape, dtype=np.float32):
        self.steps, self.capacity, self.dtype = [], capacity, dtype
    def add(self, observation, action, reward, next_observation, terminated):
        step = np.array(observation, self.dtype), action, reward, np.array(next_observation, self.dtype), terminated
        self.steps = [*self.steps[-self.capacity + 1 :], step]
    def __len__(self):
        return len(self.steps)
    def sample(self, count, rng):
        rows = [rl.epsilon_greedy(np.zeros(len(self)), 1.0, rng) for _ in range(count)]
        kinds = self.dtype, np.int64, np.float32, self.dtype, bool
        return tuple(np.array([self.steps[k][i] for k in rows], kind) for i, kind in enumerate(kinds))
"""),
    ("dqn", """
def dqn_targets(rewards, next_values, terminated, gamma):
    return rewards + rewards.dtype.type(gamma) * np.where(terminated, 0, next_values.max(axis=1)).astype(rewards.dtype)
def dqn_loss(values, actions, targets):
    huber, rows = nn.SmoothL1Loss(), np.arange(len(values))
    loss, gradient = huber(values[rows, actions], targets), np.zeros_like(values)
    gradient[rows, actions] = huber.backward()
    return loss, gradient
"""),
    ("double", """
from dlcourse.applications import rl
def double_dqn_targets(rewards, online_next, target_next, terminated, gamma):
    steps = [rl.Transition(None, 0, r, n, over, False) for n, (r, over) in enumerate(zip(rewards, terminated))]
    chosen = online_next.argmax(axis=1)
    return np.array([rl.sarsa_target(target_next, step, a, gamma) for step, a in zip(steps, chosen)], rewards.dtype)
"""),
]  # fmt: skip
