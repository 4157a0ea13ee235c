/* A dense network in int8 with a table for tanh: every weight is multiplied, for every point. Plain C, no SIMD. */
#include <stdint.h>

@{tables}
int8_t nl_emulated_words[@{n_in}];
int32_t nl_emulated_sums[@{n_out}];
static int8_t payload[2][@{widest}];

static int32_t weighted(const int8_t *weight, int32_t bias, const int8_t *x, uint32_t n_in)
{
    int32_t sum = bias;
    uint32_t i;
    for (i = 0u; i < n_in; ++i) {
        sum += (int32_t)weight[i] * x[i];
    }
    return sum;
}

static void layer(const int8_t *weight, const int32_t *bias, uint32_t shift, const int8_t *x, int8_t *y, uint32_t n_in, uint32_t n_out)
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
