/* Shift to the right, rounded down. C99 leaves the shift of a negative number to the compiler: where it is arithmetic, as on all
 * common ones, the condition is a constant and one instruction remains; elsewhere ~v is shifted, which is not negative. */
static inline int32_t @{prefix}_shift32(int32_t v, uint32_t n)
{
    return (((-1) >> 1) == -1) ? (v >> n) : ((v < 0) ? ~(~v >> n) : (v >> n));
}

static inline int64_t @{prefix}_shift64(int64_t v, uint32_t n)
{
    return (((-1) >> 1) == -1) ? (v >> n) : ((v < 0) ? ~(~v >> n) : (v >> n));
}

/* Leak of a membrane, sign(m) * floor(|m| * beta / 2**12), in 32 bits: the product is taken in two parts. */
static inline int32_t @{prefix}_leak(int32_t m, uint32_t beta)
{
    const uint32_t q = (uint32_t)((m < 0) ? -m : m);
    const uint32_t kept = ((q >> 12) * beta) + (((q & 4095u) * beta) >> 12);
    return (m < 0) ? -(int32_t)kept : (int32_t)kept;
}
