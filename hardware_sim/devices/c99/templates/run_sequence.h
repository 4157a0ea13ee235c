/* Compute a whole sequence: reset, one step for each row of x, read-out.
 *
 * s        state, of which nothing is continued
 * x        inputs, n_steps rows of @{macro}_N_IN
 * n_steps  number of steps, 1 to @{macro}_MAX_STEPS
 * sums     @{sums_shape}: @{readout_words}
 *
 * Returns @{macro}_SUCCESS, or an error: sums are as before, or those of the steps before the row that was refused. */
static inline int32_t @{prefix}_run(@{prefix}_state_t *s, const @{prefix}_input_t *x, uint32_t n_steps, @{prefix}_sum_t *sums)
{
    int32_t y[@{macro}_N_OUT];
    uint32_t t;
    uint32_t k;
    if ((s == (void *)0) || (x == (void *)0) || (sums == (void *)0) || (n_steps < 1u) || (n_steps > @{macro}_MAX_STEPS)) {
        return @{macro}_ARG_ERROR;
    }
    (void)@{prefix}_reset(s);
@{before}
    for (t = 0u; t < n_steps; ++t) {
        if (@{prefix}_accepts(&x[t * @{macro}_N_IN]) == 0) {
            return @{macro}_INPUT_ERROR;
        }
        @{prefix}_advance(s, &x[t * @{macro}_N_IN], y);
        for (k = 0u; k < @{macro}_N_OUT; ++k) {
            @{collect}
        }
    }
    return @{macro}_SUCCESS;
}

