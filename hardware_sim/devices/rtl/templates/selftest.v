// Sends golden words into the core and compares what leaves with golden words. Made by neuropinn-lava; runs in a simulator and on a
// board. golden_in.hex has the words that enter, with a last flag above each; golden_out.hex those that must leave.
module selftest (
    input wire clk,
    input wire rst,
    output wire done,          // every word has come
    output reg failed,         // one of them differed
    output reg [31:0] n_equal  // how many were equal
);
    reg [$in_bits:0] words [0:$n_in - 1];
    reg [$out_bits - 1:0] expected [0:$n_out - 1];
    initial begin
        $$readmemh("golden_in.hex", words);
        $$readmemh("golden_out.hex", expected);
        failed = 0;
        n_equal = 0;
    end

    reg [31:0] at = 0;
    reg [31:0] seen = 0;
    reg [$in_bits:0] word;
    reg has_word = 0;
    wire accepts, leaves;
    wire [$out_bits - 1:0] found;
    reg [$out_bits - 1:0] got;
    reg [$out_bits - 1:0] wanted;
    reg compares = 0;

    $top core (
        .clk(clk),
        .rst(rst),
        .s_axis_tvalid(has_word),
        .s_axis_tready(accepts),
        .s_axis_tdata(word[$in_bits - 1:0]),
        .s_axis_tlast(word[$in_bits]),
        .m_axis_tvalid(leaves),
        .m_axis_tready(1'b1),
        .m_axis_tdata(found),
        .m_axis_tlast()
    );

    assign done = seen == $n_out && !compares;

    always @(posedge clk) begin
        if (!has_word || accepts) begin
            has_word <= at < $n_in;
            word <= words[at];
            if (at < $n_in) at <= at + 1;
        end
        compares <= leaves && seen < $n_out;
        if (leaves && seen < $n_out) begin
            got <= found;
            wanted <= expected[seen];
            seen <= seen + 1;
        end
        if (compares) begin
            if (got != wanted) failed <= 1;
            else n_equal <= n_equal + 1;
        end
        if (rst) begin
            at <= 0;
            seen <= 0;
            has_word <= 0;
            compares <= 0;
            failed <= 0;
            n_equal <= 0;
        end
    end
endmodule
