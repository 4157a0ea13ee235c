/* @{node}: @{n} outputs. */
NPL_NODE void @{prefix}_node_@{node}(@{prefix}_state_t *s, const @{prefix}_input_t *x, int32_t *y)
{
@{before}
    (void)s;
    (void)x;
    for (j = 0u; j < @{n}u; ++j) {
@{inside}
        y[j] = z;
        @{macro}_PROBE(@{node_macro}, j, 0, 0, z);
    }
}
