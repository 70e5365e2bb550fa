// How long is left? Ticks every countdown by the server's clock and shows times in the reader's own zone on hover.
"use strict";

(() => {
  const served = Date.parse(document.documentElement.dataset.now);
  const skew = served - Date.now();

  // Keep these words in step with starter/console/wording.py (a browser test compares them).
  function remaining(milliseconds) {
    const seconds = Math.floor(Math.abs(milliseconds) / 1000);
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    let text;
    if (hours >= 48) text = `${Math.floor(hours / 24)} d ${hours % 24} h`;
    else if (hours >= 1) text = `${hours} h ${minutes % 60} min`;
    else if (minutes >= 10) text = `${minutes} min`;
    else text = `${minutes}:${String(seconds % 60).padStart(2, "0")} min`;
    return milliseconds < 0 ? `${text} late` : text;
  }

  function urgency(milliseconds) {
    if (milliseconds < 0) return "late";
    if (milliseconds < 3600e3) return "hot";
    return milliseconds < 24 * 3600e3 ? "warm" : "calm";
  }

  function tick() {
    const now = Date.now() + skew;
    for (const element of document.querySelectorAll("[data-due]")) {
      const left = Date.parse(element.dataset.due) - now;
      const text = remaining(left);
      if (element.textContent !== text) element.textContent = text;
      const mood = urgency(left);
      if (element.dataset.mood !== mood) element.dataset.mood = mood;
    }
    for (const element of document.querySelectorAll("time[datetime]:not([title])")) {
      const at = new Date(element.dateTime);
      element.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
    }
    const clock = document.getElementById("clock");
    if (clock) clock.textContent = `${new Date(now).toISOString().slice(11, 19)} UTC`;
  }

  tick();
  setInterval(tick, 1000);
})();
