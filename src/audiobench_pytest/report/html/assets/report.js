"use strict";
// Data comes in scripts of the folder, since a page from disk may not fetch. All of it is set as text, never as markup.
const pieces = new Map();
const waiting = new Map();
let board = null;
let chosen = 0;
let shown = 0;
const STEP = 40;
const BINNED = ["duration", "snr"];  // their slices are ranges, and a row holds a value

function audiobench(name, content) {
  if (name === "board") { board = content; start(); return; }
  pieces.set(name, content);
  for (const done of waiting.get(name) || []) done(content);
  waiting.delete(name);
}

function make(tag, attributes, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") found.addEventListener("click", value);
    else if (value !== null && value !== undefined) found.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) found.append(child);
  return found;
}

function piece(cell, number) {
  const name = `${cell}-${number}`;
  if (pieces.has(name)) return Promise.resolve(pieces.get(name));
  return new Promise((done) => {
    if (!waiting.has(name)) {
      waiting.set(name, []);
      document.head.append(make("script", { src: `data/${name}.js` }));
    }
    waiting.get(name).push(done);
  });
}

const round = (value, digits = 2) => (value === null || value === undefined ? "-" : value.toFixed(digits));

const row = (cell) => (cell.prompt ? `${cell.model} (${cell.prompt})` : cell.model);

function start() {
  const title = document.getElementById("verdict");
  const [word, told] = board.verdict;
  title.textContent = told;
  title.className = { red: "fail", green: "pass" }[word] || "inconclusive";
  document.getElementById("rests").textContent = [`run ${board.run_dir}`, ...board.notes].join("; ");
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  });
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.dataset.theme = "dark";
  drawGates();
  drawMeasured();
  drawBoard("", 1);
  drawFilters();
  choose(0);
}

function drawGates() {
  const order = ["fail", "inconclusive", "skip", "pass"];
  const rows = [...board.gates].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  // On a narrow page a gate is a block (see the style), which would be no row of a table any more: the roles say it is.
  const body = rows.map((gate) => make("tr", { role: "row" },
    make("td", { class: `verdict ${gate.waiver ? "waived" : gate.verdict === "skip" ? "skip-verdict" : gate.verdict}` },
      gate.waiver ? "WAIVED" : gate.verdict.toUpperCase()),
    make("td", {}, `${gate.dataset} × ${row(gate)}`),
    make("td", {}, `${gate.metric}${gate.slice ? ` ${gate.slice}` : ""}`),
    make("td", { class: "text" }, (gate.kind ? `${gate.kind}: ` : "") + gate.message),
    make("td", { class: "quiet" }, gate.source)));
  for (const row of body) for (const cell of row.children) cell.setAttribute("role", "cell");
  const heads = ["verdict", "cell", "metric", "finding", "limit"].map((head) => make("th", { scope: "col", role: "columnheader" }, head));
  const drawn = table(heads, body);
  drawn.querySelector("table").setAttribute("role", "table");
  drawn.querySelector("thead tr").setAttribute("role", "row");
  document.getElementById("gates").replaceChildren(drawn);
}

// What each verdict rests on: weights, part of the set, answers of which day.
function drawMeasured() {
  const lines = board.measured || [];
  document.getElementById("measured").replaceChildren(...(lines.length
    ? [make("h3", {}, "Measured on"), make("ul", {}, ...lines.map((line) => make("li", { class: "text" }, line)))] : []));
}

const counted = (title) => make("th", { scope: "col", class: "number" }, title);

function table(heads, body) {
  const row = make("tr", {}, ...heads.map((head) => (typeof head === "string" ? make("th", { scope: "col" }, head) : head)));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "table" },
    make("table", {}, make("thead", {}, row), make("tbody", {}, ...body)));
}

const COLUMNS = [["dataset", (c) => c.dataset], ["model", (c) => row(c)], ["value", (c) => c.value], ["samples", (c) => c.expected],
  ["coverage", (c) => c.coverage], ["RTFx", (c) => c.rtfx]];

function drawBoard(by, way) {
  const cells = board.cells.map((cell, number) => [cell, number]);
  const key = COLUMNS.find(([name]) => name === by);
  if (key) cells.sort(([a], [b]) => way * (key[1](a) > key[1](b) ? 1 : key[1](a) < key[1](b) ? -1 : 0));
  const greatest = Math.max(1e-9, ...board.cells.map((cell) => cell.high ?? cell.value ?? 0));
  const heads = COLUMNS.map(([name]) => make("th", { scope: "col", "aria-sort": name !== by ? "none" : way > 0 ? "ascending" : "descending",
    class: ["dataset", "model"].includes(name) ? null : "number" },
    make("button", { type: "button", onclick: () => drawBoard(name, name === by ? -way : 1) }, name)));
  heads.splice(3, 0, make("th", { scope: "col" }, "95 % interval"));
  const body = cells.map(([cell, number]) => make("tr", { "data-cell": number },
    make("td", {}, make("button", { type: "button", onclick: () => choose(number) }, cell.dataset)),
    make("td", {}, row(cell) + (cell.best ? " (best)" : ""),
      ...(cell.evidence && cell.evidence.imported ? [make("span", { class: "quiet" }, ` ${cell.evidence.imported}`)] : [])),
    make("td", { class: "number" }, `${cell.metric} ${round(cell.value)}${cell.unit ? ` ${cell.unit}` : ""}`),
    make("td", {}, interval(cell, greatest)),
    make("td", { class: "number" }, cell.evidence && cell.evidence.selection ? cell.evidence.selection : String(cell.expected ?? "-")),
    make("td", { class: "number" }, `${round(100 * cell.coverage, 1)} %`),
    make("td", { class: "number" }, round(cell.rtfx, cell.rtfx >= 100 ? 0 : 1))));
  document.getElementById("board").replaceChildren(table(heads, body), ...published(), ...spreads(), ...board.speeds.map(speed));
  mark();
}

// Numbers of others, each marked as such: they are no rows of this run, and are not ranked with them.
function published() {
  if (!board.published.length) return [];
  const body = board.published.map((one) => make("tr", { class: "published" }, make("td", {}, one.dataset), make("td", {}, `${one.model} (published)`),
    make("td", { class: "number" }, round(one.value)), make("td", {}, one.table), make("td", { class: "text quiet" }, one.differs)));
  return [make("h3", {}, "What was published"), table(["data set", "model", counted("value"), "table", "asked otherwise"], body)];
}

function spreads() {
  return (board.prompt_spread || []).filter((one) => one.range !== null).map((one) => make("p", { class: "spread" },
    `${one.dataset} × ${one.model}, ${one.metric} over ${Object.keys(one.values).length} prompts: lowest ${round(one.lowest)}, `
    + `highest ${round(one.highest)}, range ${round(one.range)}, standard deviation ${round(one.deviation)}`));
}

function mark() {
  for (const row of document.querySelectorAll("#board tbody tr")) row.classList.toggle("chosen", Number(row.dataset.cell) === chosen);
}

function choose(number) {
  chosen = number;
  mark();
  const cell = board.cells[number];
  const about = board.shown.find((one) => one.dataset === cell.dataset && row(one) === row(cell) && one.recipe === cell.recipe);
  document.getElementById("cell-title").textContent = `${cell.dataset} × ${row(cell)}`;
  const counts = Object.entries(cell.counts).filter(([, n]) => n).map(([state, n]) => `${n} ${state}`).join(", ");
  const turned = (way) => about.index.filter(([, , , flip]) => flip === way).length;
  const facts = [counts, `${round(cell.audio_s / 3600, 3)} h of sound`,
    ...(about && about.compared ? [`${turned(1)} samples worse than the baseline, ${turned(-1)} better`] : []),
    ...Object.entries(cell.speed || {}).map(([name, value]) => `${name} ${round(value, 3)}`)];
  const parts = [make("p", { class: "text quiet" }, facts.join("; ")), make("p", { class: "signature" }, cell.signature), histogram(about), tails(cell), labels(about && about.labels), groups(about && about.groups)];
  const both = ["in the reference", "in the answer"];
  const lists = [["replace", "Taken for another", both], ["delete", "Left out", ["in the reference"]], ["insert", "Put in", ["in the answer"]]]
    .filter(([what]) => about && about.confusions[what].length);
  if (lists.length) parts.push(make("div", { class: "columns" }, ...lists.map(([what, title, heads]) => make("div", {}, make("h3", {}, title),
    table([...heads, counted("times")], about.confusions[what].slice(0, 12).map(([left, right, n]) => make("tr", {},
      ...[left, right].filter((text) => text).map((text) => make("td", {}, text)), make("td", { class: "number" }, String(n)))))))));
  if (cell.slices.length) parts.push(make("h3", {}, "Slices"), table(["slice", counted("samples"), counted(cell.metric)], cell.slices.map((part) => make("tr", {},
    make("td", {}, `${part.key} = ${part.name}`), make("td", { class: "number" }, String(part.samples)),
    make("td", { class: "number" }, `${round(part.values[0].value)} [${round(part.values[0].low)}, ${round(part.values[0].high)}]`)))));
  document.getElementById("cell").replaceChildren(...parts.filter(Boolean));
  const parts_of = about ? cell.slices.filter((part) => about.told.includes(part.key) && !BINNED.includes(part.key)) : [];
  document.getElementById("slice").replaceChildren(make("option", { value: "" }, "all"),
    ...parts_of.map((part) => make("option", { value: JSON.stringify([part.key, part.name]) }, `${part.key} = ${part.name}`)));
  refresh();
}

function drawFilters() {
  const states = [...new Set(board.cells.flatMap((cell) => Object.entries(cell.counts).filter(([, n]) => n).map(([state]) => state)))];
  const option = (value, text) => make("option", { value }, text);
  const which = make("select", { id: "which" }, option("worst", "worst first"), option("wrong", "with errors"), option("worse", "worse than the baseline"),
    option("better", "better than the baseline"), ...states.map((state) => option(`state:${state}`, `state ${state}`)));
  const words = make("input", { id: "words", type: "search", autocomplete: "off" });
  let timer = 0;
  words.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(refresh, 150); });
  which.addEventListener("change", refresh);
  const slice = make("select", { id: "slice" });
  slice.addEventListener("change", refresh);
  document.getElementById("filters").replaceChildren(make("label", {}, "show", which), make("label", {}, "of the slice", slice),
    make("label", {}, "holding the text", words));
}

let turn = 0;
async function refresh() {
  const mine = ++turn;
  shown = 0;
  document.getElementById("samples").replaceChildren();
  const cell = board.cells[chosen];
  const number = board.shown.findIndex((one) => one.dataset === cell.dataset && row(one) === row(cell) && one.recipe === cell.recipe);
  const about = board.shown[number];
  if (!about) { document.getElementById("count").textContent = "no samples"; return; }
  const which = document.getElementById("which").value;
  const words = document.getElementById("words").value.toLowerCase();
  let places = about.index.map((_, place) => place).filter((place) => {
    const [state, errors, , flip] = about.index[place];
    if (which === "wrong") return errors > 0;
    if (which === "worse") return flip > 0;
    if (which === "better") return flip < 0;
    return which.startsWith("state:") ? state === which.slice(6) : true;
  });
  const slice = document.getElementById("slice").value;
  const [key, name] = slice ? JSON.parse(slice) : [];
  if (words || slice) {
    const kept = [];
    for (const place of places) {
      const row = (await piece(number, Math.floor(place / 500)))[place % 500];
      if (mine !== turn) return;
      if (slice && (row.keys[key] ?? "unknown") !== name) continue;
      if (`${row.id} ${row.reference} ${row.prediction ?? ""} ${Object.values(row.keys).join(" ")}`.toLowerCase().includes(words)) kept.push(place);
    }
    places = kept;
  }
  document.getElementById("count").textContent = `${places.length} of ${about.samples} samples`;
  more(number, places, mine);
}

async function more(number, places, mine) {
  const list = document.getElementById("samples");
  for (const place of places.slice(shown, shown + STEP)) {
    const row = (await piece(number, Math.floor(place / 500)))[place % 500];
    if (mine !== turn) return;
    list.append(sample(row));
  }
  shown += STEP;
  document.getElementById("more")?.remove();
  if (shown < places.length) {
    const button = make("button", { type: "button", id: "more", onclick: () => more(number, places, mine) }, `More (${places.length - shown} left)`);
    list.append(button);
    new IntersectionObserver((seen, watch) => {
      if (seen.some((one) => one.isIntersecting)) { watch.disconnect(); if (mine === turn) more(number, places, mine); }
    }).observe(button);
  }
}

function sample(row) {
  const rate = row.rate === null ? "" : `, ${round(row.rate, 1)} %`;
  const head = make("h3", {}, `${row.id}  (${row.state}${row.units ? `, ${row.errors} of ${row.units} wrong${rate}` : ""}, ${round(row.seconds, 1)} s)`);
  const parts = [head];
  if (row.reason) parts.push(make("p", { class: "fail text" }, row.reason));
  if (row.steps.length) parts.push(aligned(row.steps));
  else if (row.reference || row.prediction) parts.push(make("p", { class: "text" }, make("span", { class: "quiet" }, "reference: "), row.reference, make("br"),
    make("span", { class: "quiet" }, "answer: "), row.prediction ?? "–"));
  if (row.before) parts.push(make("p", { class: "text quiet" }, `baseline: ${row.before.errors} wrong; ${row.before.prediction ?? "–"}`));
  if (row.sound) parts.push(player(row.sound, row.look, row.said ? "asked" : ""));
  if (row.said) parts.push(player(row.said, row.look_said, "answered"));
  if (row.calls.length) parts.push(make("p", { class: "text" }, make("span", { class: "quiet" }, "calls: "), row.calls.join("; ")));
  if (row.scores) parts.push(make("p", { class: "text quiet" }, row.scores));
  if (board.prompts[row.prompt]) parts.push(make("details", {}, make("summary", {}, "prompt"), make("p", { class: "text prompt" }, board.prompts[row.prompt])));
  if (row.key && board.results) parts.push(make("p", { class: "quiet text" }, "its line in the ", make("a", { href: board.results }, "results"),
    ` of the run is the one of key ${row.key}`));
  const keys = Object.entries(row.keys).map(([name, value]) => `${name}: ${value}`).join("; ");
  if (keys) parts.push(make("p", { class: "text quiet" }, keys));
  return make("article", {}, ...parts);
}

const SAID = { replace: "taken for another", delete: "left out", insert: "put in" };
function aligned(steps) {
  const line = make("p", { class: "text", lang: "und" });
  const spaced = steps.some(([, left, right]) => (left || right).length > 1);
  for (const [what, left, right] of steps) {
    const text = what === "equal" ? left : what === "delete" ? `−${left}` : what === "insert" ? `+${right}` : `${left}→${right}`;
    line.append(make("span", what === "equal" ? {} : { class: `step ${what}`, title: SAID[what] }, text), spaced || what !== "equal" ? " " : "");
  }
  return line;
}

