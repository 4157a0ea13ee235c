/* Compute one step, without checks: every node in order, then the delay lines. */
static inline void @{prefix}_advance(@{prefix}_state_t *s, const @{prefix}_input_t *x, int32_t *y)
{
@{variables}@{calls}
@{lines}}
