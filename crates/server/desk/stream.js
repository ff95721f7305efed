// Server-sent events that go on where they were, also where the browser itself gives up.

const LONGEST_WAIT_MS = 15_000;

// `handlers.line` hears what is wrong with the line: "lost", "full", "elsewhere", "expired", or null.
export function follow(url, handlers) {
  let source = null;
  let last = null;
  let wait = 1000;
  let timer = 0;
  let left = false;

  function target() {
    const place = new URL(url, location.href);
    if (last !== null) place.searchParams.set("last_event_id", last);
    return place;
  }

  function open() {
    left = false;
    source = new EventSource(target());
    source.onopen = () => { wait = 1000; handlers.line?.(null); };
    source.onerror = () => {
      // On an answer that is no stream (full, stopping, over, no session) the browser gives up.
      if (source.readyState === EventSource.CLOSED) again();
      else handlers.line?.("lost");
    };
    for (const name of ["waiting", "call", "update", "outcome", "transferred", "end"]) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) last = event.lastEventId;
        if (handlers.endsWithCall && (name === "end" || name === "transferred")) close();
        handlers[name]?.(JSON.parse(event.data));
      });
    }
  }

  async function again() {
    source.close();
    const why = await reason(target());
    if (left) return;
    if (why === "over") { handlers.end?.(); return; }
    handlers.line?.(why);
    if (why === "expired") return;
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  function close() {
    left = true;
    clearTimeout(timer);
    source?.close();
  }

  addEventListener("pagehide", close);
  // A page that the browser brings back from its memory follows again.
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
  return close;
}

// A path of this server with what is asked; an open server's tenant goes along.
export function query(path, values) {
  const asked = new URLSearchParams(values);
  const tenant = new URLSearchParams(location.search).get("tenant");
  if (tenant) asked.set("tenant", tenant);
  return `${path}?${asked}`;
}

// What the server says in one reply, asked again while it has no room or can't be reached; null where
// it has nothing to say.
export async function ask(path) {
  for (let wait = 1000; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      const reply = await fetch(path, { cache: "no-store" });
      if (reply.ok) return await reply.json();
      if (reply.status !== 503) return null;
    } catch { /* no connection now */ }
    await new Promise((later) => setTimeout(later, wait));
  }
}

// Why there is no stream. An EventSource does not say it, so the server is asked again.
async function reason(stream) {
  const target = new URL("/desk/api/session", location.href);
  target.search = stream.search;
  try {
    const reply = await fetch(target, { cache: "no-store" });
    if (reply.status === 401 || reply.status === 403) return "expired";
    if (reply.status === 404) return "elsewhere";
    if (!reply.ok) return "lost";
    const { full, over } = await reply.json();
    return over ? "over" : full ? "full" : "lost";
  } catch {
    return "lost";
  }
}
