/* A network as the emulator calls it: nl_emulated_point computes one step of a sequence from words that the host has written. */
#include <stdint.h>

@{record}
#include "@{header}"

@{prefix}_state_t nl_emulated_state;
@{prefix}_input_t nl_emulated_words[@{macro}_N_IN];
int32_t nl_emulated_sums[@{macro}_N_OUT];
int32_t nl_emulated_status;

void nl_emulated_reset(void)
{
    nl_emulated_status = @{prefix}_init(&nl_emulated_state);
}

void nl_emulated_point(void)
{
    nl_emulated_status = @{prefix}_step(&nl_emulated_state, nl_emulated_words, nl_emulated_sums);
}
