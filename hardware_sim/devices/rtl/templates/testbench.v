// Runs the self-test in a simulator and prints PASS or FAIL. Made by neuropinn-lava.
`timescale 1ns / 1ps
module testbench;
    reg clk = 0;
    reg rst = 1;
    reg [31:0] cycles = 0;
    wire done, failed;
    wire [31:0] n_equal;

    selftest test (.clk(clk), .rst(rst), .done(done), .failed(failed), .n_equal(n_equal));

    always #5 clk = ~clk;
    always @(posedge clk) begin
        cycles <= cycles + 1;
        rst <= cycles < 4;
        if (cycles > 8 && done) begin
            if (failed) $$display("FAIL: %0d of %0d words are equal", n_equal, $n_out);
            else $$display("PASS: %0d words in %0d cycles", n_equal, cycles);
            $$finish;
        end
        if (cycles == $max_cycles) begin
            $$display("FAIL: no end after %0d cycles", cycles);
            $$finish;
        end
    end
endmodule
