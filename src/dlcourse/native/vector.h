/* Vectors of the widest registers that this machine has, in the words of GCC and Clang. */
#ifndef VECTOR_H
#define VECTOR_H

#include <stddef.h>
#include <string.h>

#ifndef REAL
#define REAL float
#endif

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif

/* Values in a register. */
#define LANES ((ptrdiff_t)(BYTES / sizeof(REAL)))

typedef REAL vector __attribute__((vector_size(BYTES)));
/* The same anywhere in memory. */
typedef REAL anywhere __attribute__((vector_size(BYTES), aligned(sizeof(REAL)), may_alias));

static inline vector load(const REAL *from) { return *(const anywhere *)from; }
static inline void store(REAL *to, vector v) { *(anywhere *)to = v; }
static inline vector all(REAL value) { return value - (vector){0}; }

/* Bits of a register, as a comparison gives them: all set where it holds. */
typedef __typeof__((vector){0} < (vector){0}) mask;
/* What is above zero, or no number; 0 in place of the rest. */
static inline vector positive(vector v) { return (vector)((mask)v & ~(mask)(v <= 0)); }

/* Write 1 where a comparison holds, and 0 elsewhere. */
static inline void store_flags(unsigned char *to, mask holds) {
    typedef signed char flags __attribute__((vector_size(LANES), aligned(1), may_alias));
    *(flags *)to = -__builtin_convertvector(holds, flags); /* a comparison gives 0 or -1 */
}

/* For each of P times Q registers, unrolled. */
#define EACH_P _Pragma("GCC unroll 16") for (int p = 0; p < P; p++)
#define EACH_Q _Pragma("GCC unroll 4") for (int q = 0; q < Q; q++)

#if defined(_WIN32)
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

#endif
