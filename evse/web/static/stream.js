// The live stream. The browser reconnects after a broken connection; after a refusal, and when nothing has come for too
// long, we do it ourselves.

const SILENCE_MS = 12000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 8000;

export class Stream {
  constructor(onMessage, onLink) {
    this.onMessage = onMessage;
    this.onLink = onLink;
    this.wait = FIRST_WAIT_MS;
    this.open();
  }

  open() {
    this.source?.close();
    clearTimeout(this.again);
    const source = new EventSource("/api/stream");
    this.source = source;
    source.onopen = () => { this.wait = FIRST_WAIT_MS; this.alive(); this.onLink(true); };
    source.onmessage = (message) => { this.alive(); this.onMessage(JSON.parse(message.data)); };
    source.addEventListener("alive", () => this.alive());
    source.onerror = () => {
      this.onLink(false);
      if (source.readyState === EventSource.CLOSED) this.refused();
    };
    this.alive();
  }

  async refused() {
    this.later();
    const answer = await fetch("/api/station", { cache: "no-store" }).catch(() => null);
    // Where the page needs a login, its session is over.
    if (answer?.status === 401) location.assign("/login");
  }

  alive() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => { this.onLink(false); this.open(); }, SILENCE_MS);
  }

  later() {
    clearTimeout(this.silence);
    clearTimeout(this.again);
    this.again = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }
}
