live.start("solid", (place, data) => {
  const canvas = document.createElement("canvas");
  if (!canvas.getContext("webgl2") && !canvas.getContext("webgl")) return null;
  const { n } = data;
  const views = Object.fromEntries(
    Object.entries(data.views).map(([name, view]) => [
      name,
      { corners: live.array(view.corners).values, stress: live.array(view.stress).values },
    ]),
  );
  const state = { shown: "deployed", axis: 1, cut: Math.floor(n / 2), factor: 1 };
  const cell = ([i, j, k]) => (i * n + j) * n + k;
  const stressAt = (at) => {
    const of = (name) => views[name].stress[cell(at)];
    return state.shown === "difference" ? of("deployed") - of("reference") : of(state.shown);
  };
  /** The six sides of what is left behind the cut, as triangles with one value each. */
  const mesh = () => {
    const low = [0, 0, 0].with(state.axis, state.cut);
    const displaced = views[state.shown === "reference" ? "reference" : "deployed"].corners;
    const made = { x: [], y: [], z: [], i: [], j: [], k: [], intensity: [] };
    const corner = (at) => {
      const offset = 3 * ((at[0] * (n + 1) + at[1]) * (n + 1) + at[2]);
      ["x", "y", "z"].forEach((letter, axis) => made[letter].push(at[axis] / n + state.factor * displaced[offset + axis]));
    };
    for (let axis = 0; axis < 3; axis += 1) {
      const [p, q] = [0, 1, 2].filter((other) => other !== axis);
      for (const end of [low[axis], n]) {
        for (let a = low[p]; a < n; a += 1) {
          for (let b = low[q]; b < n; b += 1) {
            const first = made.x.length;
            const at = [0, 0, 0].with(axis, end).with(p, a).with(q, b);
            [
              [0, 0],
              [1, 0],
              [1, 1],
              [0, 1],
            ].forEach(([da, db]) => corner(at.with(p, a + da).with(q, b + db)));
            const value = stressAt(at.with(axis, end === n ? n - 1 : end));
            made.i.push(first, first);
            made.j.push(first + 1, first + 2);
            made.k.push(first + 2, first + 3);
            made.intensity.push(value, value);
          }
        }
      }
    }
    return made;
  };
  const node = live.element("div", { className: "plot solid" });
  const controls = live.element("div", { className: "controls" });
  place.append(controls, node);
  const camera = { eye: { x: -1.3, y: -1.6, z: 0.9 } };
  const redraw = () => {
    const isChange = state.shown === "difference";
    const trace = {
      type: "mesh3d",
      ...mesh(),
      intensitymode: "cell",
      flatshading: true,
      cmin: isChange ? -data.change : 0,
      cmax: isChange ? data.change : data.peak,
      colorscale: isChange ? live.diverging : "Viridis",
      lighting: { ambient: 0.85, diffuse: 0.2, specular: 0 },
      colorbar: { thickness: 12, title: { text: "von Mises", side: "right" }, outlinewidth: 0 },
      hovertemplate: "x = %{x:.3f}<br>y = %{y:.3f}<br>z = %{z:.3f}<extra></extra>",
    };
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
    const axis = { color: ink, gridcolor: ink, showbackground: false };
    live.draw(node, [trace], {
      height: 460,
      uirevision: "solid",
      scene: {
        aspectmode: "data",
        camera,
        xaxis: { title: { text: "x" }, ...axis },
        yaxis: { title: { text: "y" }, ...axis },
        zaxis: { title: { text: "z" }, ...axis },
      },
    });
  };
  const turn = (by, lift) => {
    const now = node.layout.scene.camera.eye;
    const [radius, angle] = [Math.hypot(now.x, now.y), Math.atan2(now.y, now.x) + by];
    Plotly.relayout(node, {
      "scene.camera.eye": { x: radius * Math.cos(angle), y: radius * Math.sin(angle), z: now.z + lift },
    });
  };
  const cuts = Array.from({ length: n }, (_, index) => `cut at ${(index / n).toFixed(2)}`);
  const factors = Array.from({ length: 10 }, (_, index) => `displacements × ${index + 1}`);
  controls.append(
    live.radios(
      "shown",
      ["deployed", "reference", "difference"],
      { reference: "finite elements", difference: "deployed − finite elements" },
      state.shown,
      (name) => {
        state.shown = name;
        redraw();
      },
    ),
    live.radios("cut across", ["x", "y", "z"], {}, "y", (name) => {
      state.axis = ["x", "y", "z"].indexOf(name);
      redraw();
    }),
    live.slider(
      cuts,
      state.cut,
      (to) => {
        state.cut = to;
        redraw();
      },
      "cut",
    ),
    live.slider(
      factors,
      0,
      (to) => {
        state.factor = to + 1;
        redraw();
      },
      "magnification",
    ),
    live.element(
      "fieldset",
      { className: "buttons" },
      live.element("legend", { textContent: "turn" }),
      live.button("←", "Turn left", () => turn(-0.3, 0)),
      live.button("→", "Turn right", () => turn(0.3, 0)),
      live.button("↑", "Look from higher", () => turn(0, 0.3)),
      live.button("↓", "Look from lower", () => turn(0, -0.3)),
    ),
  );
  redraw();
  return redraw;
});
