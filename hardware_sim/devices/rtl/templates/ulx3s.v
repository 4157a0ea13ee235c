// The self-test on a Radiona ULX3S at 25 MHz: led[0] all words were equal, led[1] a word differed, led[2] the test is over,
// led[7] the clock runs. Made by neuropinn-lava.
module ulx3s (
    input wire clk_25mhz,
    output wire [7:0] led,
    output wire wifi_gpio0
);
    reg [24:0] counter = 0;
    reg [3:0] started = 0;
    wire done, failed;

    always @(posedge clk_25mhz) begin
        counter <= counter + 1;
        started <= {started[2:0], 1'b1};
    end

    selftest test (.clk(clk_25mhz), .rst(!started[3]), .done(done), .failed(failed), .n_equal());

    assign led = {counter[24], 4'b0, done, failed, done && !failed};
    assign wifi_gpio0 = 1'b1;  // keeps the board's ESP32 from starting the FPGA anew
endmodule
