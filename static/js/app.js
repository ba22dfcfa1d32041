// Every page loads this one module; without it all pages still work.
import { offerConfirmation } from "./confirm.js";
import { offerCopying } from "./copy.js";

offerConfirmation(document);
offerCopying(document);
