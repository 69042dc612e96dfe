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

// Quality against speed, for each data set that several models answered: those that no other beats in both are joined.
function speeds(cells) {
  const sets = new Map();
  for (const cell of cells) {
    if (!(cell.rtfx > 0) || cell.value === null) continue;
    const key = `${cell.dataset}, ${cell.metric}${cell.unit ? ` in ${cell.unit}` : ""}`;
    sets.set(key, [...(sets.get(key) || []), cell]);
  }
  return [...sets].filter(([, of]) => of.length > 1).map(([title, of]) => speed(title, of));
}

function front(cells) {
  const better = (a, b) => (b.higher_is_better ? a.value >= b.value : a.value <= b.value) && a.rtfx >= b.rtfx
    && (a.value !== b.value || a.rtfx !== b.rtfx);
  return cells.filter((one) => !cells.some((other) => better(other, one))).sort((a, b) => a.rtfx - b.rtfx);
}

function speed(title, cells) {
  const [width, height, edge] = [640, 220, 36];
  const logs = cells.map((cell) => Math.log10(cell.rtfx));
  const values = cells.map((cell) => cell.value);
  const scaled = (value, all, from, to) => {
    const [least, most] = [Math.min(...all), Math.max(...all)];
    return most > least ? from + ((to - from) * (value - least)) / (most - least) : (from + to) / 2;
  };
  const x = (cell) => scaled(Math.log10(cell.rtfx), logs, edge, width - 170);
  const y = (cell) => scaled(cell.value, values, height - edge, edge / 2);
  const best = front(cells);
  const told = `Of ${cells.length} models, ${best.map((cell) => row(cell)).join(", ")}: none is both better and faster`;
  const drawn = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "speeds", role: "img", "aria-label": `${title} against RTFx. ${told}` });
  drawn.append(shape("path", { d: `M${edge} 8V${height - edge / 1.5}H${width - 8}`, class: "axis" }));
  drawn.append(shape("text", { x: width - 8, y: height - 6, "text-anchor": "end" }, "RTFx, logarithmic: faster to the right"));
  drawn.append(shape("text", { x: 4, y: 12 }, cells[0].metric));
  if (best.length > 1) drawn.append(shape("path", { d: best.map((cell, n) => `${n ? "L" : "M"}${x(cell)} ${y(cell)}`).join(""), class: "front" }));
  for (const cell of cells) {
    drawn.append(shape("circle", { cx: x(cell), cy: y(cell), r: best.includes(cell) ? 5 : 3.5, class: best.includes(cell) ? "best" : "other" }));
    drawn.append(shape("text", { x: x(cell) + 8, y: y(cell) + 4 }, `${row(cell)}: ${round(cell.value)}, ${round(cell.rtfx, 1)}`));
  }
  return make("figure", {}, make("figcaption", {}, `${title} against speed. ${told}.`), drawn);
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

function player(source, which) {
  const canvas = make("canvas", { width: "800", height: "128", role: "img", hidden: "", "aria-label": `waveform and spectrogram ${which}`.trim() });
  const audio = make("audio", { controls: "", preload: "none", src: source, "aria-label": `sound ${which}`.trim() });
  audio.addEventListener("play", () => draw(audio, canvas), { once: true });
  return make("div", {}, which ? make("p", { class: "quiet" }, which) : null, audio, canvas);
}

function draw(audio, canvas) {
  // From disk a script may not read the file's bytes: what is drawn is what is heard, while it is played.
  const pen = canvas.getContext("2d");
  const colour = getComputedStyle(document.body).color;
  let context;
  try { context = new AudioContext(); } catch { return; }
  const tap = context.createAnalyser();
  const stream = audio.captureStream ? audio.captureStream() : null;
  if (!stream) return;
  const connect = () => { if (stream.getAudioTracks().length) context.createMediaStreamSource(stream).connect(tap); };
  stream.addEventListener("addtrack", connect, { once: true });
  connect();
  const heights = new Uint8Array(tap.fftSize);
  const levels = new Uint8Array(tap.frequencyBinCount);
  // Up to 8 kHz: above it there is little of speech.
  const bins = Math.min(levels.length, Math.round((8000 / (context.sampleRate / 2)) * levels.length));
  let last = 0;
  canvas.hidden = false;  // an empty box would look as if something were missing
  const frame = () => {
    if (audio.ended) return;
    tap.getByteTimeDomainData(heights);
    const x = Math.floor((canvas.width * audio.currentTime) / (audio.duration || 1));
    const peak = Math.max(...heights) - 128;
    const wide = x > last && x - last < 20 ? x - last : 1;  // a column for each picture, with no gaps between them
    pen.fillStyle = colour;
    pen.fillRect(x, 32 - peak / 4, 1, Math.max(1, peak / 2));
    tap.getByteFrequencyData(levels);
    for (let line = 0; line < 64; line += 1) {
      pen.globalAlpha = levels[Math.floor((line * bins) / 64)] / 255;
      pen.fillRect(x - wide + 1, 127 - line, wide, 1);
    }
    pen.globalAlpha = 1;
    last = x;
    if (!audio.paused) requestAnimationFrame(frame);
  };
  audio.addEventListener("play", frame);
  frame();
}
