// The arithmetic of layers, in the terms of dlcourse.nn and dlcourse.models.summary.

/** How many outputs a sliding window has along one axis. */
export function outputSize(size, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** The places that one output sees along one axis; places below 0, or at size and beyond, are padding. */
export function taps(output, { kernel, stride, padding, dilation }) {
  return Array.from({ length: kernel }, (_, i) => output * stride - padding + i * dilation);
}

/** The value of a square image at a place, 0 in the padding. */
export function pixel(image, size, y, x) {
  return y < 0 || x < 0 || y >= size || x >= size ? 0 : image[y * size + x];
}

/** Slide a square kernel, not flipped, over a square image; returns {values, size}. */
export function convolve(image, size, weights, window) {
  const n = outputSize(size, window);
  const values = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    const ys = taps(i, window);
    for (let j = 0; j < n; j++) {
      const xs = taps(j, window);
      let sum = 0;
      ys.forEach((y, a) => xs.forEach((x, b) => {
        sum += weights[a * window.kernel + b] * pixel(image, size, y, x);
      }));
      values[i * n + j] = sum;
    }
  }
  return { values, size: n };
}

/**
 * Follow the shape, the parameters, the work and the receptive field through layers.
 *
 * A layer is {kind: "convolution", kernel, stride, padding, dilation, channels} or
 * {kind: "pooling", kernel, stride}. Throws an Error where no window fits.
 */
export function follow(channels, size, layers) {
  let field = 1;
  let jump = 1;
  let start = 0; // of the first output's field, in pixels
  const rows = layers.map((layer, i) => {
    const { kernel, stride, padding = 0, dilation = 1 } = layer;
    const inside = channels;
    const after = outputSize(size, layer);
    if (after < 1) {
      throw new Error(`Layer ${i + 1} has a window of ${dilation * (kernel - 1) + 1} pixels, ` +
        `and its input with padding has only ${size + 2 * padding}. Make the window smaller or pad more.`);
    }
    size = after;
    field += (kernel - 1) * dilation * jump;
    start -= padding * jump;
    jump *= stride;
    let parameters = 0;
    let multiplyAdds = 0;
    if (layer.kind === "convolution") {
      channels = layer.channels;
      const products = inside * kernel * kernel;
      parameters = channels * (products + 1);
      multiplyAdds = channels * size * size * products;
    }
    return { channels, size, parameters, multiplyAdds, field, jump, start };
  });
  const total = (name) => rows.reduce((sum, r) => sum + r[name], 0);
  return { rows, parameters: total("parameters"), multiplyAdds: total("multiplyAdds") };
}

/**
 * What the four branches of an Inception block give and cost; each convolution has a bias.
 *
 * A block is {in_channels, size, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj}. Without its
 * reductions the 3x3 and 5x5 filters see the input itself, and the pooled input is an output.
 */
export function inception(block, reduced = true) {
  const convolution = (channels, kernel) =>
    ({ kind: "convolution", channels, kernel, stride: 1, padding: (kernel - 1) / 2 });
  const chain = (...layers) => {
    const { parameters, multiplyAdds } = follow(block.in_channels, block.size, layers);
    return { channels: layers.at(-1)?.channels ?? block.in_channels, parameters, multiplyAdds };
  };
  const reduction = (channels) => (reduced ? [convolution(channels, 1)] : []);
  const branches = [
    chain(convolution(block.ch1x1, 1)),
    chain(...reduction(block.ch3x3red), convolution(block.ch3x3, 3)),
    chain(...reduction(block.ch5x5red), convolution(block.ch5x5, 5)),
    chain(...reduction(block.pool_proj)), // pooling itself has no weights and keeps the size
  ];
  const total = (name) => branches.reduce((sum, b) => sum + b[name], 0);
  return { branches, channels: total("channels"), parameters: total("parameters"), multiplyAdds: total("multiplyAdds") };
}

/**
 * The seconds that products of square matrices of float32 take on a processor and on a GPU.
 *
 * Two matrices of size x size go over the bus, `repeats` products are made of them, one comes back.
 * Rates are operations (cpu, gpu) and bytes (bus) per second; `launch` is the time to start a product.
 */
export function offload({ size, repeats, cpu, gpu, bus, launch }) {
  const work = 2 * repeats * size ** 3;
  const parts = { launch: repeats * launch, copy: (3 * 4 * size ** 2) / bus, compute: work / gpu };
  return { cpu: work / cpu, ...parts, gpu: parts.launch + parts.copy + parts.compute };
}

/** The smallest size at which the GPU is faster; null if it never is. */
export function breakEven(setting) {
  const pays = (size) => {
    const t = offload({ ...setting, size });
    return t.gpu < t.cpu;
  };
  let [low, high] = [0, 2 ** 24];
  if (!pays(high)) return null;
  while (high - low > 1) { // it pays at high, and not at low
    const middle = Math.floor((low + high) / 2);
    if (pays(middle)) high = middle; else low = middle;
  }
  return high;
}

/**
 * Follow an all-reduce: after each step, for each rank and piece, whose values are in the sum.
 *
 * A step is a list of messages [source, dest, start, stop, adds]. Sums are bit masks: bit r is rank
 * r's share. Throws an Error where a share would be counted twice.
 */
export function reduction(ranks, steps) {
  const states = [Array.from({ length: ranks }, (_, r) => new Array(ranks).fill(1 << r))];
  for (const messages of steps) {
    const before = states.at(-1);
    const after = before.map((pieces) => pieces.slice());
    for (const [source, dest, start, stop, adds] of messages) {
      for (let piece = start; piece < stop; piece++) {
        const sent = before[source][piece];
        if (adds && after[dest][piece] & sent) throw new Error(`rank ${dest} counts a share twice`);
        after[dest][piece] = adds ? after[dest][piece] | sent : sent;
      }
    }
    states.push(after);
  }
  return states;
}

/** What an all-reduce of this many bytes sends, and how long it takes when a step waits for the one before. */
export function messageCost(ranks, steps, bytes, latency, bandwidth) {
  const sent = new Array(ranks).fill(0);
  let seconds = 0;
  for (const messages of steps) {
    const sizes = messages.map(([, , start, stop]) => ((stop - start) / ranks) * bytes);
    messages.forEach(([source], i) => { sent[source] += sizes[i]; });
    seconds += latency + Math.max(...sizes) / bandwidth;
  }
  return { steps: steps.length, busiest: Math.max(...sent), total: sent.reduce((a, b) => a + b, 0), seconds };
}

/**
 * What a convolution has to do and to move, as dlcourse.training.profile counts it: multiply-adds,
 * and the bytes of input, weights and output, each once. A linear layer is a 1 x 1 one on a single pixel.
 */
export function layerCost({ batch, inside, outside, size, ...window }, itemsize = 4) {
  const after = outputSize(size, window);
  const products = inside * window.kernel * window.kernel;
  const bytes = {
    input: itemsize * batch * inside * size * size,
    weights: itemsize * outside * (products + 1),
    output: itemsize * batch * outside * after * after,
  };
  const multiplyAdds = batch * outside * after * after * products;
  const moved = bytes.input + bytes.weights + bytes.output;
  return { size: after, multiplyAdds, bytes, moved, intensity: multiplyAdds / moved };
}

/** The multiply-adds per second that work of an intensity (multiply-adds for each byte) can reach. */
export function roof({ multiply_adds: peak, bandwidth }, intensity) {
  return Math.min(peak, intensity * bandwidth);
}

/**
 * What a tile of p pixels and q registers of outputs needs, and its least time on a core, as
 * dlcourse.lessons.ladder.tiles has it.
 */
export function tileBound(p, q, core) {
  const needed = p * q + q + 1;
  const spilled = Math.max(0, needed - core.registers);
  const cycles = {
    arithmetic: (p * q) / core.products,
    loads: (p + q) / core.loads,
    waiting: core.latency,
    spilling: core.spill * spilled,
  };
  const total = Math.max(cycles.arithmetic, cycles.loads, cycles.waiting) + cycles.spilling;
  return { needed, spilled, loads: p + q + spilled, cycles, share: cycles.arithmetic / total };
}
