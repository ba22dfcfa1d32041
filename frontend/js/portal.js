// Everything the portal and the landing page need; both work without it.
import { offerLink } from "./portal/copying.js";
import { speakToParent } from "./portal/framing.js";
import { offerDialogs, offerPhoneSharing } from "./portal/sharing.js";

offerLink(document);
offerDialogs(document);
offerPhoneSharing(document);
speakToParent(window);
