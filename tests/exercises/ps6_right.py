"""Right answers to assignment 6, each written in another way than the solution."""

import math
from collections import defaultdict, deque

import numpy as np

from dlcourse import nn


class Steps:
    """Step by step, with indices and plain Python."""

    def gram(features):
        return np.einsum("cij,dij->cd", features, features) / (
            features.shape[1] * features.shape[2]
        )

    def style_loss(layers, grams, weights):
        total, gradients = 0, []
        for k in range(len(layers)):
            f, c = layers[k], len(layers[k])
            gap = Steps.gram(f) - grams[k]
            total += weights[k] * np.square(gap).sum() / (2 * c) ** 2
            d_gram = weights[k] * gap / (2 * c**2)
            # Through each of the two factors of the product.
            left = np.einsum("cd,dij->cij", d_gram, f)
            right = np.einsum("dc,dij->cij", d_gram, f)
            gradients.append((left + right) / (f.shape[1] * f.shape[2]))
        return total, gradients

    def output_size(size, kernel, stride, padding):
        side = kernel
        for _ in range(1, size):
            side += stride
        return side - padding - padding

    def choose(size, wanted, stride):
        for factor in range(2, size + wanted + 3):
            for padding in range(factor * stride):
                if (size - 1) * stride + factor * stride - 2 * padding == wanted:
                    return factor * stride, padding
        raise ValueError(f"{size} cannot become {wanted}")

    def make_generator(latent, channels, sizes, strides, rng):
        maps, sides, layers = [latent, *channels], [1, *sizes], []
        for k, stride in enumerate(strides):
            kernel, padding = Steps.choose(sides[k], sides[k + 1], stride)
            if k + 1 < len(strides):
                layers.append(
                    nn.ConvTranspose2d(
                        maps[k],
                        maps[k + 1],
                        (kernel, kernel),
                        stride=stride,
                        padding=padding,
                        bias=False,
                        rng=rng,
                    )
                )
                layers.append(nn.BatchNorm2d(maps[k + 1]))
                layers.append(nn.ReLU())
            else:
                layers.append(
                    nn.ConvTranspose2d(maps[k], maps[k + 1], kernel, stride, padding, rng=rng)
                )
                layers.append(nn.Tanh())
        return nn.Sequential(*layers)

    def discriminator_loss(real, fake, smooth=0.0):
        def sigmoid(a):
            small = np.exp(-np.abs(a))
            return np.where(a > 0, 1 / (1 + small), small / (1 + small))

        def against(a, label):
            loss = np.maximum(a, 0) - label * a + np.log1p(np.exp(-np.abs(a)))
            return np.mean(loss), (sigmoid(a) - label) / a.size

        loss_real, d_real = against(real, 1 - smooth)
        loss_fake, d_fake = against(fake, 0)
        return loss_real + loss_fake, d_real, d_fake

    def generator_loss(fake):
        small = np.exp(-np.abs(fake))
        loss = np.mean(np.maximum(-fake, 0) + np.log1p(small))
        wrong = np.where(fake > 0, small / (1 + small), 1 / (1 + small))
        return loss, -wrong / fake.size

    def max_pool(x, size):
        _n, _c, h, w = x.shape
        tall, wide = h // size, w // size
        places = np.broadcast_to(np.arange(h * w).reshape(h, w), x.shape)
        y = x[:, :, : tall * size : size, : wide * size : size].copy()
        indices = places[:, :, : tall * size : size, : wide * size : size].copy()
        for u in range(size):
            for v in range(size):
                window = slice(u, tall * size, size), slice(v, wide * size, size)
                other = x[:, :, *window]
                larger = other > y
                y[larger] = other[larger]
                indices[larger] = places[:, :, *window][larger]
        return y, indices

    def max_unpool(y, indices, shape):
        n, c = y.shape[:2]
        x = np.zeros((n, c, *shape), y.dtype)
        images, channels = np.ogrid[:n, :c]
        rows, columns = indices // shape[1], indices % shape[1]
        x[images[..., None, None], channels[..., None, None], rows, columns] = y
        return x

    def max_unpool_backward(dx, indices):
        dy = np.empty(indices.shape, dx.dtype)
        for n in range(len(dx)):
            for c in range(dx.shape[1]):
                dy[n, c] = dx[n, c].ravel()[indices[n, c]]
        return dy

    def epsilon_at(step, first, last, steps):
        return last if step >= steps else first - (first - last) * step / steps

    def epsilon_greedy(values, epsilon, rng):
        numbers = list(range(len(values)))
        if rng.uniform() >= epsilon:
            best = max(values)
            numbers = [a for a in numbers if values[a] == best]
        return numbers[rng.integers(len(numbers))]

    def q_learning_update(
        q, state, action, reward, next_state, terminated, truncated, alpha, gamma
    ):
        target = reward
        if not terminated:
            target += gamma * max(q[next_state])
        delta = target - q[state][action]
        q[state][action] = q[state][action] + alpha * delta
        return delta

    def sarsa_update(
        q, state, action, reward, next_state, next_action, terminated, truncated, alpha, gamma
    ):
        target = reward
        if not terminated:
            target += gamma * q[next_state][next_action]
        delta = target - q[state][action]
        q[state][action] = q[state][action] + alpha * delta
        return delta

    def learn(env, episodes, gamma, rng):
        # A table that grows, and an alpha that falls with the visits.
        actions = env.action_space.n
        q = defaultdict(lambda: [0.0] * actions)
        visits = defaultdict(int)
        for episode in range(episodes):
            epsilon = max(0.05, 1 - episode / (0.7 * episodes))
            state, _ = env.reset()
            while True:
                if rng.random() < epsilon:
                    action = int(rng.integers(actions))
                else:
                    best = max(q[state])
                    action = int(rng.choice([a for a in range(actions) if q[state][a] == best]))
                following, reward, terminated, truncated, _ = env.step(action)
                visits[state, action] += 1
                alpha = max(visits[state, action] ** -0.6, 0.01)
                after = 0.0 if terminated else max(q[following])
                q[state][action] += alpha * (reward + gamma * after - q[state][action])
                state = following
                if terminated or truncated:
                    break
        return np.array([q[state] for state in range(env.observation_space.n)])

    class ReplayMemory:
        """Steps in a deque, which forgets by itself."""

        def __init__(self, capacity, shape, dtype=np.float32):
            self.steps, self.dtype, self.shape = deque(maxlen=capacity), dtype, shape

        def add(self, observation, action, reward, next_observation, terminated):
            before, after = (np.array(o, self.dtype) for o in (observation, next_observation))
            self.steps.append((before, action, reward, after, terminated))

        def __len__(self):
            return len(self.steps)

        def sample(self, count, rng):
            chosen = [self.steps[k] for k in rng.choice(len(self.steps), count, replace=False)]
            before, actions, rewards, after, over = zip(*chosen, strict=True)
            return (
                np.stack(before),
                np.array(actions, np.int64),
                np.array(rewards, np.float32),
                np.stack(after),
                np.array(over, bool),
            )

    def dqn_targets(rewards, next_values, terminated, gamma):
        targets = rewards.copy()
        for n in range(len(rewards)):
            if not terminated[n]:
                targets[n] += gamma * max(next_values[n])
        return targets

    def dqn_loss(values, actions, targets):
        total, gradient = 0.0, 0 * values
        for n, action in enumerate(actions):
            error = values[n, action] - targets[n]
            if abs(error) <= 1:
                total += error**2 / 2
                gradient[n, action] = error / len(values)
            else:
                total += abs(error) - 0.5
                gradient[n, action] = math.copysign(1, error) / len(values)
        return total / len(values), gradient

    def double_dqn_targets(rewards, online_next, target_next, terminated, gamma):
        targets = rewards.copy()
        for n, over in enumerate(terminated):
            if not over:
                targets[n] += gamma * target_next[n, np.argmax(online_next[n])]
        return targets

    def dueling(value, advantages):
        q = np.zeros_like(advantages)
        for i in range(advantages.shape[1]):
            q[:, i] = value[:, 0] + advantages[:, i] - advantages.sum(axis=1) / advantages.shape[1]
        return q

    def dueling_backward(dq):
        dv, da = np.zeros((len(dq), 1), dq.dtype), dq.copy()
        for i in range(dq.shape[1]):
            dv[:, 0] += dq[:, i]
            da -= dq[:, i : i + 1] / dq.shape[1]
        return dv, da


class Arrays:
    """Everything at once, with the tools of NumPy."""

    def gram(features):
        return np.tensordot(features, features, axes=([1, 2], [1, 2])) / features[0].size

    def style_loss(layers, grams, weights):
        gaps = [Arrays.gram(f) - a for f, a in zip(layers, grams, strict=True)]
        loss = sum(w * np.mean(gap * gap) / 4 for w, gap in zip(weights, gaps, strict=True))
        gradients = [
            w * np.tensordot(gap, f, axes=1) / (f[0].size * len(f) ** 2)
            for w, gap, f in zip(weights, gaps, layers, strict=True)
        ]
        return loss, gradients

    def output_size(size, kernel, stride, padding):
        return stride * size - stride + kernel - 2 * padding

    def choose(size, wanted, stride):
        kernels = stride * np.arange(2, size + wanted + 4)
        paddings, odd = np.divmod(Arrays.output_size(size, kernels, stride, 0) - wanted, 2)
        fits = (odd == 0) & (paddings >= 0) & (paddings < kernels)
        if not fits.any():
            raise ValueError(f"expected a side that stride {stride} can make of {size}")
        return kernels[fits][0].item(), paddings[fits][0].item()

    def make_generator(latent, channels, sizes, strides, rng):
        layers = []
        last = len(channels) - 1
        for k in range(last + 1):
            before, size = (channels[k - 1], sizes[k - 1]) if k else (latent, 1)
            kernel, padding = Arrays.choose(size, sizes[k], strides[k])
            up = nn.ConvTranspose2d(
                before, channels[k], kernel, strides[k], padding, bias=k == last, rng=rng
            )
            rest = [nn.Tanh()] if k == last else [nn.BatchNorm2d(channels[k]), nn.ReLU()]
            layers += [up, *rest]
        return nn.Sequential(*layers)

    def discriminator_loss(real, fake, smooth=0.0):
        # log sigma(a) and log(1 - sigma(a)), by logaddexp.
        loss = (np.logaddexp(0, real) - (1 - smooth) * real).mean() + np.mean(np.logaddexp(0, fake))
        d_real = np.exp(-np.logaddexp(0, -real)) - (1 - smooth)
        return loss, d_real / real.size, np.exp(-np.logaddexp(0, -fake)) / fake.size

    def generator_loss(fake):
        softplus = np.logaddexp(0, -fake)
        return softplus.mean(), -np.exp(-np.logaddexp(0, fake)) / fake.size

    def max_pool(x, size):
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
        windows = windows[:, :, ::size, ::size]
        inside = windows.reshape(*windows.shape[:4], size * size).argmax(axis=-1)
        rows, columns = np.indices(inside.shape[2:]) * size
        rows, columns = rows + inside // size, columns + inside % size
        n, c = np.ix_(range(x.shape[0]), range(x.shape[1]))
        y = x[n[:, :, None, None], c[:, :, None, None], rows, columns]
        return y, rows * x.shape[3] + columns

    def max_unpool(y, indices, shape):
        n, c = y.shape[:2]
        begins = shape[0] * shape[1] * np.arange(n * c).reshape(n, c, 1, 1)
        x = np.zeros(n * c * shape[0] * shape[1], y.dtype)
        x[begins + indices] = y
        return x.reshape(n, c, *shape)

    def max_unpool_backward(dx, indices):
        n, c, h, w = dx.shape
        begins = h * w * np.arange(n * c).reshape(n, c, 1, 1)
        return dx.reshape(-1)[indices + begins]

    def epsilon_at(step, first, last, steps):
        return np.interp(step, [0, steps], [first, last])

    def epsilon_greedy(values, epsilon, rng):
        # The probabilities of all actions, and one draw.
        best = values == values.max()
        p = epsilon / len(values) + (1 - epsilon) * best / best.sum()
        return rng.choice(len(values), p=p / p.sum())

    def q_learning_update(
        q, state, action, reward, next_state, terminated, truncated, alpha, gamma
    ):
        delta = reward + (gamma * np.max(q[next_state]) if not terminated else 0) - q[state, action]
        q[state, action] = (1 - alpha) * q[state, action] + alpha * (delta + q[state, action])
        return delta

    def sarsa_update(
        q, state, action, reward, next_state, next_action, terminated, truncated, alpha, gamma
    ):
        after = np.where(terminated, 0, q[next_state, next_action])
        delta = reward + gamma * after - q[state, action]
        q[state, action] += alpha * delta
        return delta

    def learn(env, episodes, gamma, rng):
        # NumPy for the table, hopeful at first: values that are too large are tried and fall.
        q = np.full((env.observation_space.n, env.action_space.n), 0.9)
        for episode in range(episodes):
            epsilon = np.interp(episode, [0, 0.6 * episodes], [1, 0.05])
            alpha = np.interp(episode, [0, episodes], [0.4, 0.01])
            state, over = env.reset()[0], False
            while not over:
                action = rng.integers(q.shape[1]) if rng.random() < epsilon else q[state].argmax()
                following, reward, terminated, truncated, _ = env.step(action)
                after = (not terminated) * q[following].max()
                q[state, action] += alpha * (reward + gamma * after - q[state, action])
                state, over = following, terminated or truncated
        return q

    class ReplayMemory:
        """Rows of one structured array, written round and round."""

        def __init__(self, capacity, shape, dtype=np.float32):
            kinds = [
                ("before", dtype, shape),
                ("action", np.int64),
                ("reward", np.float32),
                ("after", dtype, shape),
                ("over", bool),
            ]
            self.rows, self.next, self.count = np.empty(capacity, kinds), 0, 0

        def add(self, observation, action, reward, next_observation, terminated):
            row = self.rows[self.next]
            row["before"], row["action"], row["reward"] = observation, action, reward
            row["after"], row["over"] = next_observation, terminated
            self.next = (self.next + 1) % len(self.rows)
            self.count = min(self.count + 1, len(self.rows))

        def __len__(self):
            return self.count

        def sample(self, count, rng):
            rows = self.rows[rng.permutation(self.count)[:count]]
            return [rows[name].copy() for name in rows.dtype.names]

    def dqn_targets(rewards, next_values, terminated, gamma):
        best = np.max(next_values, axis=1)
        best = np.where(terminated, np.zeros_like(best), best)
        return (rewards + gamma * best).astype(rewards.dtype)

    def dqn_loss(values, actions, targets):
        done = np.take_along_axis(values, actions[:, None], axis=1)[:, 0]
        error = done - targets
        cut = np.minimum(np.abs(error), 1)
        loss = np.mean(cut * (np.abs(error) - cut / 2))
        gradient = np.eye(values.shape[1], dtype=values.dtype)[actions]
        return loss, gradient * (np.sign(error) * cut / len(error))[:, None]

    def double_dqn_targets(rewards, online_next, target_next, terminated, gamma):
        chosen = online_next.argmax(axis=1, keepdims=True)
        judged = np.take_along_axis(target_next, chosen, axis=1).squeeze(axis=1)
        targets = rewards + gamma * judged
        targets[terminated] = rewards[terminated]
        return targets

    def dueling(value, advantages):
        actions = advantages.shape[1]
        centre = np.eye(actions, dtype=advantages.dtype) - advantages.dtype.type(1 / actions)
        return advantages @ centre + value

    def dueling_backward(dq):
        actions = dq.shape[1]
        centre = np.eye(actions, dtype=dq.dtype) - dq.dtype.type(1 / actions)
        return [dq @ np.ones((actions, 1), dq.dtype), dq @ centre]


#: Which names a task asks for.
NAMES = {
    "style": ["gram", "style_loss"],
    "generator": ["output_size", "choose", "make_generator"],
    "gan": ["discriminator_loss", "generator_loss"],
    "unpool": ["max_pool", "max_unpool", "max_unpool_backward"],
    "choose": ["epsilon_at", "epsilon_greedy"],
    "bellman": ["q_learning_update", "sarsa_update"],
    "lake": ["learn"],
    "replay": ["ReplayMemory"],
    "dqn": ["dqn_targets", "dqn_loss"],
    "double": ["double_dqn_targets", "dueling", "dueling_backward"],
}


def right_answers():
    """Yield task, name of the answer, and what it defines."""
    for task, names in NAMES.items():
        for style in (Steps, Arrays):
            yield task, style.__name__.lower(), {n: vars(style)[n] for n in names}
