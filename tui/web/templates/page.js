// Runs before textual.js, the terminal in the page, and tells a page that no longer lives from one that does.
"use strict";
(() => {
  const ASK_MS = 2000; // between two questions whether the dashboard lives
  const PATIENCE_MS = 10000; // without an answer what is shown is covered
  const LOADING_MS = 60000; // the same before anything was shown
  const ASLEEP_MS = 15000; // a timer that comes so late: this machine slept, what is shown is old
  const nonce = document.currentScript.nonce;

  // The terminal makes style elements; the page's policy lets in only those that carry the nonce.
  const create = document.createElement.bind(document);
  document.createElement = (name, ...rest) => {
    const made = create(name, ...rest);
    if (String(name).toLowerCase() === "style") made.nonce = nonce;
    return made;
  };

  // An address in a finding is text from outside: a click on it opens nothing.
  window.open = () => null;

  const is = (state, on) => document.body.classList.toggle(state, on);

  const end = (why) => {
    if (why) document.getElementById("why").textContent = why;
    is("-closed", true);
    document.getElementById("again").focus();
  };

  const watch = (socket) => {
    let asked = 0;
    let ticked = Date.now();
    let why = "";
    const listen = () => document.querySelector(".xterm-helper-textarea")?.focus();
    socket.addEventListener("open", listen);
    addEventListener("focus", listen);
    socket.addEventListener("message", (event) => {
      asked = 0;
      is("-asking", false);
      if (typeof event.data !== "string") return;
      const [kind, text] = JSON.parse(event.data);
      if (kind === "ended") why = text;
    });
    const timer = setInterval(() => {
      const now = Date.now();
      if (now - ticked > ASLEEP_MS) is("-asking", true);
      ticked = now;
      const patience = document.body.classList.contains("-first-byte") ? PATIENCE_MS : LOADING_MS;
      if (asked && now - asked > patience) {
        end("Nothing was heard from gonogo for a while: what was shown here may no longer be so.");
        socket.close();
      } else if (!asked && socket.readyState === WebSocket.OPEN) {
        asked = now;
        socket.send(JSON.stringify(["pulse"]));
      }
    }, ASK_MS);
    socket.addEventListener("close", () => {
      clearInterval(timer);
      removeEventListener("focus", listen);
      end(why);
    });
  };

  const Plain = window.WebSocket;
  window.WebSocket = class WebSocket extends Plain {
    constructor(path) {
      const url = new URL(path, location.href);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      super(url);
      watch(this);
    }
  };

  addEventListener("DOMContentLoaded", () => {
    document.getElementById("again").addEventListener("click", () => location.reload());
  });
})();
