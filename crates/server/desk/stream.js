// Server-sent events that go on where they were, also where the browser itself gives up.

const LONGEST_WAIT_MS = 15_000;

export function follow(url, handlers) {
  let source = null;
  let last = null;
  let wait = 1000;
  let timer = 0;

  function open() {
    const target = new URL(url, location.href);
    if (last !== null) target.searchParams.set("last_event_id", last);
    source = new EventSource(target);
    source.onopen = () => { wait = 1000; handlers.connected?.(true); };
    source.onerror = () => {
      handlers.connected?.(false);
      // On an answer that is no stream (full, stopping, no session) the browser gives up.
      if (source.readyState === EventSource.CLOSED) again();
    };
    for (const name of ["waiting", "call", "update", "outcome", "end"]) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) last = event.lastEventId;
        if (name === "end" && handlers.endsWithCall) close();
        handlers[name]?.(JSON.parse(event.data));
      });
    }
  }

  async function again() {
    source.close();
    if (await expired(url)) { handlers.expired?.(); return; }
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  function close() {
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

// Whether the server no longer knows who this is; false where it can't be asked now.
async function expired(url) {
  const target = new URL("/desk/api/session", location.href);
  target.search = new URL(url, location.href).search;
  try {
    const reply = await fetch(target, { cache: "no-store" });
    return reply.status === 401 || reply.status === 403;
  } catch {
    return false;
  }
}
