"use strict";
// What the pages do by themselves: count, listen for news, ring, take keys. Without it every
// button and link works; nothing here decides anything.
const body = document.body;
const all = (what, inside = document) => [...inside.querySelectorAll(what)];

// --- clocks ---------------------------------------------------------------------------
const span = (seconds) => {
  const s = Math.floor(Math.abs(seconds));
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))}`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
};
let skew = 0; // the server's clock minus ours, milliseconds
const count = () => {
  const now = Date.now() + skew;
  for (const clock of all("[data-clock]")) {
    const left = (Date.parse(clock.dateTime) - now) / 1000;
    clock.textContent = (left < 0 ? body.dataset.late : body.dataset.left).replace("%", span(left));
    clock.className = `clock clock-${left < 0 ? "late" : left < 300 ? "soon" : "left"}`;
  }
  for (const since of all("[data-since]")) {
    since.textContent = body.dataset.ago.replace("%", span((now - Date.parse(since.dateTime)) / 1000));
  }
};
const setSkew = (response) => {
  const at = Date.parse(response.headers.get("X-Now") || "");
  if (!Number.isNaN(at)) skew = at - Date.now();
};

// --- news -----------------------------------------------------------------------------
const title = document.title;
// What was rung for already, on whichever page of this tab.
let known = new Set(JSON.parse(sessionStorage.getItem("alerts") || "[]"));
let beeper = null;
// Browsers let a page sound only after its person has touched it.
for (const touch of ["pointerdown", "keydown"]) {
  addEventListener(touch, () => { beeper = beeper || new AudioContext(); beeper.resume(); }, { once: true });
}
const beep = () => {
  if (!beeper || !document.getElementById("sound")?.checked) return;
  try {
    for (const at of [0, 0.25, 0.5]) {
      const tone = beeper.createOscillator();
      const loud = beeper.createGain();
      tone.frequency.value = 880;
      loud.gain.value = 0.2;
      tone.connect(loud).connect(beeper.destination);
      tone.start(beeper.currentTime + at);
      tone.stop(beeper.currentTime + at + 0.15);
    }
  } catch { /* no sound here: title and page still change */ }
};
const heed = (alerts) => {
  document.title = alerts.length ? `(${alerts.length}) ${body.dataset.alarm} · ${title}` : title;
  if (alerts.some((id) => !known.has(String(id)))) beep();
  known = new Set(alerts.map(String));
  sessionStorage.setItem("alerts", JSON.stringify([...known]));
};
const isBusy = (region) =>
  region.contains(document.activeElement) && document.activeElement.matches("textarea, select, input:not([type=hidden])");
const refresh = async () => {
  const response = await fetch(location.href, { headers: { "X-Refresh": "1" }, redirect: "manual" });
  if (response.status === 401 || response.type === "opaqueredirect") return location.reload();
  if (!response.ok) throw new Error(String(response.status));
  setSkew(response);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const old of all("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (!next || isBusy(old) || next.outerHTML === old.outerHTML) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focused ? all("a, button", old).indexOf(focused) : -1;
    const open = all("details", old).map((item) => item.open);
    old.replaceWith(document.adoptNode(next));
    all("details", next).forEach((item, i) => { if (open[i] !== undefined) item.open = open[i]; });
    if (place >= 0) all("a, button", next)[place]?.focus();
    if (next.dataset.bottom !== undefined) next.scrollTop = next.scrollHeight;
  }
  count();
};

let mark = null;
let due = false;
let running = false;
const lost = document.getElementById("lost");
const found = () => { if (lost) lost.hidden = true; };
const missing = () => { if (lost) { lost.textContent = body.dataset.lost; lost.hidden = false; } };
const catchUp = async () => {
  if (running) { due = true; return; }
  running = true;
  try {
    do { due = false; await refresh(); } while (due);
    found();
  } catch { missing(); setTimeout(catchUp, 3000); } finally { running = false; }
};
const told = (news) => {
  found();
  heed(news.alerts);
  if (mark !== null && news.mark !== mark) catchUp();
  mark = news.mark;
};
const poll = async () => {
  try {
    const response = await fetch(body.dataset.pollUrl, { headers: { "X-Refresh": "1" } });
    if (response.status === 401) return location.reload();
    if (!response.ok) throw new Error(String(response.status));
    told(await response.json());
  } catch { missing(); }
};
const listen = () => {
  let failures = 0;
  const stream = new EventSource(body.dataset.liveUrl);
  stream.onmessage = (event) => { failures = 0; told(JSON.parse(event.data)); };
  stream.onerror = () => {
    failures += 1;
    poll();
    if (stream.readyState === EventSource.CLOSED || failures > 3) {
      stream.close();
      setTimeout(listen, 5000);
    }
  };
};

// --- forms and keys -------------------------------------------------------------------
// How many SMS a text takes (3GPP TS 23.038): 160 letters of the basic alphabet, else 70.
const BASIC = /^[\n\r !"#$%&'()*+,\-./0-9:;<=>?@A-Z_a-z£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà^{}\\[~\]|€]*$/u;
const segments = (text) => {
  const basic = BASIC.test(text);
  const length = basic ? text.length + (text.match(/[\^{}\\[~\]|€]/gu) || []).length : text.length;
  const [one, more] = basic ? [160, 153] : [70, 67];
  return length <= one ? (length ? 1 : 0) : Math.ceil(length / more);
};
for (const field of all("[data-count]")) {
  const shown = document.getElementById(field.dataset.count);
  const tell = () => { shown.textContent = `${field.value.length} / ${field.maxLength} · ${body.dataset.sms.replace("%", segments(field.value))}`; };
  field.addEventListener("input", tell);
  tell();
}
document.addEventListener("change", (event) => {
  const pick = event.target.closest("[data-fill]");
  if (!pick || !pick.value) return;
  const field = document.getElementById(pick.dataset.fill);
  field.value = pick.value;
  field.dispatchEvent(new Event("input"));
  field.focus();
});
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.dataset.confirm && !window.confirm(button.dataset.confirm)) return event.preventDefault();
  // Pressed twice is pressed once; a page that comes back from the history can send again.
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "1";
});
window.addEventListener("pageshow", () => { for (const form of all("form")) delete form.dataset.sent; });

for (const id of ["keys", "sound"]) {
  const box = document.getElementById(id);
  if (!box) continue;
  box.checked = localStorage.getItem(id) !== "off";
  box.addEventListener("change", () => localStorage.setItem(id, box.checked ? "on" : "off"));
}
const dialog = document.getElementById("acknowledge");
dialog?.querySelector("[data-close]").addEventListener("click", () => dialog.close());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !document.getElementById("keys")?.checked) return;
  if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  const key = event.key.toLowerCase();
  if (key === "a" && dialog) { event.preventDefault(); dialog.showModal(); return; }
  const wanted = /^[a-z]$/.test(key) ? document.querySelector(`[data-key="${key}"]`) : null;
  if (wanted) { event.preventDefault(); wanted.click(); }
});

count();
for (const region of all("[data-bottom]")) region.scrollTop = region.scrollHeight;
if (body.dataset.liveUrl) {
  setInterval(count, 1000);
  if (window.EventSource) listen(); else setInterval(poll, 5000);
}
