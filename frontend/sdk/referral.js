// Remembers by which referral a visitor came, and tells the platform of sign-ups and sales. No dependency.
//
//   <script src="https://referrals.example/static/sdk/referral.js" data-key="pk_…" defer></script>
//
// docs/snippet.md explains every attribute and call; referral.d.ts has the types. Nothing here may throw into
// the page: whatever the browser or the page calls goes through `guarded`.

const NAME = "referral";
const CODE = /^[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])$/i;
const CLICK = /^clk_[0-9a-z]{8,36}$/;
const VISITOR = /^[\w-]{8,40}$/;
// What a shop's own discount looks like; wider than our codes, since the shop decides.
const COUPON = /^[\w-]{2,64}$/;
const SEPARATOR = "|";
const DAY_MS = 86_400_000;
// The platform takes another click of the same link within an hour for a repetition.
const REPEAT_MS = 3_600_000;
const COUPON_FIELDS = ["coupon_code", "discount", "coupon", "promo_code", "discount_code", "reductions"]
  .map((name) => `input[name="${name}" i]`)
  .join();

const script = document.currentScript ?? document.querySelector('script[data-key^="pk_"]');
const options = script?.dataset ?? {};
const days = Math.min(Math.max(parseInt(options.days ?? "90", 10) || 90, 1), 400);

function noted(error) {
  if ("debug" in options) console.debug(NAME, error);
}

function guarded(work) {
  return function (...given) {
    try {
      return work.apply(this, given);
    } catch (error) {
      noted(error);
    }
  };
}

// What is known of the visit: `click` and `visitor` are the platform's ids, `code` the link's, `coupon` the shop's.
let known = {};
// "wait": nothing is stored, read or sent; "no": nor will it be, until consent is given.
let consent = options.consent === "wait" ? "wait" : "yes";
const waiting = [];
// What the address brought and consent has not let in yet.
let arrived = {};
let underWay = Promise.resolve();
// A coupon that the address brought just now, for the cart that has to be told once.
let freshCoupon;
const filled = new WeakSet();

// Storage: a first-party cookie, and the page's own storage where cookies are turned off.

function attributes(seconds) {
  const domain = /^\.?[a-z0-9.-]+$/i.test(options.domain ?? "") ? `; Domain=${options.domain}` : "";
  const secure = location.protocol === "https:" ? "; Secure" : "";
  return `; Path=/; Max-Age=${seconds}; SameSite=Lax${domain}${secure}`;
}

const readCookie = guarded(() => document.cookie.split("; ").find((each) => each.startsWith(`${NAME}=`))?.slice(NAME.length + 1));
const writeCookie = guarded((value, seconds) => {
  document.cookie = `${NAME}=${value}${attributes(seconds)}`;
});
const readStored = guarded(() => localStorage.getItem(NAME));
const writeStored = guarded((value) => localStorage.setItem(NAME, value));
const removeStored = guarded(() => localStorage.removeItem(NAME));

function valid(value, form) {
  return typeof value === "string" && form.test(value) ? value : undefined;
}

// The stored text is the page's to change, so each part is checked like one of the address.
function recall() {
  const [at, click, visitor, code, coupon] = (readCookie() ?? readStored() ?? "").split(SEPARATOR);
  const since = Number(at);
  if (!(since > Date.now() - days * DAY_MS && since <= Date.now())) return;
  const found = {
    at: since,
    click: valid(click, CLICK),
    visitor: valid(visitor, VISITOR),
    code: valid(code, CODE),
    coupon: valid(coupon, COUPON),
  };
  known = { ...found, ...known };
}

function remember() {
  if (consent !== "yes") return;
  const { at, click, visitor, code, coupon } = known;
  const value = [at, click, visitor, code, coupon].map((part) => part ?? "").join(SEPARATOR);
  writeCookie(value, days * 86_400);
  if (readCookie() === value) removeStored();
  else writeStored(value);
}

function forget() {
  known = {};
  arrived = {};
  for (const [, resolve] of waiting.splice(0)) resolve(null);
  writeCookie("", 0);
  removeStored();
}

// Calls.

async function send(call, body) {
  try {
    const answer = await fetch(new URL(`api/v1/track/${call}`, options.api || new URL("../../", script.src)), {
      method: "POST",
      headers: { Authorization: `Bearer ${options.key}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "strict-origin-when-cross-origin",
      // The page may be left at this very moment.
      keepalive: true,
    });
    const data = await answer.json();
    if (answer.ok) return data;
    noted(data.error);
    // What was remembered may be older than what the platform keeps; the fact itself is not to be lost with it.
    if (body.clickId && body.clickId === known.click && data.error?.code === "unknown_click")
      return send(call, { ...body, clickId: undefined });
  } catch (error) {
    noted(error);
  }
  return null;
}

// A code without a click, as of a link that leads here directly: the click is reported, once.
async function report(code) {
  const body = { key: code, url: location.origin + location.pathname };
  if (document.referrer) body.referrer = document.referrer.slice(0, 2000);
  if (known.visitor) body.visitorId = known.visitor;
  else if (known.click) body.clickId = known.click;
  const answer = await send("click", body);
  if (!answer || consent !== "yes") return;
  known.click = valid(answer.click_id, CLICK) ?? known.click;
  known.visitor = valid(answer.visitor_id, VISITOR) ?? known.visitor;
  remember();
  decorate();
}

// Waits for consent and for a click that is being reported, so that the fact names it.
function track(call, given) {
  const run = async () => {
    await underWay;
    return send(call, { ...(known.click && { clickId: known.click }), ...given });
  };
  if (consent === "yes") return run();
  if (consent === "no") return Promise.resolve(null);
  return new Promise((resolve) => waiting.push([run, resolve]));
}

// What the address says.

const look = guarded(() => {
  const query = new URLSearchParams(location.search);
  const first = (form, ...names) => names.map((name) => valid(query.get(name), form)).find(Boolean);
  const found = {
    click: first(CLICK, "referral_click"),
    code: first(CODE, "via", "ref"),
    coupon: first(COUPON, "coupon", "promo", "discount"),
  };
  for (const name in found) if (found[name]) arrived[name] = found[name];
  take();
});

function take() {
  if (consent === "yes" && Object.keys(arrived).length) {
    const { click, code, coupon } = arrived;
    arrived = {};
    const repeated = code && code === known.code && known.click && known.at > Date.now() - REPEAT_MS;
    freshCoupon = coupon ?? (options.apply === "code" ? code : undefined);
    known.coupon = freshCoupon ?? known.coupon;
    if (code) known.code = code;
    if (click && click !== known.click) Object.assign(known, { click, at: Date.now() });
    else if (code && !click && !repeated) {
      known.at = Date.now();
      underWay = underWay.then(() => report(code));
    }
    known.at ??= Date.now();
    remember();
  }
  decorate();
}

// What the page shows: marked forms and places, coupon fields, links to the shop's other hosts.

function put(field, value) {
  if (field.value || field.readOnly || field.disabled || filled.has(field)) return;
  // Once: whoever empties it means it.
  filled.add(field);
  // By the element's own setter, which scripts that keep a field's state listen behind.
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, value);
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
}

const decorate = guarded(() => {
  const { click, code, coupon } = known;
  for (const form of document.querySelectorAll("form[data-referral]")) {
    for (const [name, value] of [["referral_click", click], ["referral_code", code]]) {
      let field = form.querySelector(`input[type=hidden][name=${name}]`);
      if (!value) continue;
      if (!field) {
        field = document.createElement("input");
        field.type = "hidden";
        field.name = name;
        form.append(field);
      }
      field.value = value;
    }
  }
  const shown = coupon ?? code;
  for (const place of shown ? document.querySelectorAll("[data-referral-code]") : []) {
    if (place instanceof HTMLInputElement) put(place, shown);
    else if (place.textContent !== shown) place.textContent = shown;
  }
  if (!coupon) return;
  document.querySelectorAll(COUPON_FIELDS).forEach((field) => put(field, coupon));
  // Shopify keeps a discount for the checkout once its address was opened; the redirect spares it a whole page.
  if (window.Shopify?.shop && freshCoupon) {
    const address = `/discount/${encodeURIComponent(freshCoupon)}?redirect=/cart.js`;
    freshCoupon = undefined;
    fetch(address, { credentials: "same-origin" }).catch(noted);
  }
});

const handOver = guarded((event) => {
  const link = event.target?.closest?.("a[href]");
  const hosts = (options.handover ?? "").split(/[\s,]+/).filter(Boolean);
  if (!link || !known.click || !/^https?:$/.test(link.protocol) || !hosts.includes(link.host)) return;
  const address = new URL(link.href);
  address.searchParams.set("referral_click", known.click);
  link.href = address.href;
});

// The page's side.

const commands = {
  __proto__: null,
  lead: (given) => track("lead", given),
  sale: (given) => track("sale", given),
  consent(given) {
    if (given !== true) {
      consent = "no";
      forget();
      return;
    }
    if (consent !== "yes") {
      consent = "yes";
      recall();
      take();
    }
    for (const [run, resolve] of waiting.splice(0)) run().then(resolve, () => resolve(null));
  },
  ready: async (callback) => {
    await underWay;
    callback({ clickId: known.click, code: known.code, coupon: known.coupon });
  },
  apply: () => decorate(),
};

const call = guarded((name, ...given) => {
  if (!commands[name]) throw new Error(`There is no call ${name}.`);
  // A rejection that nobody handles would show as a fault of the page.
  return commands[name](...given)?.catch((error) => {
    noted(error);
    return null;
  });
});

const start = guarded(() => {
  const early = window[NAME]?.q ?? [];
  // The tag stands in the page twice.
  if (window[NAME]?.here) return;
  call.here = true;
  window[NAME] = call;
  if (consent === "yes") recall();
  look();
  for (const name of ["pushState", "replaceState"]) {
    guarded(() => {
      const original = history[name];
      history[name] = function (...given) {
        const outcome = original.apply(this, given);
        look();
        return outcome;
      };
    })();
  }
  addEventListener("popstate", look);
  document.addEventListener("DOMContentLoaded", decorate);
  // Carts and forms that are drawn later are met when somebody turns to them.
  for (const kind of ["focusin", "submit"]) document.addEventListener(kind, decorate, true);
  for (const kind of ["click", "auxclick"]) document.addEventListener(kind, handOver, true);
  for (const given of early) call(...given);
});

start();
