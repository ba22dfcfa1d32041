// Every page loads this one module; without it all pages still work.
import { offerChoosingAll } from "./choose.js";
import { offerConfirmation } from "./confirm.js";
import { offerCopying } from "./copy.js";

offerChoosingAll(document);
offerConfirmation(document);
offerCopying(document);
