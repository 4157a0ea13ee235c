/* Convert @{sums_words} to @{u}.
 *
 * sums     @{macro}_N_OUT sums
 * n_steps  number of steps of the sequence, at least 1; a mean is divided by it
 * u        @{macro}_N_OUT results
 *
 * Returns @{macro}_SUCCESS or @{macro}_ARG_ERROR. */
static inline int32_t @{prefix}_decode(const @{prefix}_sum_t *sums, uint32_t n_steps, double *u)
{
    static const double scale[@{macro}_N_OUT] = { @{out_scale} };
    static const double offset[@{macro}_N_OUT] = { @{out_offset} };
    uint32_t k;
    if ((sums == (void *)0) || (n_steps < 1u) || (u == (void *)0)) {
        return @{macro}_ARG_ERROR;
    }
    for (k = 0u; k < @{macro}_N_OUT; ++k) {
        const double mean = ((double)sums[k] * @{unit}) / @{divisor};
        u[k] = (mean * scale[k]) + offset[k];
    }
    return @{macro}_SUCCESS;
}
