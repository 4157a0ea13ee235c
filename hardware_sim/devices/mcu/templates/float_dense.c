/* A dense network in float32 with tanh of the mathematical library: in hardware on a Cortex-M4F, by software on a Cortex-M0. */
#include <math.h>
#include <stdint.h>

/* Each layer is compiled for its own widths, as in the generated code. */
#define INLINE static inline __attribute__((always_inline))

@{tables}
float nl_emulated_words[@{n_in}];
float nl_emulated_sums[@{n_out}];
static float payload[2][@{widest}];

INLINE float weighted(const float *weight, float bias, const float *x, uint32_t n_in)
{
    float sum = bias;
    uint32_t i;
    for (i = 0u; (i + 8u) <= n_in; i += 8u) { /* eight in a turn, as in the generated code */
        sum += weight[i] * x[i];
        sum += weight[i + 1u] * x[i + 1u];
        sum += weight[i + 2u] * x[i + 2u];
        sum += weight[i + 3u] * x[i + 3u];
        sum += weight[i + 4u] * x[i + 4u];
        sum += weight[i + 5u] * x[i + 5u];
        sum += weight[i + 6u] * x[i + 6u];
        sum += weight[i + 7u] * x[i + 7u];
    }
    for (; i < n_in; ++i) {
        sum += weight[i] * x[i];
    }
    return sum;
}

INLINE void layer(const float *weight, const float *bias, const float *x, float *y, uint32_t n_in, uint32_t n_out)
{
    uint32_t j;
    for (j = 0u; j < n_out; ++j) {
        y[j] = tanhf(weighted(&weight[j * n_in], bias[j], x, n_in));
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
