// Gives a page the element <referral-portal token="…">: a participant's portal in a frame of its own height.
//
//   <script src="https://referrals.example/static/sdk/embed.js" async></script>
//   <referral-portal token="…"></referral-portal>
//
// The token comes from the server of the page (POST /api/v1/portal-tokens) and holds for an hour. When it ends,
// the element sends the event `referral-portal-expired`; set its `token` attribute to a new one, or call
// `event.detail.renew(token)`. `referral-portal-refused` says that the portal did not answer: the token is not
// ours, or this site may not show the portal. Neither cookies nor storage are used.
(() => {
  const NAME = "referral-portal";
  const MESSAGE = `${NAME}:`;
  const ANSWER_MS = 8000;
  const TALLEST = 20000;
  const FIRST_HEIGHT = 640;
  const home = new URL("/portal/embed/", document.currentScript.src);

  class ReferralPortal extends HTMLElement {
    static observedAttributes = ["token", "title"];

    #frame = null;
    #timer = 0;
    #asked = false;
    #hear = (event) => this.#heard(event);

    connectedCallback() {
      window.addEventListener("message", this.#hear);
      this.#show();
    }

    disconnectedCallback() {
      window.removeEventListener("message", this.#hear);
      clearTimeout(this.#timer);
      this.#frame?.remove();
      this.#frame = null;
    }

    attributeChangedCallback(name) {
      if (!this.isConnected) return;
      if (name === "token") this.#show();
      else if (this.#frame) this.#frame.title = this.title || "Referral program";
    }

    #show() {
      const token = this.getAttribute("token");
      clearTimeout(this.#timer);
      this.#asked = false;
      this.#frame?.remove();
      this.#frame = null;
      if (!token) return;
      const frame = document.createElement("iframe");
      const address = new URL(home);
      address.searchParams.set("token", token);
      frame.src = address.href;
      frame.title = this.title || "Referral program";
      frame.allow = navigator.share ? "clipboard-write; web-share" : "clipboard-write";
      frame.referrerPolicy = "no-referrer";
      // Set as properties, which a page's policy on inline styles leaves alone.
      Object.assign(frame.style, { display: "block", width: "100%", border: "0", height: `${FIRST_HEIGHT}px` });
      frame.addEventListener("load", () => this.#greet());
      this.#frame = frame;
      this.append(frame);
    }

    #greet() {
      // A frame that was refused has another origin, so the greeting does not reach it and nobody answers.
      this.#frame.contentWindow.postMessage({ type: `${MESSAGE}hello` }, home.origin);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell("refused", {}), ANSWER_MS);
    }

    #heard(event) {
      if (event.origin !== home.origin || !this.#frame || event.source !== this.#frame.contentWindow) return;
      const { type, height } = Object(event.data);
      if (typeof type !== "string" || !type.startsWith(MESSAGE)) return;
      clearTimeout(this.#timer);
      if (type === `${MESSAGE}height` && Number.isFinite(height)) {
        this.#frame.style.height = `${Math.min(Math.max(Math.ceil(height), 0), TALLEST)}px`;
      } else if (type === `${MESSAGE}expired` && !this.#asked) {
        this.#asked = true;
        this.#tell("expired", { renew: (token) => this.setAttribute("token", token) });
      }
    }

    #tell(what, detail) {
      this.dispatchEvent(new CustomEvent(`${NAME}-${what}`, { bubbles: true, composed: true, detail }));
    }
  }

  if (!customElements.get(NAME)) customElements.define(NAME, ReferralPortal);
})();
