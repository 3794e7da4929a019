// Keeps the list current while the page is seen, and writes times as this
// machine does. The page works without it.
"use strict";
(() => {
  const every = 3000;
  let seen = null;

  function writeTimes() {
    const today = new Date().toDateString();
    for (const time of document.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      time.title = at.toLocaleString();
      time.textContent = time.classList.contains("full")
        ? at.toLocaleString(undefined, { dateStyle: "long", timeStyle: "medium" })
        : at.toDateString() === today
          ? at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
          : at.toLocaleDateString(undefined, { day: "numeric", month: "short" });
    }
  }

  async function state() {
    const answer = await fetch("/api/v1/messages?limit=1", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const { total, unread, messages } = await answer.json();
    return [total, unread, messages.length ? messages[0].ID : ""].join(" ");
  }

  async function refresh() {
    const answer = await fetch(location.href, { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = ["list", "count"];
    // The pane is left alone while somebody reads a message in it.
    for (const id of parts) document.getElementById(id).replaceWith(fresh.getElementById(id));
    if (!document.querySelector("article")) document.querySelector(".pane").replaceWith(fresh.querySelector(".pane"));
    const form = document.querySelector("header form"), freshForm = fresh.querySelector("header form");
    if (!form && freshForm) document.querySelector("header").append(freshForm);
    if (form && !freshForm) form.remove();
    document.title = fresh.title;
    writeTimes();
  }

  async function look() {
    if (!document.hidden) {
      try {
        const now = await state();
        if (seen !== null && now !== seen) await refresh();
        seen = now;
      } catch {
        // The server is away; the next look will tell.
      }
    }
    setTimeout(look, every);
  }

  document.addEventListener("submit", (event) => {
    if (event.target.matches("header form") && !confirm("Delete all messages?")) event.preventDefault();
  });
  writeTimes();
  look();
})();
