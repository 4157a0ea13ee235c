/* What every neuron did in the last step, written by the network's probe. */
typedef struct {
    int32_t membrane;
    int32_t fired;
    int32_t payload;
} nl_record_t;

nl_record_t nl_emulated_record[@{n_values}];
static const uint32_t nl_first[@{n_nodes}] = {@{firsts}};

#define @{macro}_PROBE(node, neuron, m, s, a) \
    do { \
        nl_record_t *const at = &nl_emulated_record[nl_first[node] + (neuron)]; \
        at->membrane = (m); \
        at->fired = (s); \
        at->payload = (a); \
    } while (0)
