"use strict";
/* The phones page: shows /control/state, waits on /control/log for the next change. */

const $ = (selector, root = document) => root.querySelector(selector);
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const STATES = { idle: "idle", ringing: "ringing", dialing: "calling…", "in-call": "on a call" };
const MODES = {
  manual: "rings until you answer it here", answer: "is answered", talks: "is answered, somebody talks",
  doubt: "is answered, nobody speaks", "no-answer": "rings in vain", busy: "is engaged", reject: "is declined",
  failed: "cannot be reached", voicemail: "goes to voicemail", fax: "is a fax",
};
const HIDDEN_EVENTS = new Set(["phone.added", "phone.behaviour"]);
const cards = new Map();

async function ask(path, body, method) {
  const options = { method: method || (body ? "POST" : "GET") };
  if (body) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || `HTTP ${answer.status}`);
  return content;
}

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function clockTime(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/* Adds only what is new, so that screen readers announce only that; keeps the end in sight. */
function grow(list, items, key, build) {
  const known = Number(list.dataset.count || 0);
  const last = list.dataset.last;
  const from = last ? items.findIndex((item) => key(item) === last) + 1 : 0;
  if (known && !from) list.replaceChildren();
  const fresh = items.slice(from);
  if (!items.length) list.replaceChildren();
  fresh.forEach((item) => list.append(build(item)));
  list.dataset.count = items.length;
  list.dataset.last = items.length ? key(items[items.length - 1]) : "";
  if (fresh.length) list.scrollTop = list.scrollHeight;
}

function textLine(text) {
  const line = make("li", text.body || "(no words)", text.direction);
  const media = text.media.length ? ` · ${text.media.length} picture(s)` : "";
  const channel = text.from.startsWith("whatsapp:") ? " · WhatsApp" : "";
  const who = text.direction === "in" ? `from ${text.from.replace("whatsapp:", "")} · ` : "";
  line.append(make("small", who + clockTime(text.at) + channel + media));
  return line;
}

function spokenLine(line) {
  return make("li", (line.who ? `${line.who}: ` : "") + line.words, `heard-${line.kind}`);
}

function addCard(phone) {
  const card = $("#phone").content.firstElementChild.cloneNode(true);
  const act = (name, body = {}) => perform(card, phone.number, name, body);
  const title = phone.label || "Phone";
  $("h2", card).textContent = title;
  $(".number", card).textContent = phone.number;
  card.setAttribute("aria-label", `${title} ${phone.number}`);
  $(".thread", card).setAttribute("aria-label", `Texts of ${title}`);
  $(".transcript", card).setAttribute("aria-label", `What ${title} hears`);
  $(".send .hidden", card).textContent = `Text from ${title}`;
  for (const key of KEYS) {
    const button = make("button", key);
    button.type = "button";
    button.addEventListener("click", () => act("press", { keys: key }));
    $(".keypad", card).append(button);
  }
  $(".send", card).addEventListener("submit", (event) => {
    event.preventDefault();
    const field = event.target.body;
    if (field.value.trim()) act("text", { body: field.value, to: $("#ours").value });
    field.value = "";
  });
  $(".send textarea", card).addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  $(".speak", card).addEventListener("submit", (event) => {
    event.preventDefault();
    const { words, confidence } = event.target;
    if (words.value.trim()) act("say", { words: words.value, confidence: Number(confidence.value) });
    words.value = "";
  });
  $('[data-act="call"]', card).addEventListener("click", () => act("call", { to: $("#ours").value }));
  $('[data-act="answer"]', card).addEventListener("click", () => act("answer"));
  $('[data-act="sound"]', card).addEventListener("click", () => act("sound", { what: "crying" }));
  $('[data-act="hang_up"]', card).addEventListener("click", () => act("hang_up"));
  for (const select of card.querySelectorAll("[data-set]")) {
    const value = () => (select.type === "number" ? Number(select.value) : select.value);
    select.addEventListener("change", () => act("behaviour", { [select.dataset.set]: value() }));
  }
  $("#phones").append(card);
  cards.set(phone.number, card);
  return card;
}

async function perform(card, number, name, body) {
  const problem = $(".problem", card);
  problem.textContent = "";
  try {
    const done = await ask(`/phones/${encodeURIComponent(number)}/${name}`, body);
    if (name === "text" && !done.ok) problem.textContent = `The helpline did not take it: ${done.error || done.status}`;
    if (["press", "say", "sound"].includes(name) && !done.done) problem.textContent = "Nobody was listening.";
  } catch (error) {
    problem.textContent = error.message;
  }
}

function showPhone(phone, modes, verdicts) {
  const card = cards.get(phone.number) || addCard(phone);
  card.className = `phone is-${phone.state}`;
  $(".state", card).textContent = STATES[phone.state];
  const talk = phone.conference ? `Talking in ${phone.conference}` : `On a call with ${phone.other}`;
  const where = phone.recorded ? "Speak after the beep: this is recorded" : talk;
  const words = { ringing: `${phone.other} is calling`, dialing: `Calling ${phone.other}`, "in-call": where };
  const status = $(".status", card);
  if (status.textContent !== (words[phone.state] || "")) status.textContent = words[phone.state] || "";
  $('[data-act="call"]', card).hidden = phone.state !== "idle";
  $('[data-act="answer"]', card).hidden = phone.state !== "ringing";
  $('[data-act="hang_up"]', card).hidden = phone.state === "idle";
  $('[data-act="hang_up"]', card).textContent = phone.state === "ringing" ? "Decline" : "Hang up";
  $(".live", card).hidden = phone.state !== "in-call";
  $(".keypad", card).classList.toggle("wanted", phone.hears_keys);
  $(".speak", card).classList.toggle("wanted", phone.hears_speech);
  const mode = $('[data-set="mode"]', card);
  if (!mode.options.length) {
    modes.forEach((name) => mode.add(new Option(MODES[name] || name, name)));
    verdicts.forEach((name) => $('[data-set="detected"]', card).add(new Option(name, name)));
  }
  for (const field of card.querySelectorAll("[data-set]")) {
    if (document.activeElement !== field) field.value = phone[field.dataset.set];
  }
  grow($(".thread", card), phone.texts, (text) => text.direction + text.sid + text.at, textLine);
  grow($(".transcript", card), phone.transcript, (line) => line.at + line.kind + line.words, spokenLine);
}

function stamped(item, words) {
  const line = make("li");
  line.append(make("time", clockTime(item.at)), words);
  return line;
}

function showLists(state) {
  const count = $("#count");
  count.textContent = state.violations.length;
  count.classList.toggle("alert", state.violations.length > 0);
  const sentence = (item) => stamped(item, `${item.code} ${item.where ? item.where + ": " : ""}${item.message}`);
  grow($("#violations"), state.violations, (item) => item.at + item.message, sentence);
  grow($("#errors"), state.errors, (item) => item.at + item.message, sentence);
  const now = JSON.stringify(state.faults);
  if ($("#faults").dataset.shown === now) return;
  $("#faults").dataset.shown = now;
  $("#faults").replaceChildren(...state.faults.map(faultLine));
}

function faultLine(fault) {
  const times = fault.times === null ? "always" : `${fault.times} more`;
  const line = make("li", `${fault.kind} on ${fault.on}, ${times}, ${Math.round(fault.probability * 100)} %`);
  const button = make("button", "Remove", "quiet");
  button.type = "button";
  button.addEventListener("click", () => ask(`/control/faults/${fault.id}`, null, "DELETE"));
  line.append(button);
  return line;
}

function recordingLine(recording) {
  const line = make("li", "", "recording");
  const player = make("audio");
  player.controls = true;
  player.preload = "none";
  player.src = `/control/recordings/${recording.sid}.wav`;
  player.setAttribute("aria-label", `Recording of ${recording.seconds} seconds`);
  line.append(make("p", `“${recording.words}” · ${recording.seconds} s`), player);
  return line;
}

function showRecordings(recordings) {
  const list = $("#recordings");
  const now = recordings.kept.map((recording) => recording.sid).join();
  if (list.dataset.shown !== now) {
    list.dataset.shown = now;
    list.replaceChildren(...recordings.kept.map(recordingLine));
  }
  const gone = recordings.deleted.length;
  $("#deleted").textContent = gone ? `${gone} deleted by the application.` : "";
}

function summary(event) {
  const parts = [event.method, event.path, event.webhook, event.url && event.url.replace(/^https?:\/\/[^/]+/, ""),
    event.phone, event.what, event.from && `${event.from} → ${event.to}`, event.body, event.words,
    event.conference, event.event, event.fault && (event.fault.kind || event.fault), event.status, event.ms && `${event.ms} ms`, event.problem, event.message];
  return parts.filter(Boolean).join(" · ");
}

function showLog(events) {
  const details = $("#details").checked;
  const shown = events.filter((event) => !HIDDEN_EVENTS.has(event.kind)).reverse();
  $("#log").replaceChildren(...shown.map((event) => {
    const line = stamped(event, "");
    line.className = `event-${event.kind.replace(".", "-")}`;
    line.append(make("b", event.kind), " ", summary(event));
    if (details) {
      const { n, at, mono, kind, ...rest } = event;
      line.append(make("pre", JSON.stringify(rest, null, 1)));
    }
    return line;
  }));
}

function show(state) {
  const ours = $("#ours");
  if (ours.options.length !== state.numbers.length) {
    ours.replaceChildren(...state.numbers.map((number) => new Option(number, number)));
  }
  const speed = $("#speed");
  const scale = String(state.time_scale);
  if (![...speed.options].some((option) => option.value === scale)) speed.add(new Option(`${scale} times`, scale));
  if (document.activeElement !== speed) speed.value = scale;
  const kinds = $("#fault [name=kind]");
  if (!kinds.options.length) state.fault_kinds.forEach((kind) => kinds.add(new Option(kind, kind)));
  state.phones.forEach((phone) => showPhone(phone, state.modes, state.verdicts));
  showLists(state);
  showRecordings(state.recordings);
  showLog(state.events);
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function follow() {
  for (;;) {
    try {
      const state = await ask("/control/state");
      show(state);
      $("#offline").hidden = true;
      await pause(150);
      await ask(`/control/log?after=${state.last}&wait=20`);
    } catch (error) {
      console.error(error);
      $("#offline").hidden = false;
      await pause(1000);
    }
  }
}

$("#add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  await ask("/phones", { number: form.number.value, label: form.label.value });
  form.reset();
});
$("#fault").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const fault = { kind: form.kind.value, on: form.on.value, probability: form.chance.value / 100, seconds: Number(form.seconds.value) };
  if (form.times.value) fault.times = Number(form.times.value);
  try {
    await ask("/control/faults", fault);
    $("#fault-problem").textContent = "";
  } catch (error) {
    $("#fault-problem").textContent = error.message;
  }
});
$("#speed").addEventListener("change", (event) => ask("/control/speed", { time_scale: Number(event.target.value) }));
$("#reset").addEventListener("click", () => ask("/control/reset", {}));
follow();
