// Runs a CUDA kernel on the processor: one thread for each thread of a block, block after block.
// Put before a .cu file; tests/cupy_double/raw.py adds the function that launches its kernel.
// Only what the kernels of this package use: a kernel that needs more does not compile.
#include <barrier>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

static thread_local dim3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static std::unique_ptr<std::barrier<>> block_barrier;

#define __global__
#define __device__ static
#define __shared__ static  // blocks run one after another, so one copy serves them all
#define __restrict__

inline void __syncthreads() { block_barrier->arrive_and_wait(); }

// Calls `kernel()` once for each thread of the grid. A kernel that never waits for others
// (`barriers` false) runs all threads of a block in a loop, which is much faster.
template <class Kernel>
void run_grid(const unsigned* grid, const unsigned* block, bool barriers, Kernel kernel) {
  gridDim = {grid[0], grid[1], grid[2]};
  blockDim = {block[0], block[1], block[2]};
  unsigned threads = block[0] * block[1] * block[2];
  for (unsigned b = 0; b < grid[0] * grid[1] * grid[2]; ++b) {
    auto one = [&](unsigned t) {
      blockIdx = {b % grid[0], b / grid[0] % grid[1], b / grid[0] / grid[1]};
      threadIdx = {t % block[0], t / block[0] % block[1], t / block[0] / block[1]};
      kernel();
    };
    if (!barriers) {
      for (unsigned t = 0; t < threads; ++t) one(t);
      continue;
    }
    block_barrier = std::make_unique<std::barrier<>>(threads);
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t) workers.emplace_back(one, t);
    for (auto& worker : workers) worker.join();
  }
}
