/* Payload of a drive, before it is clipped: @{users}. */
static inline @{result} @{prefix}_phi@{k}(int32_t z)
{
@{body}
}
