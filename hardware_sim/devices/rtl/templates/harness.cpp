// Feeds a core that Verilator has compiled, and writes down every word and every record. Made by neuropinn-lava.
//
//   harness JOB RESULT
//
// JOB holds int64 numbers: how many words enter, how many leave, how many records each node has, then the words, then their last
// flags. RESULT holds int64 numbers: cycles to the last and to the first word that leaves, the words, then of each node the records
// (flags, membrane, payload).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "V$top.h"
#include "verilated.h"

static const int N_NODES = $n_nodes;
static const uint64_t MAX_IDLE = $max_idle;

double sc_time_stamp() { return 0; }

static std::vector<int64_t> read_numbers(FILE *file, size_t count) {
    std::vector<int64_t> numbers(count);
    if (count && fread(numbers.data(), sizeof(int64_t), count, file) != count) exit(2);
    return numbers;
}

static void write_numbers(FILE *file, const std::vector<int64_t> &numbers) {
    if (fwrite(numbers.data(), sizeof(int64_t), numbers.size(), file) != numbers.size()) exit(2);
}

static int64_t sign_extended(uint64_t word, int bits) {
    return bits == 64 ? (int64_t)word : ((int64_t)(word << (64 - bits))) >> (64 - bits);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *job = fopen(argv[1], "rb");
    if (!job) return 2;
    const std::vector<int64_t> head = read_numbers(job, 2 + N_NODES);
    const size_t n_in = head[0], n_out = head[1];
    const std::vector<int64_t> words = read_numbers(job, n_in), lasts = read_numbers(job, n_in);
    fclose(job);

    VerilatedContext context;
    V$top top{&context};
    std::vector<int64_t> sent, records[N_NODES];
    size_t at = 0, missing = n_out;
    uint64_t cycle = 0, start = 0, first = 0, last = 0, idle = 0;
    for (int k = 0; k < N_NODES; k++) missing += head[2 + k];

    const auto keep = [&](int k, uint64_t flags, uint32_t membrane, uint32_t payload) {
        if ((int64_t)records[k].size() == 3 * head[2 + k]) return;
        records[k].push_back((int64_t)flags);
        records[k].push_back((int32_t)membrane);
        records[k].push_back((int32_t)payload);
        missing--;
        idle = 0;
    };

    top.m_axis_tready = 1;
    top.rst = 1;
    for (int k = 0; k < 4; k++) {
        top.clk = k & 1;
        top.eval();
    }
    top.rst = 0;
    while (missing && idle++ < MAX_IDLE) {
        top.clk = 0;
        top.s_axis_tvalid = at < n_in;
        if (at < n_in) {
            top.s_axis_tdata = (uint64_t)words[at];
            top.s_axis_tlast = lasts[at];
        }
        top.eval();
        const bool accepted = top.s_axis_tvalid && top.s_axis_tready;
        if (top.m_axis_tvalid && sent.size() < n_out) {
            sent.push_back(sign_extended(top.m_axis_tdata, $out_bits));
            if (sent.size() == 1) first = cycle;
            last = cycle;
            missing--;
            idle = 0;
        }
$keep
        top.clk = 1;
        top.eval();
        if (accepted) {
            if (!at) start = cycle;
            at++;
            idle = 0;
        }
        cycle++;
    }
    if (missing) {
        fprintf(stderr, "%zu words left\n", sent.size());
        return 3;
    }
    FILE *result = fopen(argv[2], "wb");
    if (!result) return 2;
    write_numbers(result, {(int64_t)(last - start + 1), (int64_t)(first - start + 1)});
    write_numbers(result, sent);
    for (int k = 0; k < N_NODES; k++) write_numbers(result, records[k]);
    return fclose(result) ? 2 : 0;
}
