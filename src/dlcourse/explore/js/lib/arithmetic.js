// The arithmetic of layers, in the terms of dlcourse.nn and dlcourse.models.summary.

/**
 * A sliding window, along each axis; without the last three it moves by 1, unpadded and dense.
 * @typedef {{ kernel: number, stride?: number, padding?: number, dilation?: number }} Sliding
 */

/** @typedef {readonly number[] | Float32Array} Values */

/**
 * How many outputs a sliding window has along one axis.
 * @param {number} size
 * @param {Sliding} window
 */
export function outputSize(size, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/**
 * The places that one output sees along one axis; those below 0, or at size and beyond, are padding.
 * @param {number} output
 * @param {Sliding} window
 */
export function taps(output, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  return Array.from({ length: kernel }, (_, i) => output * stride - padding + i * dilation);
}

/**
 * The value of a square image at a place, 0 in the padding.
 * @param {Values} image
 * @param {number} size
 * @param {number} y
 * @param {number} x
 */
export function pixel(image, size, y, x) {
  return y < 0 || x < 0 || y >= size || x >= size ? 0 : image[y * size + x];
}

/**
 * Slide a square kernel, not flipped, over a square image; returns {values, size}.
 * @param {Values} image
 * @param {number} size
 * @param {Values} weights
 * @param {Sliding} window
 */
export function convolve(image, size, weights, window) {
  const n = outputSize(size, window);
  const values = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    const ys = taps(i, window);
    for (let j = 0; j < n; j++) {
      const xs = taps(j, window);
      let sum = 0;
      for (const [a, y] of ys.entries()) {
        for (const [b, x] of xs.entries()) {
          sum += weights[a * window.kernel + b] * pixel(image, size, y, x);
        }
      }
      values[i * n + j] = sum;
    }
  }
  return { values, size: n };
}

/**
 * A convolution has channels, a pooling keeps those that it gets.
 * @typedef {{ kind: "convolution" | "pooling", channels?: number, kernel: number, stride: number, padding?: number,
 *   dilation?: number }} Stacked
 */

/**
 * What a layer makes of a square image, what it costs, and what its outputs see: `field` pixels from
 * `start` on, `jump` apart.
 * @typedef {Record<"channels" | "size" | "parameters" | "multiplyAdds" | "field" | "jump" | "start",
 *   number>} Followed
 */

/**
 * Follow the shape, the parameters, the work and the receptive field through layers. Throws an Error
 * where no window fits.
 * @param {number} channels
 * @param {number} size
 * @param {readonly Stacked[]} layers
 */
export function follow(channels, size, layers) {
  let field = 1;
  let jump = 1;
  let start = 0; // of the first output's field, in pixels
  /** @type {Followed[]} */
  const rows = layers.map((layer, i) => {
    const { kernel, stride, padding = 0, dilation = 1 } = layer;
    const inside = channels;
    const after = outputSize(size, layer);
    if (after < 1) {
      throw new Error(
        `Layer ${i + 1} has a window of ${dilation * (kernel - 1) + 1} pixels, ` +
          `and its input with padding has only ${size + 2 * padding}. Make the window smaller or pad more.`,
      );
    }
    size = after;
    field += (kernel - 1) * dilation * jump;
    start -= padding * jump;
    jump *= stride;
    let parameters = 0;
    let multiplyAdds = 0;
    if (layer.kind === "convolution") {
      channels = layer.channels ?? channels;
      const products = inside * kernel * kernel;
      parameters = channels * (products + 1);
      multiplyAdds = channels * size * size * products;
    }
    return { channels, size, parameters, multiplyAdds, field, jump, start };
  });
  const total = (/** @type {keyof Followed} */ name) => rows.reduce((sum, r) => sum + r[name], 0);
  return { rows, parameters: total("parameters"), multiplyAdds: total("multiplyAdds") };
}

/**
 * An Inception block: its input, and the output channels of its six convolutions.
 * @typedef {object} Block
 * @property {number} in_channels
 * @property {number} size
 * @property {number} ch1x1
 * @property {number} ch3x3red
 * @property {number} ch3x3
 * @property {number} ch5x5red
 * @property {number} ch5x5
 * @property {number} pool_proj
 */

/**
 * What the four branches of an Inception block give and cost; each convolution has a bias. Without
 * its reductions the 3x3 and 5x5 filters see the input itself, and the pooled input is an output.
 * @param {Block} block
 */
export function inception(block, reduced = true) {
  /** @type {(channels: number, kernel: number) => Stacked} */
  const convolution = (channels, kernel) => ({
    kind: "convolution",
    channels,
    kernel,
    stride: 1,
    padding: (kernel - 1) / 2,
  });
  const chain = (/** @type {Stacked[]} */ ...layers) => {
    const { parameters, multiplyAdds } = follow(block.in_channels, block.size, layers);
    return { channels: layers.at(-1)?.channels ?? block.in_channels, parameters, multiplyAdds };
  };
  const reduction = (/** @type {number} */ channels) => (reduced ? [convolution(channels, 1)] : []);
  const branches = [
    chain(convolution(block.ch1x1, 1)),
    chain(...reduction(block.ch3x3red), convolution(block.ch3x3, 3)),
    chain(...reduction(block.ch5x5red), convolution(block.ch5x5, 5)),
    chain(...reduction(block.pool_proj)), // pooling itself has no weights and keeps the size
  ];
  /** @type {(name: "channels" | "parameters" | "multiplyAdds") => number} */
  const total = (name) => branches.reduce((sum, b) => sum + b[name], 0);
  return {
    branches,
    channels: total("channels"),
    parameters: total("parameters"),
    multiplyAdds: total("multiplyAdds"),
  };
}

/**
 * The seconds that products of square matrices of float32 take on a processor and on a GPU.
 *
 * Two matrices of size x size go over the bus, `repeats` products are made of them, one comes back.
 * Rates are operations (cpu, gpu) and bytes (bus) per second; `launch` is the time to start a product.
 * @param {Record<"size" | "repeats" | "cpu" | "gpu" | "bus" | "launch", number>} setting
 */
export function offload({ size, repeats, cpu, gpu, bus, launch }) {
  const work = 2 * repeats * size ** 3;
  const parts = { launch: repeats * launch, copy: (3 * 4 * size ** 2) / bus, compute: work / gpu };
  return { cpu: work / cpu, ...parts, gpu: parts.launch + parts.copy + parts.compute };
}

/**
 * The smallest size at which the GPU is faster; null if it never is.
 * @param {Parameters<typeof offload>[0]} setting
 */
export function breakEven(setting) {
  const pays = (/** @type {number} */ size) => {
    const t = offload({ ...setting, size });
    return t.gpu < t.cpu;
  };
  let [low, high] = [0, 2 ** 24];
  if (!pays(high)) return null;
  while (high - low > 1) {
    // it pays at high, and not at low
    const middle = Math.floor((low + high) / 2);
    if (pays(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * What a convolution has to do and to move, as dlcourse.training.profile counts it: multiply-adds,
 * and the bytes of input, weights and output, each once. A linear layer is a 1 x 1 one on a single pixel.
 * @param {{ batch: number, inside: number, outside: number, size: number } & Sliding} layer
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

/**
 * The multiply-adds per second that work of an intensity (multiply-adds for each byte) can reach.
 * @param {{ multiply_adds: number, bandwidth: number }} machine
 * @param {number} intensity
 */
export function roof({ multiply_adds: peak, bandwidth }, intensity) {
  return Math.min(peak, intensity * bandwidth);
}

/**
 * A core of a processor, as in dlcourse.lessons.ladder.tiles.
 * @typedef {object} Core
 * @property {number} registers
 * @property {number} lanes
 * @property {number} products
 * @property {number} loads
 * @property {number} latency
 * @property {number} spill
 */

/**
 * What a tile of p pixels and q registers of outputs needs, and its least time on a core, as
 * dlcourse.lessons.ladder.tiles has it.
 * @param {number} p
 * @param {number} q
 * @param {Core} core
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
