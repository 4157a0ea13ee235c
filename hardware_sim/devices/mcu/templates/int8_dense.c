/* A dense network in int8 with a table for tanh: every weight is multiplied, for every point. Plain C, no SIMD. */
#include <stdint.h>

/* Each layer is compiled for its own widths, as in the generated code. */
#define INLINE static inline __attribute__((always_inline))

@{tables}
int8_t nl_emulated_words[@{n_in}];
int32_t nl_emulated_sums[@{n_out}];
static int8_t payload[2][@{widest}];

INLINE int32_t weighted(const int8_t *weight, int32_t bias, const int8_t *x, uint32_t n_in)
{
    int32_t sum = bias;
    uint32_t i;
    for (i = 0u; (i + 8u) <= n_in; i += 8u) { /* eight in a turn, as in the generated code */
        sum += (int32_t)weight[i] * x[i];
        sum += (int32_t)weight[i + 1u] * x[i + 1u];
        sum += (int32_t)weight[i + 2u] * x[i + 2u];
        sum += (int32_t)weight[i + 3u] * x[i + 3u];
        sum += (int32_t)weight[i + 4u] * x[i + 4u];
        sum += (int32_t)weight[i + 5u] * x[i + 5u];
        sum += (int32_t)weight[i + 6u] * x[i + 6u];
        sum += (int32_t)weight[i + 7u] * x[i + 7u];
    }
    for (; i < n_in; ++i) {
        sum += (int32_t)weight[i] * x[i];
    }
    return sum;
}

INLINE void layer(const int8_t *weight, const int32_t *bias, uint32_t shift, const int8_t *x, int8_t *y, uint32_t n_in, uint32_t n_out)
{
    uint32_t j;
    for (j = 0u; j < n_out; ++j) {
        int32_t z = weighted(&weight[j * n_in], bias[j], x, n_in) >> shift;
        z = (z < -128) ? -128 : ((z > 127) ? 127 : z);
        y[j] = tanh_table[z + 128];
    }
}

void nl_emulated_point(void)
{
    uint32_t j;
@{layers}
    for (j = 0u; j < @{n_out}u; ++j) {
        nl_emulated_sums[j] = weighted(&weight@{last}[j * @{n_last}u], bias@{last}[j], @{payload}, @{n_last}u);
    }
}
