/* A dense network in int8 with a table for tanh: two neurons at once, four weights of each, by the SIMD instructions of a Cortex-M4,
 * as CMSIS-NN multiplies a vector by a matrix. */
#include <stdint.h>

/* Each layer is compiled for its own widths, as in the generated code. */
#define INLINE static inline __attribute__((always_inline))

@{tables}
int8_t nl_emulated_words[@{n_in}];
int32_t nl_emulated_sums[@{n_out}];
static int8_t payload[2][@{widest}];
static int32_t sums[@{widest}];

static inline uint32_t word_at(const int8_t *from)
{
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

/* Bytes 0 and 2 of a word as two numbers of 16 bits. */
static inline uint32_t even_bytes(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

/* Bytes 1 and 3 of a word as two numbers of 16 bits. */
static inline uint32_t odd_bytes(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* sum + a[0] * b[0] + a[1] * b[1] */
static inline int32_t multiply_pairs(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t total;
    __asm__("smlad %0, %1, %2, %3" : "=r"(total) : "r"(a), "r"(b), "r"(sum));
    return total;
}

INLINE void accumulate(const int8_t *weight, const int32_t *bias, const int8_t *x, int32_t *z, uint32_t n_in, uint32_t n_out)
{
    uint32_t i;
    uint32_t j;
    for (j = 0u; (j + 2u) <= n_out; j += 2u) {
        const int8_t *upper = &weight[j * n_in];
        const int8_t *lower = upper + n_in;
        int32_t first = bias[j];
        int32_t second = bias[j + 1u];
        for (i = 0u; (i + 4u) <= n_in; i += 4u) {
            const uint32_t word = word_at(&x[i]);
            const uint32_t even = even_bytes(word);
            const uint32_t odd = odd_bytes(word);
            const uint32_t above = word_at(&upper[i]);
            const uint32_t below = word_at(&lower[i]);
            first = multiply_pairs(even_bytes(above), even, first);
            first = multiply_pairs(odd_bytes(above), odd, first);
            second = multiply_pairs(even_bytes(below), even, second);
            second = multiply_pairs(odd_bytes(below), odd, second);
        }
        for (; i < n_in; ++i) {
            first += (int32_t)upper[i] * x[i];
            second += (int32_t)lower[i] * x[i];
        }
        z[j] = first;
        z[j + 1u] = second;
    }
    for (; j < n_out; ++j) {
        int32_t sum = bias[j];
        for (i = 0u; i < n_in; ++i) {
            sum += (int32_t)weight[(j * n_in) + i] * x[i];
        }
        z[j] = sum;
    }
}

INLINE void layer(const int8_t *weight, const int32_t *bias, uint32_t shift, const int8_t *x, int8_t *y, uint32_t n_in, uint32_t n_out)
{
    uint32_t j;
    accumulate(weight, bias, x, sums, n_in, n_out);
    for (j = 0u; j < n_out; ++j) {
        int32_t z = sums[j] >> shift;
        z = (z < -128) ? -128 : ((z > 127) ? 127 : z);
        y[j] = tanh_table[z + 128];
    }
}

void nl_emulated_point(void)
{
@{layers}
    accumulate(weight@{last}, bias@{last}, @{payload}, nl_emulated_sums, @{n_last}u, @{n_out}u);
}
