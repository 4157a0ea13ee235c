/* A dense network in float32 with tanh of the mathematical library: in hardware on a Cortex-M4F, by software on a Cortex-M0. */
#include <math.h>
#include <stdint.h>

@{tables}
float nl_emulated_words[@{n_in}];
float nl_emulated_sums[@{n_out}];
static float payload[2][@{widest}];

static float weighted(const float *weight, float bias, const float *x, uint32_t n_in)
{
    float sum = bias;
    uint32_t i;
    for (i = 0u; i < n_in; ++i) {
        sum += weight[i] * x[i];
    }
    return sum;
}

static void layer(const float *weight, const float *bias, const float *x, float *y, uint32_t n_in, uint32_t n_out)
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
