// Runs Lighthouse as on a phone: `node tests/e2e/lighthouse.mjs '{"chromium": "…", "flags": […], "pages": [{"name", "url", "cookie"}]}'`
// and prints one line of JSON for each page: its scores, its main figures, and what kept a score from 100.
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const { chromium, flags, pages } = JSON.parse(process.argv[2]);
const CATEGORIES = ["performance", "accessibility"];
const FIGURES = [
  "first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift", "speed-index",
];

function lost(result, name) {
  return result.categories[name].auditRefs
    .map(({ id, weight }) => ({ weight, audit: result.audits[id] }))
    .filter(({ weight, audit }) => weight > 0 && audit.score !== null && audit.score < 1)
    .map(({ audit }) => `${audit.id} ${audit.displayValue ?? ""} ${(audit.details?.items ?? [])
      .map((item) => item.node?.selector)
      .filter(Boolean)
      .join(", ")}`.trim());
}

for (const { name, url, cookie } of pages) {
  const browser = await launch({
    chromePath: chromium,
    chromeFlags: ["--headless=new", ...flags],
    logLevel: "silent",
  });
  try {
    const { lhr } = await lighthouse(url, {
      port: browser.port,
      onlyCategories: CATEGORIES,
      extraHeaders: cookie ? { Cookie: cookie } : {},
      logLevel: "silent",
    });
    if (lhr.runtimeError) throw new Error(`${name}: ${lhr.runtimeError.message}`);
    console.log(JSON.stringify({
      name,
      status: lhr.audits["network-requests"]?.details?.items?.[0]?.statusCode ?? 0,
      scores: Object.fromEntries(CATEGORIES.map((each) => [each, Math.round(100 * lhr.categories[each].score)])),
      figures: Object.fromEntries(FIGURES.map((each) => [each, lhr.audits[each].displayValue])),
      lost: CATEGORIES.flatMap((each) => lost(lhr, each)),
    }));
  } finally {
    await browser.kill();
  }
}
