/* How fast the arithmetic is where nothing is loaded: SUMS sums, each in a register of its own. */
#include "vector.h"

API void peak(REAL *sums, ptrdiff_t turns) {
    vector sum[SUMS], x = load(sums), y = load(sums + LANES);
#pragma GCC unroll 64
    for (int s = 0; s < SUMS; s++) sum[s] = load(sums + s * LANES);
    for (ptrdiff_t turn = 0; turn < turns; turn++) {
#pragma GCC unroll 64
        for (int s = 0; s < SUMS; s++) sum[s] = sum[s] * x + y;
    }
#pragma GCC unroll 64
    for (int s = 0; s < SUMS; s++) store(sums + s * LANES, sum[s]);
}
