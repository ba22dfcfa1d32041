// Everything the portal and the landing page need; both work without it.
import { offerConfirmation } from "./confirm.js";
import { offerCopying } from "./copy.js";

offerConfirmation(document);
offerCopying(document);
