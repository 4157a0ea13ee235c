/* Run @{file} on many samples: words from a file, sums, counts, traces and states into a file. Made and removed by `run_c99`. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void see(uint32_t node, uint32_t neuron, int32_t membrane, int32_t fired, int32_t payload);

#define NPL_COUNT
#define @{macro}_PROBE(node, neuron, membrane, fired, payload) see((node), (neuron), (membrane), (fired), (payload))
#include "@{file}"

#define N_NODES @{n_nodes}u
#define N_VALUES @{n_values}u /* neurons of all nodes, outputs included */
#define N_STATE @{n_state}u   /* numbers of a state in a file */
#define IS_MEAN @{is_mean}
#define IS_EVERY @{is_every}

typedef struct {
    int32_t membrane;
    int32_t fired;
    int32_t payload;
} value_t;

static const uint32_t first_value[N_NODES] = { @{first_values} };
static int32_t last_membrane[N_VALUES];
static int64_t *fired_counts;
static int64_t *event_counts;
static value_t *trace; /* of the sample that is running, or null */
static size_t t;       /* step that is running */
#if @{macro}_HOLDS
static int is_muted; /* whether a run is not recorded, because another one is */
#endif

static void see(uint32_t node, uint32_t neuron, int32_t membrane, int32_t fired, int32_t payload)
{
    const size_t k = first_value[node] + neuron;
#if @{macro}_HOLDS
    if (is_muted != 0) {
        return;
    }
#endif
    fired_counts[(t * N_VALUES) + k] += fired;
    event_counts[(t * N_VALUES) + k] += (payload != 0) ? 1 : 0;
    last_membrane[k] = membrane;
    if (trace != NULL) {
        value_t *value = &trace[(t * N_VALUES) + k];
        value->membrane = membrane;
        value->fired = fired;
        value->payload = payload;
    }
    if (k == (N_VALUES - 1u)) { /* the read-out ends a step */
        ++t;
    }
}

static void load_state(@{prefix}_state_t *s, const int32_t *from)
{
    size_t k = 0u;
    size_t i = 0u;
@{load}
    (void)i;
    (void)s;
    (void)from;
    (void)k;
}

static void store_state(const @{prefix}_state_t *s, int32_t *to)
{
    size_t k = 0u;
    size_t i = 0u;
@{store}
    (void)i;
    (void)s;
    (void)to;
    (void)k;
}

static void *room(size_t n, size_t size)
{
    void *memory = calloc((n > 0u) ? n : 1u, size);
    if (memory == NULL) {
        (void)fprintf(stderr, "no memory for %lu values\n", (unsigned long)n);
        exit(3);
    }
    return memory;
}

static void read_all(void *to, size_t size, size_t n, FILE *file)
{
    if (fread(to, size, n, file) != n) {
        (void)fprintf(stderr, "the input file is too short\n");
        exit(3);
    }
}

static void write_all(const void *from, size_t size, size_t n, FILE *file)
{
    if (fwrite(from, size, n, file) != n) {
        (void)fprintf(stderr, "the output file cannot be written\n");
        exit(3);
    }
}

/* Continue a sample by single steps, as `run` does from its beginning. */
static int32_t continue_run(@{prefix}_state_t *s, const @{prefix}_input_t *x, size_t stride, size_t n_steps, int64_t *sums)
{
    size_t step;
    size_t k;
    for (step = 0u; step < n_steps; ++step) {
        int32_t y[@{macro}_N_OUT];
        const int32_t status = @{prefix}_step(s, &x[step * stride], y);
        if (status != @{macro}_SUCCESS) {
            return status;
        }
        for (k = 0u; k < @{macro}_N_OUT; ++k) {
            int64_t *sum = &sums[(IS_EVERY ? (step * @{macro}_N_OUT) : 0u) + k];
            *sum = (IS_MEAN ? *sum : 0) + y[k];
        }
    }
    return @{macro}_SUCCESS;
}

#if @{macro}_HOLDS
/* Compute a sample with what is held, which is renewed where a held input has changed: sums that differ are an error. */
static int32_t check_held(const @{prefix}_input_t *x, const @{prefix}_sum_t *sums, int is_new)
{
    static @{prefix}_state_t held;
    @{prefix}_sum_t again[@{macro}_N_OUT];
    int32_t status = @{macro}_SUCCESS;
    size_t k;
    is_muted = 1;
    if (is_new != 0) {
        (void)@{prefix}_init(&held);
        status = @{prefix}_hold(&held, x);
    }
    if (status == @{macro}_SUCCESS) {
        status = @{prefix}_run_held(&held, x, again);
    }
    is_muted = 0;
    for (k = 0u; (status == @{macro}_SUCCESS) && (k < @{macro}_N_OUT); ++k) {
        status = (again[k] == sums[k]) ? status : -9;
    }
    return status;
}
#endif

int main(int argc, char **argv)
{
    enum { SAMPLES, STEPS, ROWS, PROBED, CONTINUES, N_SIZES };
    int64_t sizes[N_SIZES];
    int64_t saturated[N_NODES][3] = { { 0 } };
    @{prefix}_state_t state;
    FILE *in = (argc == 3) ? fopen(argv[1], "rb") : NULL;
    FILE *out = (argc == 3) ? fopen(argv[2], "wb") : NULL;
    size_t i;
    size_t k;
    if ((in == NULL) || (out == NULL)) {
        (void)fprintf(stderr, "usage: %s INPUT OUTPUT\n", argv[0]);
        return 3;
    }
    read_all(sizes, sizeof sizes[0], N_SIZES, in);
    {
        const size_t n = (size_t)sizes[SAMPLES];
        const size_t n_steps = (size_t)sizes[STEPS];
        const size_t n_x = (size_t)sizes[ROWS] * @{macro}_N_IN;
        const size_t n_sums = (IS_EVERY ? n_steps : 1u) * @{macro}_N_OUT;
        const size_t n_probed = (size_t)sizes[PROBED];
        const int continues = sizes[CONTINUES] != 0;
        int32_t *words = room(n * n_x, sizeof *words);
        int32_t *states = room(continues ? (n * N_STATE) : 0u, sizeof *states);
        int32_t *after = room(continues ? (n * (N_VALUES + N_STATE)) : 0u, sizeof *after);
        int64_t *sums = room(n * n_sums, sizeof *sums);
        value_t *traces = room(n_probed * n_steps * N_VALUES, sizeof *traces);
        @{prefix}_input_t *x = room(n_x, sizeof *x);
        @{prefix}_sum_t *short_sums = room(n_sums, sizeof *short_sums);
        fired_counts = room(n_steps * N_VALUES, sizeof *fired_counts);
        event_counts = room(n_steps * N_VALUES, sizeof *event_counts);
        read_all(words, sizeof *words, n * n_x, in);
        read_all(states, sizeof *states, continues ? (n * N_STATE) : 0u, in);
        for (i = 0u; i < n; ++i) {
            int32_t status = @{prefix}_init(&state);
            for (k = 0u; k < n_x; ++k) {
                x[k] = (@{prefix}_input_t)words[(i * n_x) + k];
            }
            t = 0u;
            trace = (i < n_probed) ? &traces[i * n_steps * N_VALUES] : NULL;
            if ((status == @{macro}_SUCCESS) && continues) {
                load_state(&state, &states[i * N_STATE]);
                status = continue_run(&state, x, (sizes[ROWS] > 1) ? @{macro}_N_IN : 0u, n_steps, &sums[i * n_sums]);
                for (k = 0u; k < N_VALUES; ++k) {
                    after[(i * (N_VALUES + N_STATE)) + k] = last_membrane[k];
                }
                store_state(&state, &after[(i * (N_VALUES + N_STATE)) + N_VALUES]);
            } else if (status == @{macro}_SUCCESS) {
                status = @{run_call};
@{check_held}                for (k = 0u; k < n_sums; ++k) {
                    sums[(i * n_sums) + k] = short_sums[k];
                }
            }
            if (status != @{macro}_SUCCESS) {
                (void)fprintf(stderr, "sample %lu returned the error %d\n", (unsigned long)i, (int)status);
                return 4;
            }
            for (k = 0u; k < N_NODES; ++k) {
                saturated[k][0] += state.counts.saturated_drive[k];
                saturated[k][1] += state.counts.saturated_membrane[k];
                saturated[k][2] += state.counts.saturated_payload[k];
            }
        }
        write_all(sums, sizeof *sums, n * n_sums, out);
        write_all(fired_counts, sizeof *fired_counts, n_steps * N_VALUES, out);
        write_all(event_counts, sizeof *event_counts, n_steps * N_VALUES, out);
        write_all(saturated, sizeof saturated[0][0], N_NODES * 3u, out);
        write_all(traces, sizeof *traces, n_probed * n_steps * N_VALUES, out);
        write_all(after, sizeof *after, continues ? (n * (N_VALUES + N_STATE)) : 0u, out);
        free(words);
        free(states);
        free(after);
        free(sums);
        free(traces);
        free(x);
        free(short_sums);
        free(fired_counts);
        free(event_counts);
    }
    return ((fclose(out) == 0) && (fclose(in) == 0)) ? 0 : 3;
}
