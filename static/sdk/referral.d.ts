// Types of https://<your referral host>/static/sdk/referral.js, which puts `referral` on the window.

export interface Person {
  /** Your own id of the customer, at most 255 characters. */
  customerExternalId: string;
  customerEmail?: string;
  customerName?: string;
  /** ISO 3166, two capital letters. */
  customerCountry?: string;
  /** A participant's promo code, which earns credit without a click. */
  promoCode?: string;
  /** Replaces the click that was remembered. */
  clickId?: string;
  eventName?: string;
  /** ISO 8601 with a time zone, for what happened earlier. */
  occurredAt?: string;
  metadata?: Record<string, unknown>;
}

export interface Sale extends Person {
  /** Net, in whole minor units: 1999 for 19.99. */
  amount: number;
  /** ISO 4217. */
  currency: string;
  /** Names the purchase: a second report of it changes nothing. */
  invoiceId: string;
}

export interface Visit {
  clickId?: string;
  /** The referral link's code. */
  code?: string;
  /** The discount that the address brought. */
  coupon?: string;
}

export interface Answer {
  conversion: { id: string; kind: string; status: string; [field: string]: unknown };
  /** Whether it was known already. */
  duplicate: boolean;
}

export interface Referral {
  /** Report a sign-up. Null when it was not recorded: refused, offline, or without consent. */
  (call: "lead", lead: Person): Promise<Answer | null>;
  /** Report a purchase, with a key that pages may report sales with. */
  (call: "sale", sale: Sale): Promise<Answer | null>;
  /** `true` lets everything begin; anything else erases what is stored and stops. */
  (call: "consent", given: boolean): void;
  /** Hear what is known of the visit, after a click that is being reported. */
  (call: "ready", callback: (visit: Visit) => void): Promise<void>;
  /** Look for forms and coupon fields again, after the page has drawn some. */
  (call: "apply"): void;
  /** Calls made before the script was there. */
  q?: unknown[];
}

declare global {
  interface Window {
    referral: Referral;
  }
}
