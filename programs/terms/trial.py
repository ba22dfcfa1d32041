"""Terms about fraud with some fields changed, to see what they would do before anybody publishes them."""

from __future__ import annotations

from collections.abc import Mapping

from programs.terms.document import TermsInvalid
from programs.terms.fraud import FraudTerms, dump_fraud, read_fraud
from programs.terms.reader import FieldError, Reader


def change_fraud(terms: FraudTerms, changes: Mapping[str, object], *, path: str = "settings.") -> FraudTerms:
    """Return terms with the fields of `changes`, which are written as in the terms' document.

    `weights` changes the rules it names; every other field is replaced. Where only one of `shadow` and `off`
    is given, it wins over the other. Raises TermsInvalid with all faults at once; `path` begins their names.
    """
    document = {**dump_fraud(terms), **changes}
    weights = changes.get("weights")
    if isinstance(weights, Mapping):
        document["weights"] = {**dict(terms.weights), **weights}
    for given, other in (("off", "shadow"), ("shadow", "off")):
        stated = changes.get(given)
        if isinstance(stated, list) and other not in changes:
            document[other] = [rule for rule in getattr(terms, other) if rule not in stated]
    errors: list[FieldError] = []
    changed = read_fraud(Reader(document, errors, path))
    if errors:
        raise TermsInvalid(tuple(errors))
    return changed
