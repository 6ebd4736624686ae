"""Phone numbers as Quo wants them: E.164, or nothing.

`phonenumbers` costs 30-40 ms to import and some 20 µs a number, so it is loaded on the first number
that needs it. Plain North American numbers are read without it, by the same rule.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_NANP_REGIONS = frozenset({"US", "CA"})
_NANP_E164 = re.compile(r"\+1[2-9][0-9]{9}", re.ASCII)
_NANP_NATIONAL = re.compile(
    r"(?:\+?1[-. ]?)?\(?([2-9][0-9]{2})\)?[-. ]{0,2}([0-9]{3})[-. ]?([0-9]{4})", re.ASCII
)


def to_e164(text: str | None, region: str) -> str | None:
    """The number in E.164, or None when it cannot be one.

    A number without a country code is read as one dialled in `region`. Accepted is what has the
    right length for its country and lies in that country's numbering plan: libphonenumber's test
    against every range known to be assigned refuses real numbers of ranges younger than its data.
    E.164 has no extension: `x12`, `ext. 12` and `;ext=12` are dropped.
    """
    if not text:
        return None
    if _NANP_E164.fullmatch(text):
        return text
    if region in _NANP_REGIONS and (plain := _NANP_NATIONAL.fullmatch(text)):
        return f"+1{plain[1]}{plain[2]}{plain[3]}"
    return _parsed(text, region)


def is_region(code: str) -> bool:
    """Whether numbers can be read as dialled there: a region of libphonenumber (`US`, `GB`)."""
    if code in _NANP_REGIONS:
        return True
    from phonenumbers import SUPPORTED_REGIONS

    return code in SUPPORTED_REGIONS


def _parsed(text: str, region: str) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE or not _in_plan(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _in_plan(number: PhoneNumber) -> bool:
    """Whether any number of the country begins like this one (`+1 0…` and `+1 1…` never do)."""
    from phonenumbers import (
        PhoneMetadata,
        national_significant_number,
        region_code_for_country_code,
    )

    code = number.country_code or 0
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(
        code, region_code_for_country_code(code)
    )
    plan = metadata.general_desc if metadata else None
    if plan is None or plan.national_number_pattern is None:
        return False
    return bool(re.fullmatch(plan.national_number_pattern, national_significant_number(number)))
