/* Measure how long @{file} takes for a sample on this machine, without counters. Made and removed by `measure_c99`. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "@{file}"

#define N_ROUNDS @{n_rounds}
#define MIN_SECONDS @{min_seconds}

int main(int argc, char **argv)
{
    static @{prefix}_state_t state;
    const size_t n = (argc == 4) ? (size_t)strtoul(argv[2], NULL, 10) : 0u;
    const size_t n_steps = (argc == 4) ? (size_t)strtoul(argv[3], NULL, 10) : 0u;
    const size_t n_x = @{n_rows} * @{macro}_N_IN;
    @{prefix}_input_t *words = malloc((n > 0u) ? (n * n_x * sizeof *words) : 1u);
    @{prefix}_sum_t *sums = malloc((n_steps + 1u) * @{macro}_N_OUT * sizeof *sums);
    FILE *in = (argc == 4) ? fopen(argv[1], "rb") : NULL;
    int round;
    if ((in == NULL) || (words == NULL) || (sums == NULL) || (fread(words, n_x * sizeof *words, n, in) != n)) {
        return 3;
    }
    (void)@{prefix}_init(&state);
    for (round = 0; round < N_ROUNDS; ++round) {
        const clock_t start = clock();
        double n_run = 0.0;
        double seconds;
        do {
            size_t i;
            for (i = 0u; i < n; ++i) {
                if (@{run_call} != @{macro}_SUCCESS) {
                    return 4;
                }
            }
            n_run += (double)n;
            seconds = (double)(clock() - start) / (double)CLOCKS_PER_SEC;
        } while (seconds < MIN_SECONDS);
        (void)printf("%.12e\n", seconds / n_run);
    }
    free(words);
    free(sums);
    return (fclose(in) == 0) ? 0 : 3;
}
