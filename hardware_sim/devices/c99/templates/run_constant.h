/* Compute a whole sample: reset, @{macro}_N_STEPS steps with the same inputs, read-out.
 *
 * s     state, of which nothing is continued
 * x     @{macro}_N_IN inputs
 * sums  @{macro}_N_OUT results: @{readout_words}
 *
 * Returns @{macro}_SUCCESS, or an error, after which sums are as before. */
static inline int32_t @{prefix}_run(@{prefix}_state_t *s, const @{prefix}_input_t *x, @{prefix}_sum_t *sums)
{
    int32_t y[@{macro}_N_OUT];
@{loop_variables}
    if ((s == (void *)0) || (x == (void *)0) || (sums == (void *)0)) {
        return @{macro}_ARG_ERROR;
    }
    if (@{prefix}_accepts(x) == 0) {
        return @{macro}_INPUT_ERROR;
    }
    (void)@{prefix}_reset(s);
@{loop}
    return @{macro}_SUCCESS;
}

