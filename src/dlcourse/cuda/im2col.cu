// The patches under a sliding window as rows of a matrix, one thread for each of its values.
//
// A row holds a patch: first the position in the kernel, then the channel. The image may lie in
// memory in any order: step_* say how far apart, in values, the pixels are that a window sees
// from one image, row or column of windows to the next, and inside it from one row, column or
// channel to the next. REAL is float or double.
extern "C" __global__ void im2col(
    const REAL* image, REAL* matrix, int out_height, int out_width, int kernel_h, int kernel_w,
    int channels, int step_n, int step_p, int step_q, int step_u, int step_v, int step_c,
    unsigned count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    // Which value of which patch this is. The channel runs fastest: threads side by side write
    // values side by side, and read them that way from an image whose channels come last.
    unsigned rest = i;
    int c = rest % channels;
    rest /= channels;
    int v = rest % kernel_w;
    rest /= kernel_w;
    int u = rest % kernel_h;
    rest /= kernel_h;
    int q = rest % out_width;
    rest /= out_width;
    int p = rest % out_height;
    int n = rest / out_height;
    matrix[i] = image[(long long)n * step_n + (long long)p * step_p + (long long)q * step_q +
                      (long long)u * step_u + (long long)v * step_v + (long long)c * step_c];
  }
}
