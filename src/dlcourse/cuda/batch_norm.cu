// Batch normalization on a matrix (rows, channels). Means are subtracted on the way: no array holds
// what is left.

// The sum over the rows of (a - mean_a) * (b - mean_b) for each channel, in parts: partial is
// (gridDim.y, channels).
// A block has 32 x 8 threads: 32 channels, and 8 rows at a time. Each thread adds up its share;
// then the 8 threads of a channel add up theirs by halves, in memory that the block shares.
// The order of the additions is always the same, and so is the result.
extern "C" __global__ void channel_dot(
    const REAL* a, const REAL* mean_a, const REAL* b, const REAL* mean_b, REAL* partial,
    unsigned channels, unsigned rows) {
  __shared__ REAL sums[8][32];
  unsigned c = blockIdx.x * 32 + threadIdx.x;
  REAL sum = 0;
  if (c < channels) {
    for (unsigned row = blockIdx.y * 8 + threadIdx.y; row < rows; row += gridDim.y * 8) {
      sum += (a[row * channels + c] - mean_a[c]) * (b[row * channels + c] - mean_b[c]);
    }
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();  // nobody reads before everybody has written
  for (unsigned half = 4; half > 0; half /= 2) {
    if (threadIdx.y < half) sums[threadIdx.y][threadIdx.x] += sums[threadIdx.y + half][threadIdx.x];
    __syncthreads();
  }
  if (threadIdx.y == 0 && c < channels) partial[blockIdx.y * channels + c] = sums[0][threadIdx.x];
}

// y = (x - mean) * scale + shift, with one number each per channel.
extern "C" __global__ void scale_shift(
    const REAL* x, const REAL* mean, const REAL* scale, const REAL* shift, REAL* y,
    unsigned channels, unsigned count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    unsigned c = i % channels;
    y[i] = (x[i] - mean[c]) * scale[c] + shift[c];
  }
}

// dx = (dy + (x - mean) * slope + offset) * scale: the gradient with respect to the input.
extern "C" __global__ void batch_norm_grad(
    const REAL* dy, const REAL* x, const REAL* mean, const REAL* slope, const REAL* offset,
    const REAL* scale, REAL* dx, unsigned channels, unsigned count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    unsigned c = i % channels;
    dx[i] = (dy[i] + (x[i] - mean[c]) * slope[c] + offset[c]) * scale[c];
  }
}
