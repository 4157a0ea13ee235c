/* Convert the sums of @{prefix}_run to @{u}.
 *
 * point  @{macro}_N_IN coordinates in physical units
 * sums   @{macro}_N_OUT sums
 * u      @{macro}_N_OUT results
 *
 * Returns @{macro}_SUCCESS or @{macro}_ARG_ERROR. */
static inline int32_t @{prefix}_decode(const double *point, const @{prefix}_sum_t *sums, double *u)
{
    static const double scale[@{macro}_N_OUT] = { @{out_scale} };
    static const double offset[@{macro}_N_OUT] = { @{out_offset} };
    double scaled[@{macro}_N_OUT];
    uint32_t k;
    if ((point == (void *)0) || (sums == (void *)0) || (u == (void *)0)) {
        return @{macro}_ARG_ERROR;
    }
    for (k = 0u; k < @{macro}_N_OUT; ++k) {
        const double mean = ((double)sums[k] * @{unit}) / @{divisor};
        scaled[k] = (mean * scale[k]) + offset[k];
    }
@{statements}
    return @{macro}_SUCCESS;
}

/* Compute u at a point: encode, run, decode. Returns @{macro}_SUCCESS, also where words saturated, or their error. */
static inline int32_t @{prefix}_evaluate(@{prefix}_state_t *s, const double *point, double *u)
{
    @{prefix}_input_t x[@{macro}_N_IN];
    @{prefix}_sum_t sums[@{macro}_N_OUT];
    int32_t status = @{prefix}_encode(point, x);
    if (status >= 0) {
        status = @{prefix}_run(s, x, sums);
    }
    if (status == @{macro}_SUCCESS) {
        status = @{prefix}_decode(point, sums, u);
    }
    return status;
}
