/* @{node}: @{n} products. */
NPL_NODE void @{prefix}_node_@{node}(@{prefix}_state_t *s, const @{prefix}_input_t *x)
{
    @{left}
    @{right}
    uint32_t j;
    (void)x;
    for (j = 0u; j < @{n}u; ++j) {
        @{value}
@{clip}
        @{payload}[j] = @{cast}a;
        @{macro}_COUNT(operations, @{node_macro}, ((left[j] != 0) && (right[j] != 0)) ? 1 : 0);
        @{macro}_COUNT(events, @{node_macro}, (a != 0) ? 1 : 0);
        @{macro}_PROBE(@{node_macro}, j, 0, ((left[j] != 0) && (right[j] != 0)) ? 1 : 0, a);
    }
}
