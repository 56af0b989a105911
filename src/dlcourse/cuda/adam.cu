// One step of Adam (Kingma & Ba 2015, algorithm 1): four arrays are read and three written, once.
// keep1 and keep2 are the betas, add1 and add2 are 1 minus these; rate and eps include the corrections.
// The penalty's decay comes to the gradient, and the weights are shrunk before the step.
extern "C" __global__ void adam(
    REAL* weight, REAL* mean, REAL* square, const REAL* grad, REAL keep1, REAL add1,
    REAL keep2, REAL add2, REAL rate, REAL eps, REAL decay, REAL shrink, unsigned count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    REAL g = decay ? grad[i] + decay * weight[i] : grad[i];
    REAL m = keep1 * mean[i] + add1 * g;
    REAL v = keep2 * square[i] + add2 * g * g;
    mean[i] = m;
    square[i] = v;
    weight[i] = shrink * weight[i] - rate * m / (sqrt(v) + eps);
  }
}
