"use strict";
// What is drawn: intervals, shares, a board's speed beside its quality, labels taken for others, sounds while they play.
const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes, text) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

function interval(cell, greatest) {
  if (cell.low === null || cell.high === null) return make("span", { class: "quiet" }, "-");
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 100 10");
  drawn.setAttribute("preserveAspectRatio", "none");
  drawn.setAttribute("class", "interval");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", `from ${round(cell.low)} to ${round(cell.high)}`);
  const bar = (x, width, y, height) => {
    const one = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x, y, width, height, fill: "currentColor" })) one.setAttribute(name, value);
    drawn.append(one);
  };
  const at = (value) => (100 * value) / greatest;
  bar(at(cell.low), Math.max(0.5, at(cell.high) - at(cell.low)), 4, 2);
  bar(Math.max(0, at(cell.value) - 0.7), 1.4, 1, 8);
  return drawn;
}

function histogram(about) {
  if (!about) return null;
  const bins = [["no error", (r) => r === 0], ["up to 10 %", (r) => r > 0 && r <= 10], ["10 to 25 %", (r) => r > 10 && r <= 25],
    ["25 to 50 %", (r) => r > 25 && r <= 50], ["50 to 100 %", (r) => r > 50 && r <= 100], ["above 100 %", (r) => r > 100]];
  const rates = about.index.filter(([, , units]) => units > 0).map(([, errors, units]) => (100 * errors) / units);
  if (!rates.length) return null;
  return table(["errors of a sample", counted("samples"), "share"], bins.map(([title, fits]) => {
    const n = rates.filter(fits).length;
    return make("tr", {}, make("td", {}, title), make("td", { class: "number" }, String(n)),
      make("td", {}, make("progress", { max: "100", value: String((100 * n) / rates.length), "aria-label": `${title}: ${round((100 * n) / rates.length, 1)} %` })));
  }));
}

// What a mean hides: how many samples are far off, and how much of all errors they make.
function tails(cell) {
  const named = (cell.tails || []).filter((one) => one.value !== null);
  return named.length ? make("p", { class: "text quiet" }, named.map((one) => `${one.name} ${round(one.value)}${one.unit ? ` ${one.unit}` : ""}`).join("; ")) : null;
}

// Quality against speed: those that no other beats in both are joined. What may be compared was decided where it was computed.
function speed(found) {
  const [width, height, edge] = [640, 220, 36];
  const scaled = (value, all, from, to) => {
    const [least, most] = [Math.min(...all), Math.max(...all)];
    return most > least ? from + ((to - from) * (value - least)) / (most - least) : (from + to) / 2;
  };
  const logs = found.points.map((one) => Math.log10(one.rtfx));
  const values = found.points.map((one) => one.value);
  const x = (one) => scaled(Math.log10(one.rtfx), logs, edge, width - 170);
  const y = (one) => scaled(one.value, values, height - edge, edge / 2);
  const best = found.points.filter((one) => one.best);
  const told = `Of ${found.points.length} models, none is both better and faster than ${best.map((one) => one.name).join(", ")}.`;
  const drawn = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "speeds", role: "img", "aria-label": `${found.title} against RTFx. ${told}` });
  drawn.append(shape("path", { d: `M${edge} 8V${height - edge / 1.5}H${width - 8}`, class: "axis" }));
  drawn.append(shape("text", { x: width - 8, y: height - 6, "text-anchor": "end" }, "RTFx, logarithmic: faster to the right"));
  drawn.append(shape("text", { x: 4, y: 12 }, found.axis));
  if (best.length > 1) drawn.append(shape("path", { d: best.map((one, n) => `${n ? "L" : "M"}${x(one)} ${y(one)}`).join(""), class: "front" }));
  for (const one of found.points) {
    drawn.append(shape("circle", { cx: x(one), cy: y(one), r: one.best ? 5 : 3.5, class: one.best ? "best" : "other" }));
    drawn.append(shape("text", { x: x(one) + 8, y: y(one) + 4 }, `${one.name}: ${round(one.value)}, ${round(one.rtfx, 1)}`));
  }
  return make("figure", {}, make("figcaption", {}, [`${found.title} against speed. ${told}`, ...found.notes].join(" ")), drawn);
}

// Which label was answered for which: rows are what was right.
function labels(found) {
  if (!found || found.names.length < 2) return null;
  const most = Math.max(1, ...found.counts.flat());
  const named = (name) => name || "none";
  const body = found.counts.map((counts, at) => make("tr", {}, make("th", { scope: "row" }, named(found.names[at])),
    ...counts.map((n, other) => make("td", { class: `number share-${Math.ceil((9 * n) / most)}${at === other ? " right" : ""}` }, n ? String(n) : "·"))));
  return make("div", {}, make("h3", {}, "What was answered (columns) where this was right (rows)"),
    table(["", ...found.names.map((name) => counted(named(name)))], body));
}

// Where the errors are: long clips, one language, one speaker.
function groups(found) {
  if (!found || !found.length) return null;
  const body = found.map((one) => make("tr", {}, make("td", {}, `${one.key} ${one.name}`), make("td", { class: "number" }, String(one.samples)),
    make("td", { class: "number" }, `${round((100 * one.errors) / one.units)} %`),
    make("td", {}, make("progress", { max: "100", value: String(Math.min(100, (100 * one.errors) / one.units)),
      "aria-label": `${one.key} ${one.name}: ${round((100 * one.errors) / one.units)} % wrong` }))));
  return make("div", {}, make("h3", {}, "Where the errors are"), table(["by", counted("samples"), counted("wrong"), "share"], body));
}

function player(source, look, which) {
  const audio = make("audio", { controls: "", preload: "none", src: source, "aria-label": `sound ${which}`.trim() });
  return make("div", {}, which ? make("p", { class: "quiet" }, which) : null, audio, look ? picture(look, audio, which) : null);
}

// The waveform above, the spectrogram below it, up to 8 kHz; where it is clicked, the sound goes on from there.
function picture(look, audio, which) {
  const { columns, lines } = look;
  const [peaks, levels] = [look.peaks, look.levels].map((text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)));
  const canvas = make("canvas", { width: String(columns), height: String(2 * lines), role: "img",
    "aria-label": `waveform and spectrogram ${which}`.trim() });
  const pen = canvas.getContext("2d");
  const drawn = pen.createImageData(columns, 2 * lines);
  const dot = (x, y, alpha) => drawn.data.set([60, 130, 210, alpha], 4 * (y * columns + x));
  for (let x = 0; x < columns; x += 1) {
    const half = Math.max(1, Math.round(((lines / 2) * peaks[x]) / 255));
    for (let y = lines / 2 - half; y < lines / 2 + half; y += 1) dot(x, y, 255);
    for (let line = 0; line < lines; line += 1) dot(x, lines + line, levels[line * columns + x]);
  }
  pen.putImageData(drawn, 0, 0);
  canvas.addEventListener("click", (event) => {
    const go = () => { audio.currentTime = (audio.duration * event.offsetX) / canvas.clientWidth; };
    if (audio.readyState >= 1) go(); else audio.addEventListener("loadedmetadata", go, { once: true });
    audio.play();
  });
  return canvas;
}
