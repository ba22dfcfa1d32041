// Inside <referral-portal>: tells the page around it how tall it is and when its token ends.
// It speaks only to the page that greeted it, and only if that page's origin may show the portal.
const GREETING = "referral-portal:hello";
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function speakToParent(view) {
  const frame = view.document.querySelector("[data-embed]");
  if (!frame || view.parent === view) return;
  const origins = frame.dataset.origins.split(" ").filter(Boolean);
  let listener = "";
  const say = (message) => {
    if (listener) view.parent.postMessage(message, listener);
  };
  const sayHeight = () => {
    const height = Math.ceil(frame.getBoundingClientRect().bottom + view.scrollY);
    say({ type: "referral-portal:height", height });
  };
  view.addEventListener("message", (event) => {
    if (event.source !== view.parent || !origins.includes(event.origin) || event.data?.type !== GREETING) return;
    listener = event.origin;
    sayHeight();
    if (frame.dataset.embed !== "open") say({ type: `referral-portal:${frame.dataset.embed}` });
  });
  new ResizeObserver(sayHeight).observe(frame);
  if (frame.dataset.expires) {
    const left = Date.parse(frame.dataset.expires) - Date.now();
    setTimeout(() => say({ type: "referral-portal:expired" }), Math.min(Math.max(left, 0), LONGEST_TIMER_MS));
  }
}
