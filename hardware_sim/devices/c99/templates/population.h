/* @{node}: @{n} neurons. */
NPL_NODE void @{prefix}_node_@{node}(@{prefix}_state_t *s, const @{prefix}_input_t *x)
{
@{before}
    (void)x;
    for (j = 0u; j < @{n}u; ++j) {
@{inside}
        if (@{condition}) {
            @{phi}
@{clip}
@{forget}            @{payload}[j] = @{cast}a;
            @{macro}_COUNT(fired, @{node_macro}, 1);
            @{macro}_COUNT(events, @{node_macro}, (a != 0) ? 1 : 0);
            @{macro}_PROBE(@{node_macro}, j, 0, 1, a);
        } else {
@{remember}            @{payload}[j] = 0;
            @{macro}_PROBE(@{node_macro}, j, m, 0, 0);
        }
    }
}
