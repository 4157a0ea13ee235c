"use strict";
const live = {
  /** Data of the page by name, read from its script elements. */
  data(name) {
    const element = document.getElementById(`${name}-data`);
    return element && JSON.parse(element.textContent);
  },
  /** Values and strides of an encoded array. */
  array(encoded) {
    const bytes = Uint8Array.from(atob(encoded.f4), (letter) => letter.charCodeAt(0));
    const strides = encoded.shape.map((_, axis) => encoded.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    return { values: new Float32Array(bytes.buffer), shape: encoded.shape, strides };
  },
  series: ["#3f7fca", "#d9822b", "#3f9a5c", "#c0507f", "#7d66bd", "#1f9b9b", "#a08220", "#8a8a8a"],
  diverging: [
    [0, "#2166ac"],
    [0.25, "#92c5de"],
    [0.5, "#f7f7f7"],
    [0.75, "#f4a582"],
    [1, "#b2182b"],
  ],
  redraws: [],
  /** Layout in the colours of the page. */
  layout(more) {
    const style = getComputedStyle(document.documentElement);
    const [ink, line, card] = ["--ink", "--line", "--card"].map((name) => style.getPropertyValue(name).trim());
    const axis = { color: ink, gridcolor: line, zerolinecolor: line, linecolor: ink, automargin: true, ticks: "outside" };
    const merged = { ...more };
    for (const name of ["xaxis", "yaxis"]) merged[name] = { ...axis, ...more[name] };
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, size: 12 },
      margin: { l: 10, r: 10, t: 34, b: 10 },
      hoverlabel: { bgcolor: card, font: { color: ink } },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      ...merged,
    };
  },
  config: { responsive: true, displayModeBar: false, doubleClick: "reset" },
  draw(node, traces, layout) {
    return Plotly.react(node, traces, live.layout(layout), live.config);
  },
  element(tag, options = {}, ...children) {
    const made = Object.assign(document.createElement(tag), options);
    made.append(...children);
    return made;
  },
  /** A choice among a few names: radio buttons, which arrow keys move. */
  radios(legend, names, titles, chosen, onChange) {
    const group = `choice-${(live.count = (live.count || 0) + 1)}`;
    const set = live.element("fieldset", {}, live.element("legend", { textContent: legend }));
    for (const name of names) {
      const input = live.element("input", { type: "radio", name: group, value: name, checked: name === chosen });
      input.addEventListener("change", () => onChange(name));
      set.append(live.element("label", {}, input, ` ${titles[name] || name}`));
    }
    return set;
  },
  /** A slider with the name of its place. */
  slider(labels, at, onChange, name) {
    const words = live.element("output", { textContent: labels[at] });
    const input = live.element("input", { type: "range", min: 0, max: labels.length - 1, step: 1, value: at });
    input.setAttribute("aria-label", name);
    const show = () => {
      words.textContent = labels[input.value];
      input.setAttribute("aria-valuetext", labels[input.value]);
    };
    input.addEventListener("input", () => {
      show();
      onChange(Number(input.value));
    });
    show();
    return live.element("label", { className: "slider" }, words, input);
  },
  button(text, title, onClick) {
    const made = live.element("button", { type: "button", textContent: text, title });
    made.setAttribute("aria-label", title);
    made.addEventListener("click", onClick);
    return made;
  },
  checkbox(text, checked, onChange) {
    const input = live.element("input", { type: "checkbox", checked });
    input.addEventListener("change", () => onChange(input.checked));
    return live.element("label", {}, input, ` ${text}`);
  },
  /** Show an explorer in front of the pictures that it stands for; a builder that returns no function leaves the pictures. */
  start(name, build) {
    const place = document.getElementById(`${name}-explorer`);
    const data = live.data(name);
    if (!place || !data) return;
    place.hidden = false;
    const redraw = build(place, data);
    place.hidden = !redraw;
    if (!redraw) return;
    live.redraws.push(redraw);
    place.parentElement.classList.add("live");
  },
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => live.redraws.forEach((redraw) => redraw()));
