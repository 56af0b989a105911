// Runs a CUDA kernel on the processor: all threads of a block take turns, block after block.
// Put before a .cu file; tests/support/cupy_double/raw.py adds the function that launches its kernel.
// Only what the kernels of this package use: a kernel that needs more does not compile.
//
// A thread runs until it ends or waits at __syncthreads, then the next one does: threads are
// contexts that hand over to each other, as one for the system each would be far too slow. The
// last thread goes first, so that a kernel that forgot to wait for thread 0 is caught.
#include <ucontext.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

static dim3 threadIdx, blockIdx, blockDim, gridDim;
static ucontext_t shim_scheduler, *shim_thread;
static std::function<void()> shim_kernel;
static unsigned shim_ended;

#define __global__
#define __device__ static
#define __shared__ static  // blocks run one after another, so one copy serves them all
#define __restrict__

inline void __syncthreads() { swapcontext(shim_thread, &shim_scheduler); }

inline void shim_run() {
  shim_kernel();
  ++shim_ended;
}

// Calls `kernel` once for each thread of the grid; `barriers` says whether it ever waits.
inline void run_grid(const unsigned* grid, const unsigned* block, bool barriers,
                     std::function<void()> kernel) {
  gridDim = {grid[0], grid[1], grid[2]};
  blockDim = {block[0], block[1], block[2]};
  shim_kernel = kernel;
  unsigned threads = block[0] * block[1] * block[2];
  const size_t stack = 1 << 15;
  std::vector<char> stacks(barriers ? threads * stack : 0);
  std::vector<ucontext_t> contexts(barriers ? threads : 0);
  auto take = [&](unsigned t) {
    threadIdx = {t % block[0], t / block[0] % block[1], t / block[0] / block[1]};
  };
  for (unsigned b = 0; b < grid[0] * grid[1] * grid[2]; ++b) {
    blockIdx = {b % grid[0], b / grid[0] % grid[1], b / grid[0] / grid[1]};
    if (!barriers) {
      for (unsigned t = threads; t-- > 0;) take(t), kernel();
      continue;
    }
    for (unsigned t = 0; t < threads; ++t) {
      getcontext(&contexts[t]);
      contexts[t].uc_stack.ss_sp = &stacks[t * stack];
      contexts[t].uc_stack.ss_size = stack;
      contexts[t].uc_link = &shim_scheduler;
      makecontext(&contexts[t], shim_run, 0);
    }
    for (shim_ended = 0; shim_ended == 0;) {  // from one barrier to the next
      for (unsigned t = threads; t-- > 0;) {
        take(t);
        shim_thread = &contexts[t];
        swapcontext(&shim_scheduler, shim_thread);
      }
    }
    if (shim_ended != threads) {
      std::fprintf(stderr, "some threads ended while others wait at __syncthreads\n");
      std::abort();
    }
  }
}
