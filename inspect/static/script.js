// Keeps the page live: texts and paths come by their keys, once a second, while the
// page can be seen.
"use strict";

const state = document.getElementById("live-state");
const pause = document.getElementById("pause");
const byKey = (attribute) => new Map(
  Array.from(document.querySelectorAll("[" + attribute + "]"), (e) => [e.getAttribute(attribute), e]));
const texts = byKey("data-text");
const paths = byKey("data-path");

let source = null;
let paused = false;

function tell(name, text) {
  state.dataset.state = name;
  state.textContent = text;
}

function show(update) {
  for (const [key, e] of texts) {
    const text = update.texts[key];
    if (text !== undefined && text !== e.textContent) e.textContent = text;
    e.classList.toggle("bad", update.bad[key] === true);
  }
  for (const [key, e] of paths) {
    const d = update.paths[key];
    if (d !== undefined) e.setAttribute("d", d);
  }
}

function connect() {
  const wanted = !paused && !document.hidden;
  if (wanted && source === null) {
    source = new EventSource(document.body.dataset.live);
    source.onmessage = (event) => {
      tell("on", "Live");
      show(JSON.parse(event.data));
    };
    source.onerror = () => tell("lost", "Not connected");
  } else if (!wanted && source !== null) {
    source.close();
    source = null;
    tell("off", "Paused");
  }
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on" : "Pause";
  connect();
});
document.addEventListener("visibilitychange", connect);
connect();
