"""Reads about rewards, the ledger and payouts."""

from rewards.queries.adjustments import (adjustment_limit, adjustments, transfers_of_adjustment,)
from rewards.queries.agreement import (BatchSums, batch_sums,)
from rewards.queries.approving import (due_for_a_person, why_a_person,)
from rewards.queries.books import (Checked, Difference, Sums, check_books, differences, sums,)
from rewards.queries.candidates import (LeftOut, PayableRow, PayableTotal, Preview, SHOWN, payable, payable_customers, payable_totals, preview,)
from rewards.queries.checks import (BooksReport, CheckReport, books_report,)
from rewards.queries.destinations import (Destination, destination_of, full_address, open_details, payout_accounts_of, payout_destinations,)
from rewards.queries.digests import (Verdict, digest_line, verdict,)
from rewards.queries.doubts import (answer_for_case, rewards_of_case, with_money_on_hold,)
from rewards.queries.ledger import (StatementLine, accounts, balance, balances_of, statement, transfers_through,)
from rewards.queries.liability import (Liability, PLACES, in_place, liability,)
from rewards.queries.money import (money_settings,)
from rewards.queries.payouts import (OPEN, bank_file, batches, changed_accounts, fees_of, overdrawn_in, payouts_by_status, payouts_for, payouts_of,)
from rewards.queries.promotions import (PromotionFigures, promotion_figures,)
from rewards.queries.rates import (conversions_waiting, currencies_waiting, entered_rates, latest_references, rates_for, waiting_for_rate,)
from rewards.queries.reached import (Revenue, conversions_below_tier, converted_friends, revenue, streak,)
from rewards.queries.rewards import (Refusal, Total, answer_for_conversion, answer_for_referral, approval_refusal, changes_of, listed, named, of_referral, programs_of, public_reward, rewards, rewards_for, rewards_of, totals, transfers_of,)
from rewards.queries.statements import (Entry, Statement, statement_for,)
from rewards.queries.tax import (open_number, paid_in_year, paid_payouts, programs_asking, tax_details, tax_details_of, tax_refusals, year_totals, years_paid,)

__all__ = [
    "OPEN",
    "PLACES",
    "SHOWN",
    "BatchSums",
    "BooksReport",
    "CheckReport",
    "Checked",
    "Destination",
    "Difference",
    "Entry",
    "LeftOut",
    "Liability",
    "PayableRow",
    "PayableTotal",
    "Preview",
    "PromotionFigures",
    "Refusal",
    "Revenue",
    "Statement",
    "StatementLine",
    "Sums",
    "Total",
    "Verdict",
    "accounts",
    "adjustment_limit",
    "adjustments",
    "answer_for_case",
    "answer_for_conversion",
    "answer_for_referral",
    "approval_refusal",
    "balance",
    "balances_of",
    "bank_file",
    "batch_sums",
    "batches",
    "books_report",
    "changed_accounts",
    "changes_of",
    "check_books",
    "conversions_below_tier",
    "conversions_waiting",
    "converted_friends",
    "currencies_waiting",
    "destination_of",
    "differences",
    "digest_line",
    "due_for_a_person",
    "entered_rates",
    "fees_of",
    "full_address",
    "in_place",
    "latest_references",
    "liability",
    "listed",
    "money_settings",
    "named",
    "of_referral",
    "open_details",
    "open_number",
    "overdrawn_in",
    "paid_in_year",
    "paid_payouts",
    "payable",
    "payable_customers",
    "payable_totals",
    "payout_accounts_of",
    "payout_destinations",
    "payouts_by_status",
    "payouts_for",
    "payouts_of",
    "preview",
    "programs_asking",
    "programs_of",
    "promotion_figures",
    "public_reward",
    "rates_for",
    "revenue",
    "rewards",
    "rewards_for",
    "rewards_of",
    "rewards_of_case",
    "statement",
    "statement_for",
    "streak",
    "sums",
    "tax_details",
    "tax_details_of",
    "tax_refusals",
    "totals",
    "transfers_of",
    "transfers_of_adjustment",
    "transfers_through",
    "verdict",
    "waiting_for_rate",
    "why_a_person",
    "with_money_on_hold",
    "year_totals",
    "years_paid",
]
