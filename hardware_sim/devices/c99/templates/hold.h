/* Compute what depends on @{held_inputs} alone, once for any number of points: its payloads stay in the state.
 *
 * s  state, of which nothing else is continued
 * x  @{macro}_N_IN inputs, of which only @{held_inputs} is read
 *
 * Returns @{macro}_SUCCESS, or an error, after which nothing is held. */
static inline int32_t @{prefix}_hold(@{prefix}_state_t *s, const @{prefix}_input_t *x)
{
    int32_t is_inside = 1;
    uint32_t i;
    if ((s == (void *)0) || (x == (void *)0)) {
        return @{macro}_ARG_ERROR;
    }
    s->is_held = 0u;
@{accept_held}
    if (is_inside == 0) {
        return @{macro}_INPUT_ERROR;
    }
    (void)@{prefix}_reset(s);
@{held_calls}
    s->is_held = 1u;
    return @{macro}_SUCCESS;
}

/* Compute a whole sample with what is held: the rest of the network.
 *
 * s     state, behind @{prefix}_hold; @{prefix}_run and @{prefix}_step end what it holds
 * x     @{macro}_N_IN inputs, of which @{point_inputs} are read
 * sums  @{macro}_N_OUT results
 *
 * Returns @{macro}_SUCCESS, or an error, after which sums are as before; @{macro}_ARG_ERROR, too, where nothing is held. */
static inline int32_t @{prefix}_run_held(@{prefix}_state_t *s, const @{prefix}_input_t *x, @{prefix}_sum_t *sums)
{
    int32_t y[@{macro}_N_OUT];
    int32_t is_inside = 1;
    uint32_t i;
    if ((s == (void *)0) || (x == (void *)0) || (sums == (void *)0)) {
        return @{macro}_ARG_ERROR;
    }
    if (s->is_held == 0u) {
        return @{macro}_ARG_ERROR;
    }
@{accept_point}
    if (is_inside == 0) {
        return @{macro}_INPUT_ERROR;
    }
    (void)@{prefix}_reset(s);
@{point_calls}
    for (i = 0u; i < @{macro}_N_OUT; ++i) {
        sums[i] = @{cast}y[i];
    }
    return @{macro}_SUCCESS;
}

