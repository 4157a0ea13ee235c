live.start("activity", (place, data) => {
  const nodes = data.nodes.map((node) =>
    Object.fromEntries(
      Object.entries(node).map(([key, held]) => [key, held && held.f4 !== undefined ? live.array(held) : held]),
    ),
  );
  const state = { node: 0, sample: 0, quantity: "payload" };
  const nSteps = data.operations.length;
  const steps = data.operations.map((_, step) => step + 1);
  const recorded = data.labels.length > 0;
  const [neurons, values, course] = ["neurons", "values", "course"].map(() => live.element("div", { className: "plot" }));
  const controls = live.element("div", { className: "controls" });
  place.append(
    controls,
    live.element("div", { className: "panels" }, neurons, ...(recorded ? [values] : []), ...(nSteps > 1 ? [course] : [])),
  );

  const activity = (node) => {
    const [rows, width] = node.events.shape;
    return Array.from({ length: width }, (_, neuron) => {
      let sum = 0;
      for (let step = 0; step < rows; step += 1) sum += node.events.values[step * width + neuron];
      return sum / rows;
    });
  };
  const drawNeurons = () => {
    const found = activity(nodes[state.node]);
    const order = found.map((_, neuron) => neuron).sort((a, b) => found[b] - found[a]);
    live.draw(
      neurons,
      [
        {
          type: "bar",
          x: order.map((_, rank) => rank + 1),
          y: order.map((neuron) => found[neuron]),
          text: order.map((neuron) => `neuron ${neuron}`),
          textposition: "none",
          marker: { color: live.series[0] },
          hovertemplate: "%{text}: %{y:.3f} events per step<extra></extra>",
        },
      ],
      {
        title: { text: `${nodes[state.node].name}: activity of its neurons`, font: { size: 13 } },
        height: 300,
        bargap: 0.1,
        xaxis: { title: { text: "neurons, most active first" } },
        yaxis: { title: { text: "events per step" }, range: [0, 1.02] },
      },
    );
  };
  const drawValues = () => {
    const node = nodes[state.node];
    const held = node[state.quantity];
    const [, rows, width] = held.shape;
    const at = (step, neuron) => held.values[(state.sample * rows + step) * width + neuron];
    const numbers = Array.from({ length: width }, (_, neuron) => neuron);
    const title = { text: `${node.name}: ${state.quantity}, ${data.labels[state.sample]}`, font: { size: 13 } };
    const unit = `${state.quantity}, in units of its word`;
    if (rows === 1) {
      live.draw(
        values,
        [
          {
            type: "bar",
            x: numbers,
            y: numbers.map((neuron) => at(0, neuron)),
            marker: { color: live.series[2] },
            hovertemplate: "neuron %{x}: %{y}<extra></extra>",
          },
        ],
        { title, height: 300, xaxis: { title: { text: "neuron" } }, yaxis: { title: { text: unit } } },
      );
      return;
    }
    const z = numbers.map((neuron) => steps.map((_, step) => at(step, neuron)));
    const peak = Math.max(...z.flat().map(Math.abs)) || 1;
    live.draw(
      values,
      [
        {
          type: "heatmap",
          x: steps,
          y: numbers,
          z,
          zmin: -peak,
          zmax: peak,
          colorscale: live.diverging,
          colorbar: { thickness: 12, outlinewidth: 0 },
          hovertemplate: "step %{x}, neuron %{y}: %{z}<extra></extra>",
        },
      ],
      { title, height: 300, xaxis: { title: { text: "step" } }, yaxis: { title: { text: "neuron" } } },
    );
  };
  const drawCourse = () => {
    const traces = [
      { type: "bar", name: "synaptic operations", x: steps, y: data.operations, marker: { color: live.series[0] } },
    ];
    if (data.joules)
      traces.push({
        type: "scatter",
        mode: "lines+markers",
        name: `energy by ${data.model}, nJ`,
        x: steps,
        y: data.joules.map((joules) => 1e9 * joules),
        yaxis: "y2",
        line: { color: live.series[1] },
      });
    live.draw(course, traces, {
      title: { text: "operations and energy of each step, per sample", font: { size: 13 }, y: 0.98, yanchor: "top" },
      height: 300,
      margin: { l: 10, r: 10, t: 56, b: 10 },
      hovermode: "x unified",
      xaxis: { title: { text: "step" }, dtick: Math.ceil(nSteps / 16) },
      yaxis: { title: { text: "operations" } },
      yaxis2: {
        overlaying: "y",
        side: "right",
        rangemode: "tozero",
        color: live.series[1],
        title: { text: "nJ" },
        showgrid: false,
        automargin: true,
      },
    });
  };
  const redraw = () => {
    drawNeurons();
    if (recorded) drawValues();
    if (nSteps > 1) drawCourse();
  };
  controls.append(
    live.radios(
      "layer",
      nodes.map((node) => node.name),
      {},
      nodes[0].name,
      (name) => {
        state.node = nodes.findIndex((node) => node.name === name);
        redraw();
      },
    ),
  );
  if (recorded) {
    controls.append(
      live.radios("sample", data.labels, {}, data.labels[0], (name) => {
        state.sample = data.labels.indexOf(name);
        redraw();
      }),
      live.radios("value", ["payload", "membrane"], {}, state.quantity, (name) => {
        state.quantity = name;
        redraw();
      }),
    );
  }
  redraw();
  return redraw;
});
