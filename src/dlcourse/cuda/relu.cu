// ReLU: y = max(x, 0), and where the gradient passes, which the backward pass needs.
// One pass over the values in place of two. REAL is float or double.
extern "C" __global__ void relu(const REAL* x, REAL* y, bool* mask, unsigned count) {
  // Each thread takes the value of its number, then those a whole grid further on.
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    REAL value = x[i];
    mask[i] = !(value <= 0);
    y[i] = value <= 0 ? 0 : value;  // both so that NaN passes, as with NumPy
  }
}
