/**
 * What makes the page live: at each event of the hub it fetches the page anew and changes only what is another, so that
 * neither a selection nor the reader's place is lost, and a screen reader is told of nothing that stayed.
 */
export const pageScript: string = `"use strict";
const notice = document.getElementById("notice");
let fetching = false;
let again = false;
let lost = false;

function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) return old.replaceWith(document.importNode(fresh, true));
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  for (const [at, node] of after.entries()) {
    if (at < before.length) morph(before[at], node);
    else old.append(document.importNode(node, true));
  }
  for (const node of before.slice(after.length)) node.remove();
}

function tell(isLost) {
  if (isLost === lost) return;
  lost = isLost;
  document.documentElement.classList.toggle("lost", lost);
  notice.hidden = !lost;
  notice.textContent = lost ? "The hub does not answer. What stands here is as of " + new Date().toLocaleTimeString() + "." : "";
}

async function refresh() {
  again = document.hidden || fetching;
  if (again) return;
  fetching = true;
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const made = (page) => page.querySelector("meta[name=holdfast-page]").content;
    if (made(fresh) !== made(document)) return location.reload();
    document.title = fresh.title;
    for (const id of ["icon", "top", "main", "foot"]) morph(document.getElementById(id), fresh.getElementById(id));
    tell(false);
  } catch {
    tell(true);
  }
  fetching = false;
  if (again) void refresh();
}

function listen() {
  const events = new EventSource("/v1/events");
  for (const name of ["status", "heartbeat"]) events.addEventListener(name, refresh);
  events.addEventListener("error", () => {
    void refresh();
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 10000);
  });
}

document.addEventListener("visibilitychange", () => {
  if (again && !document.hidden) void refresh();
});
listen();
`;
