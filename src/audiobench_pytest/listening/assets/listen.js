"use strict";
// Trials come in a script of the folder, since a page from disk may not fetch. Nothing here knows what is behind a sound.
const HOW = {
  ab: "Play both, as often as you like, and say which you prefer. Keys: A and B play, 1 prefers A, 2 neither, 3 B, Enter goes on.",
  mos: "Play the sound and say how good it is. Keys: Space plays, 1 to 5 rate, Enter goes on.",
  mushra: "Play the reference and each sound, and say how close each comes: 100 is no difference. One of them is the reference itself. "
    + "Keys: R plays the reference, 1 to 9 the sounds, the arrows move the slider, Enter goes on.",
};
const TITLE = { ab: "Which of two is better?", mos: "How good is the speech?", mushra: "How close to the reference?" };
const GRADES = [[1, "Bad"], [2, "Poor"], [3, "Fair"], [4, "Good"], [5, "Excellent"]];
let test = null;
let rater = "";
let order = [];
let place = 0;
let unsaved = false;
let players = [];
const answers = new Map();
const played = new Map();
const began = new Date().toISOString();
const find = (id) => document.getElementById(id);

function audiobench(name, content) {
  if (name === "trials") { test = content; start(); }
}

function make(tag, attributes, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
    else if (value === true) found.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) found.setAttribute(name, value);
  }
  for (const child of children) found.append(child);
  return found;
}

// A stream of numbers that is the same for the same words in every browser: FNV-1a seeds mulberry32.
function random(words) {
  let state = 2166136261;
  for (const letter of words) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(list, next) {
  const found = [...list];
  for (let last = found.length - 1; last > 0; last -= 1) {
    const other = Math.floor(next() * (last + 1));
    [found[last], found[other]] = [found[other], found[last]];
  }
  return found;
}

function start() {
  find("title").textContent = TITLE[test.kind];
  find("how").textContent = HOW[test.kind];
  find("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    if (find("rater").value.trim()) begin(find("rater").value.trim());
  });
  find("earlier").addEventListener("change", async () => {
    const [file] = find("earlier").files;
    if (!file) return;
    let said = null;
    try { said = JSON.parse(await file.text()); } catch (error) { say("This file holds no ratings."); return; }
    if (said.session !== test.session || !Array.isArray(said.ratings)) { say("These are ratings of another test."); return; }
    for (const one of said.ratings) answers.set(one.trial, new Map(Object.entries(one.values)));
    begin(String(said.rater));
  });
  find("back").addEventListener("click", () => { place -= 1; show(); });
  find("next").addEventListener("click", onwards);
  find("save").addEventListener("click", save);
  document.addEventListener("keydown", key);
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
}

function begin(name) {
  rater = name;
  // Each rater hears another order, and the same one again.
  const next = random(`${test.seed}:${test.session}:${rater}`);
  order = shuffled(test.trials, next).map((trial) => ({ ...trial, stimuli: shuffled(trial.stimuli, next) }));
  place = order.findIndex((trial) => !done(trial));
  if (place < 0) place = order.length;
  find("begin").hidden = true;
  find("save").hidden = false;
  say("");
  show();
}

const say = (text) => { find("said").textContent = text; };
const values = (trial) => { if (!answers.has(trial.id)) answers.set(trial.id, new Map()); return answers.get(trial.id); };
const done = (trial) => answers.has(trial.id) && trial.stimuli.every((name) => answers.get(trial.id).has(name));
const heard = (trial) => played.get(trial.id) || new Set();
const letter = (number) => (test.kind === "ab" ? "AB"[number] : String(number + 1));

function show() {
  for (const one of players) one.audio.pause();
  players = [];
  const over = place >= order.length;
  find("trial").hidden = over;
  find("end").hidden = !over;
  if (over) { find("save").focus(); return; }
  const trial = order[place];
  find("where").textContent = `${place + 1} of ${order.length}`;
  find("sounds").replaceChildren();
  if (trial.reference) player(trial, trial.reference, "Reference");
  trial.stimuli.forEach((name, number) => player(trial, name, trial.stimuli.length > 1 ? `Sound ${letter(number)}` : "Sound"));
  find("judge").replaceChildren(...(test.kind === "mushra" ? sliders(trial) : [choices(trial)]));
  find("back").disabled = place === 0;
  settle(trial);
  find("sounds").querySelector("button").focus();
}

function player(trial, name, label) {
  const audio = make("audio", { src: `sounds/${name}.wav`, preload: "auto" });
  const button = make("button", { type: "button", "aria-pressed": "false", onclick: () => toggle(one) }, `Play: ${label}`);
  const one = { name, audio, button, label };
  audio.addEventListener("error", () => say(`${label} cannot be played.`));
  audio.addEventListener("play", () => { mark(one, true); note(trial, name); });
  for (const end of ["pause", "ended"]) audio.addEventListener(end, () => mark(one, false));
  find("sounds").append(button, audio);
  players.push(one);
}

function mark(one, playing) {
  one.button.setAttribute("aria-pressed", String(playing));
  one.button.textContent = `${playing ? "Stop" : "Play"}: ${one.label}`;
}

function note(trial, name) {
  played.set(trial.id, heard(trial).add(name));
  settle(trial);
}

function toggle(one) {
  if (!one.audio.paused) { one.audio.pause(); return; }
  const before = players.find((other) => !other.audio.paused);
  for (const other of players) other.audio.pause();
  // Beside a reference one goes on where one was, which is how small differences are heard.
  one.audio.currentTime = before && test.kind === "mushra" ? Math.min(before.audio.currentTime, one.audio.duration || 0) : 0;
  one.audio.play().catch(() => say(`${one.label} cannot be played.`));
}

function choices(trial) {
  const [first, second] = trial.stimuli;
  const offered = test.kind === "mos" ? GRADES.map(([grade, word]) => [`${grade} ${word}`, { [first]: grade }])
    : [["A is better", { [first]: 1, [second]: 0 }], ["Neither", { [first]: 0.5, [second]: 0.5 }], ["B is better", { [first]: 0, [second]: 1 }]];
  const known = values(trial);
  return make("fieldset", {}, make("legend", {}, TITLE[test.kind]), ...offered.map(([word, given]) => make("label", {},
    make("input", {
      type: "radio", name: "choice", checked: done(trial) && Object.entries(given).every(([name, value]) => known.get(name) === value),
      onchange: () => { for (const [name, value] of Object.entries(given)) known.set(name, value); rated(trial); },
    }), word)));
}

function sliders(trial) {
  const known = values(trial);
  return trial.stimuli.map((name, number) => {
    const shown = make("output", {}, known.has(name) ? String(known.get(name)) : "-");
    const slider = make("input", {
      type: "range", min: 0, max: 100, step: 1, value: known.has(name) ? known.get(name) : 50, "aria-label": `Sound ${letter(number)}`,
      oninput: () => { known.set(name, Number(slider.value)); shown.textContent = slider.value; rated(trial); },
    });
    return make("div", { class: "row" }, `Sound ${letter(number)}`, slider, shown);
  });
}

function rated(trial) { unsaved = true; settle(trial); }

function settle(trial) {
  const all = players.every((one) => heard(trial).has(one.name));
  for (const input of find("judge").querySelectorAll("input")) input.disabled = !all && !done(trial);
  find("next").disabled = !done(trial);
}

function onwards() {
  if (place >= order.length || !done(order[place])) return;
  place += 1;
  show();
}

function key(event) {
  if (find("trial").hidden || event.ctrlKey || event.altKey || event.metaKey) return;
  const on = event.target;
  const pressed = event.key.toLowerCase();
  if (pressed === "enter") { if (on.tagName !== "BUTTON") { event.preventDefault(); onwards(); } return; }
  if (pressed === " " && on.tagName !== "BUTTON") {
    event.preventDefault();
    toggle(players.find((one) => !one.audio.paused) || players[0]);
    return;
  }
  const named = { ab: { a: "Sound A", b: "Sound B" }, mos: {}, mushra: { r: "Reference" } }[test.kind];
  const wanted = named[pressed] || (test.kind === "mushra" && /^[1-9]$/.test(pressed) ? `Sound ${pressed}` : null);
  if (wanted) {
    const one = players.find((other) => other.label === wanted);
    if (one) { event.preventDefault(); toggle(one); }
  } else if (test.kind !== "mushra" && /^[1-5]$/.test(pressed)) {
    const radio = find("judge").querySelectorAll("input")[Number(pressed) - 1];
    if (radio && !radio.disabled) { event.preventDefault(); radio.checked = true; radio.dispatchEvent(new Event("change")); radio.focus(); }
  }
}

function save() {
  const ratings = order.filter(done).map((trial) => ({ trial: trial.id, values: Object.fromEntries(answers.get(trial.id)) }));
  const said = { format: test.format, kind: test.kind, session: test.session, rater, ratings, began, saved: new Date().toISOString() };
  const address = URL.createObjectURL(new Blob([JSON.stringify(said, null, 1)], { type: "application/json" }));
  const name = rater.replace(/[^\p{L}\p{N}]+/gu, "-");
  const link = make("a", { href: address, download: `ratings-${test.session}-${name}.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  unsaved = false;
  say(`${ratings.length} of ${order.length} saved.`);
}
