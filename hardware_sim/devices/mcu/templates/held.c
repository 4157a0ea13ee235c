/* A network as the emulator calls it: nl_emulated_reset computes what is held, nl_emulated_point a sample with it. */
#include "@{header}"

@{prefix}_state_t nl_emulated_state;
@{prefix}_input_t nl_emulated_words[@{macro}_N_IN];
@{prefix}_sum_t nl_emulated_sums[@{macro}_N_OUT];
int32_t nl_emulated_status;

void nl_emulated_reset(void)
{
    nl_emulated_status = @{prefix}_hold(&nl_emulated_state, nl_emulated_words);
}

void nl_emulated_point(void)
{
    nl_emulated_status = @{prefix}_run_held(&nl_emulated_state, nl_emulated_words, nl_emulated_sums);
}
