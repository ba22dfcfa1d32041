// Every page of the console loads this one module; without it all pages still work.
import Alpine from "@alpinejs/csp";
import htmx from "htmx.org";

import "./brand.js";
import { offerChoosingAll } from "./choose.js";
import { offerConditions } from "./conditions.js";
import { offerConfirmation } from "./confirm.js";
import { offerCopying } from "./copy.js";
import { adaptRules } from "./editor.js";
import { guardForms } from "./guard.js";
import { offerKeys } from "./keys.js";
import { offerBulk } from "./lists.js";
import { offerSearch } from "./search.js";
import { closeMenus, dismissToasts, keepGroups } from "./shell.js";

// The content security policy allows neither evaluated code nor styles in the page.
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
window.htmx = htmx;
window.Alpine = Alpine;

function enhance(root) {
  adaptRules(root);
  offerChoosingAll(root);
  offerConditions(root);
  offerBulk(root);
  offerConfirmation(root);
  offerCopying(root);
  guardForms(root);
  dismissToasts(root);
}

enhance(document);
closeMenus(document);
keepGroups(document);
offerSearch(document);
offerKeys(document);
document.body.addEventListener("htmx:load", (event) => {
  if (event.target !== document.body) enhance(event.target);
});
// Django wants its token with every request that changes something.
document.body.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (token) event.detail.headers["X-CSRFToken"] = token.value;
});
Alpine.start();
