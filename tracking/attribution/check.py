"""Whether a stored record still says what its inputs say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from tracking.attribution.canonical import digest, digest_of_texts, inputs_text, result_text
from tracking.attribution.record import OtherFormat, encode_decision, replay


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()
_NOT_AS_WRITTEN = "the stored inputs or the digest were changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a record first differs from what it replays to, in order of keys, and what follows from that.

    `field` is a path such as `result.credits[0].amount_minor`, `digest`, or `inputs` where they cannot be
    decided; `stored` and `replayed` are what it says and what it should.
    """

    field: str
    stored: str
    replayed: str
    meaning: str


def check_record(
    *, inputs: Mapping[str, Any], result: Mapping[str, Any], stored_digest: str
) -> Difference | None:
    """Replay a stored record; None when result and digest are the same to the byte.

    Raises OtherFormat for a record of another format whose digest is right.
    """
    try:
        replayed = encode_decision(replay(inputs))
    except OtherFormat:
        if digest(inputs, result) == stored_digest:
            raise
        return Difference("digest", stored_digest, digest(inputs, result), _NOT_AS_WRITTEN)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Difference("inputs", f"cannot be decided: {error!r}", "a decision", _NOT_AS_WRITTEN)
    right = digest_of_texts(inputs_text(inputs), result_text(replayed))
    if _same_bytes(result, replayed):
        if right == stored_digest:
            return None
        return Difference("digest", stored_digest, right, _NOT_AS_WRITTEN)
    path, stored, expected = next(_differences("result", result, replayed))
    meaning = _NOT_AS_WRITTEN
    if right == stored_digest:
        meaning = "the stored result was changed"
    elif digest(inputs, result) == stored_digest:
        meaning = "the record is as it was written, and this program decides otherwise"
    return Difference(path, stored, expected, meaning)


def _same_bytes(result: Mapping[str, Any], replayed: Mapping[str, Any]) -> bool:
    """Tell whether two results have the same canonical JSON, without writing both.

    Equal values do, but for numbers: 1, 1.0 and True are equal. A replayed result has integers only.
    """
    return result == replayed and all(
        type(credit["weight_ppm"]) is int and type(credit["amount_minor"]) is int
        for credit in result["credits"]
    )


def _differences(path: str, stored: object, replayed: object) -> Iterator[tuple[str, str, str]]:
    """Yield path, stored and replayed value of every leaf that differs."""
    if isinstance(stored, dict) and isinstance(replayed, dict):
        for key in sorted(stored.keys() | replayed.keys()):
            yield from _differences(f"{path}.{key}", stored.get(key, _ABSENT), replayed.get(key, _ABSENT))
    elif isinstance(stored, list) and isinstance(replayed, list):
        for index, (left, right) in enumerate(zip_longest(stored, replayed, fillvalue=_ABSENT)):
            yield from _differences(f"{path}[{index}]", left, right)
    elif type(stored) is not type(replayed) or stored != replayed:
        yield path, repr(stored), repr(replayed)
