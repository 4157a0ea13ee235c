live.start("fields", (place, data) => {
  const layers = Object.fromEntries(Object.entries(data.layers).map(([name, encoded]) => [name, live.array(encoded)]));
  const { axes } = data;
  const isCurve = axes.length === 1;
  const state = {
    unknown: 0,
    solution: "deployed",
    error: data.errors[0],
    contours: true,
    along: 0,
    across: axes.length - 1,
    at: [],
  };

  /** Axes that are drawn: the first two, or those across which no slider of a solid moves. */
  const drawn = () => (data.isSolid ? [0, 1, 2].filter((axis) => axis !== state.across) : isCurve ? [0] : [0, 1]);
  const value = (name, offset) => {
    const of = (layer) => layers[layer].values[offset];
    if (name === "difference") return of("deployed") - of("float");
    return name === "error" && !layers.error ? of("deployed") - of("reference") : of(name);
  };
  const offsetOf = (at) => at.reduce((sum, index, axis) => sum + index * layers.deployed.strides[axis], state.unknown);
  const pick = (name, at) => {
    const found = value(name, offsetOf(at));
    return Number.isFinite(found) ? found : null;
  };
  const line = (name, axis) => axes[axis].values.map((_, index) => pick(name, state.at.with(axis, index)));
  const plane = (name) => {
    const [first, second] = drawn();
    return axes[second].values.map((_, row) =>
      axes[first].values.map((_, column) => pick(name, state.at.with(first, column).with(second, row))),
    );
  };
  const titled = (name) => `${data.unknowns[state.unknown]}, ${data.titles[name]}`;

  const controls = live.element("div", { className: "controls" });
  const maps = ["solution", "error"].map(() => live.element("div", { className: "plot map" }));
  const cuts = ["solution", "error"].map(() => live.element("div", { className: "plot cut" }));
  const sliders = live.element("div", { className: "controls" });
  const worst = live.element("p", { className: "note" });
  worst.setAttribute("aria-live", "polite");
  const panels = live.element("div", { className: "panels" }, ...(isCurve ? [] : maps), ...cuts);
  place.append(controls, sliders, panels, worst);

  const zoomed = {};
  const drawMap = (node, name, isError) => {
    const [first, second] = drawn();
    const scale = data.scales[state.unknown];
    const z = plane(name);
    const shared = { x: axes[first].values, y: axes[second].values, z };
    const hover = `${axes[first].name} = %{x:.4g}<br>${axes[second].name} = %{y:.4g}<br>${data.unknowns[state.unknown]} = %{z:.5g}<extra>${data.titles[name]}</extra>`;
    const [zmin, zmax] = isError ? [-scale.peak, scale.peak] : [scale.low, scale.high];
    const traces = [
      {
        type: "heatmap",
        ...shared,
        zmin,
        zmax,
        zsmooth: axes[first].values.length < 100 ? "best" : false,
        colorscale: isError ? live.diverging : "Viridis",
        hovertemplate: hover,
        colorbar: { thickness: 12, exponentformat: "power", len: 1, outlinewidth: 0 },
      },
    ];
    if (!isError && state.contours && zmax > zmin) {
      const size = (zmax - zmin) / 10;
      traces.push({
        type: "contour",
        ...shared,
        autocontour: false,
        showscale: false,
        hoverinfo: "skip",
        line: { color: "rgba(0,0,0,0.6)", width: 0.7 },
        contours: { coloring: "none", start: zmin + size, end: zmax - size / 2, size },
      });
    }
    const cut = state.along;
    const other = drawn().find((axis) => axis !== cut);
    const at = axes[other].values[state.at[other]];
    const { 0: low, length, [length - 1]: high } = axes[cut].values;
    const ends = cut === first ? { x0: low, x1: high, y0: at, y1: at } : { y0: low, y1: high, x0: at, x1: at };
    const isPlane = axes[first].isSpace && axes[second].isSpace;
    const layout = {
      title: { text: titled(name), font: { size: 13 } },
      height: 420,
      dragmode: "zoom",
      uirevision: `${first}${second}`,
      xaxis: { title: { text: axes[first].name }, constrain: "domain", range: zoomed.x, showgrid: false, zeroline: false },
      yaxis: {
        title: { text: axes[second].name },
        range: zoomed.y,
        showgrid: false,
        zeroline: false,
        ...(isPlane ? { scaleanchor: "x", constrain: "domain" } : {}),
      },
      shapes: [{ type: "line", line: { color: "#c0507f", width: 1.2, dash: "dot" }, ...ends }],
    };
    live.draw(node, traces, layout);
  };
  const drawCut = (node, names, isError) => {
    const traces = names.map((name, index) => ({
      type: "scatter",
      mode: "lines",
      name,
      x: axes[state.along].values,
      y: line(name, state.along),
      line: { color: live.series[index], width: 1.6, dash: name === "deployed" ? "dash" : "solid" },
    }));
    const held = axes
      .map((axis, index) => (index === state.along ? null : axis.labels[state.at[index]]))
      .filter(Boolean)
      .join(", ");
    const title = `${isError ? "errors" : "solutions"}${held ? ` at ${held}` : ""}`;
    live.draw(node, traces, {
      title: { text: title, font: { size: 13 }, y: 0.98, yanchor: "top" },
      height: 280,
      margin: { l: 10, r: 10, t: 56, b: 10 },
      hovermode: "x unified",
      xaxis: { title: { text: axes[state.along].name } },
      yaxis: { title: { text: data.unknowns[state.unknown] }, exponentformat: "power" },
    });
  };
  const redraw = () => {
    if (!isCurve) {
      drawMap(maps[0], state.solution, false);
      drawMap(maps[1], state.error, true);
    }
    drawCut(cuts[0], data.solutions, false);
    drawCut(cuts[1], data.errors, true);
    const at = data.worst[state.unknown];
    const scale = data.scales[state.unknown];
    worst.textContent =
      `Largest ${data.titles[data.errors[0]]} of ${data.unknowns[state.unknown]}: ${Math.abs(pick(data.errors[0], at)).toPrecision(3)} at ${at.map((index, axis) => axes[axis].labels[index]).join(", ")}.` +
      (scale.isCut ? ` Colours of errors end at ${scale.peak.toPrecision(3)}, which a hundredth of the points exceeds.` : "");
  };
  const zoom = (factor) => {
    for (const [letter, axis] of ["x", "y"].map((name, index) => [name, drawn()[index]])) {
      const { values } = axes[axis];
      const [low, high] = zoomed[letter] || [values[0], values.at(-1)];
      const middle = zoomed[letter] ? (low + high) / 2 : values[state.at[axis]];
      zoomed[letter] = factor && [middle - (factor * (high - low)) / 2, middle + (factor * (high - low)) / 2];
    }
    if (!factor) zoomed.x = zoomed.y = undefined;
    for (const map of maps) map.layout && (map.layout.uirevision = Math.random());
    redraw();
  };

  const buildSliders = () => {
    sliders.replaceChildren();
    if (!drawn().includes(state.along)) state.along = drawn()[0];
    if (!isCurve) {
      sliders.append(
        live.radios(
          "cut along",
          drawn().map((axis) => axes[axis].name),
          {},
          axes[state.along].name,
          (name) => {
            state.along = axes.findIndex((axis) => axis.name === name);
            buildSliders();
            redraw();
          },
        ),
      );
    }
    axes.forEach((axis, index) => {
      if (axis.values.length < 2) return;
      const isCut = drawn().includes(index);
      if (isCut && index === state.along) return;
      const label = live.slider(
        axis.labels,
        state.at[index],
        (to) => {
          state.at[index] = to;
          redraw();
        },
        axis.name,
      );
      sliders.append(live.element("div", {}, isCut ? "cut at " : data.isSolid ? "plane " : "", label));
    });
  };
  const toWorst = () => {
    state.at = [...data.worst[state.unknown]];
    buildSliders();
    redraw();
  };
  if (data.unknowns.length > 1) {
    controls.append(
      live.radios("unknown", data.unknowns, {}, data.unknowns[0], (name) => {
        state.unknown = data.unknowns.indexOf(name);
        toWorst();
      }),
    );
  }
  if (!isCurve) {
    const choice = (key, names) => (name) => {
      state[key] = name;
      redraw();
    };
    controls.append(
      live.radios("solution", data.solutions, {}, state.solution, choice("solution")),
      live.radios(
        "error",
        data.errors,
        { error: "true", estimate: "estimated", difference: "deployed − float" },
        state.error,
        choice("error"),
      ),
    );
    if (data.isSolid) {
      controls.append(
        live.radios(
          "plane across",
          axes.map((axis) => axis.name),
          {},
          axes.at(-1).name,
          (name) => {
            state.across = axes.findIndex((axis) => axis.name === name);
            zoomed.x = zoomed.y = undefined;
            buildSliders();
            redraw();
          },
        ),
      );
    }
    controls.append(
      live.element(
        "fieldset",
        { className: "buttons" },
        live.element("legend", { textContent: "view" }),
        live.button("+", "Zoom in", () => zoom(0.5)),
        live.button("−", "Zoom out", () => zoom(2)),
        live.button("all", "Show the whole domain", () => zoom(0)),
        live.button("worst point", "Cut through the worst point", toWorst),
        live.checkbox("contours", true, (on) => {
          state.contours = on;
          redraw();
        }),
      ),
    );
  }
  toWorst();
  for (const map of isCurve ? [] : maps) {
    map.on("plotly_click", ({ points: [point] }) => {
      drawn().forEach((axis, index) => {
        state.at[axis] = point.pointIndex ? point.pointIndex[1 - index] : state.at[axis];
      });
      buildSliders();
      redraw();
    });
  }
  return redraw;
});
