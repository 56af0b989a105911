/* What the compiler says of this machine's registers: how many, and float values in each. */
#include "vector.h"

API int lanes(void) { return LANES; }

API int registers(void) {
#if defined(__AVX512F__) || defined(__aarch64__)
    return 32;
#else
    return 16;
#endif
}
