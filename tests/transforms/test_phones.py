from __future__ import annotations

import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import phones
from transforms.phones import is_region, to_e164


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        # North America
        ("(817) 569-8900", "US", "+18175698900"),
        ("817-569-8900", "US", "+18175698900"),
        ("817.569.8900", "US", "+18175698900"),
        ("8175698900", "US", "+18175698900"),
        ("18175698900", "US", "+18175698900"),
        ("1-817-569-8900", "US", "+18175698900"),
        ("+18175698900", "US", "+18175698900"),
        ("+1 817 569 8900", "GB", "+18175698900"),
        ("(555) 123-4567", "US", "+15551234567"),
        ("555*555*5555", "US", "+15555555555"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("(604) 555-0100", "CA", "+16045550100"),
        ("tel:+1-202-555-0143", "US", "+12025550143"),
        ("\uff0b1 202 555 014\uff13", "US", "+12025550143"),
        # extensions are not part of E.164
        ("858-877-7382 x12", "US", "+18588777382"),
        ("858-877-7382 ext. 12", "US", "+18588777382"),
        ("+1-858-877-7382;ext=12", "US", "+18588777382"),
        # the region is where a number without a country code is dialled
        ("020 7946 0018", "GB", "+442079460018"),
        ("(0)20 7946 0018", "GB", "+442079460018"),
        ("00 49 30 123456", "GB", "+4930123456"),
        ("011 44 20 7946 0018", "US", "+442079460018"),
        ("030 123456", "DE", "+4930123456"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 6982 1234", "IT", "+390669821234"),
        ("0412 345 678", "AU", "+61412345678"),
        ("098765 43210", "IN", "+919876543210"),
        ("(11) 96123-4567", "BR", "+5511961234567"),
        ("55 1234 5678", "MX", "+525512345678"),
        ("090-1234-5678", "JP", "+819012345678"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("+49 (0)30 123456", "US", "+4930123456"),
        ("+800 1234 5678", "US", "+80012345678"),
    ],
)
def test_numbers_become_e164(text: str, region: str, expected: str) -> None:
    assert to_e164(text, region) == expected


@pytest.mark.parametrize(
    ("text", "region"),
    [
        (None, "US"),
        ("", "US"),
        ("+", "US"),
        ("none", "US"),
        ("+189", "US"),
        ("+1111111", "US"),
        ("858-877-7382 832432232", "US"),
        ("858-877-7382 / 858-877-7383", "US"),
        ("555-1234", "US"),
        ("310-1234", "CA"),
        ("+10005551234", "US"),
        ("1111111111", "US"),
        ("0000000000", "US"),
        ("+1858877738", "US"),
        ("+185887773820", "US"),
        ("+999 1234567", "US"),
        ("12345", "GB"),
        ("8588777382", "ZZ"),
        ("8" * 400, "US"),
    ],
)
def test_what_cannot_be_a_number_is_none(text: str | None, region: str) -> None:
    assert to_e164(text, region) is None


SHAPES = (
    "{}{}{}",
    "({}) {}-{}",
    "{}-{}-{}",
    "{}.{}.{}",
    "{} {} {}",
    "1{}{}{}",
    "+1{}{}{}",
    "+1 ({}) {}-{}",
)


@given(
    st.sampled_from(SHAPES),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
    st.sampled_from(["US", "CA"]),
)
def test_the_short_way_reads_as_the_long_way(
    shape: str, area: str, exchange: str, line: str, region: str
) -> None:
    text = shape.format(area, exchange, line)
    assert to_e164(text, region) == phones._parsed(text, region)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_region_reads_its_own_numbers(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        pytest.skip("libphonenumber has no example of this region")
    expected = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert to_e164(national, region) == expected
    assert to_e164(expected, "US") == expected


@given(st.text(max_size=40), st.sampled_from(["US", "GB", "DE", "XX"]))
def test_any_text_gives_e164_or_nothing_and_e164_stays(text: str, region: str) -> None:
    number = to_e164(text, region)
    if number is not None:
        assert number[0] == "+"
        assert 4 <= len(number) <= 18
        assert to_e164(number, region) == number


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("US", True),
        ("CA", True),
        ("GB", True),
        ("NO", True),
        ("UK", False),
        ("us", False),
        ("", False),
    ],
)
def test_regions(code: str, known: bool) -> None:
    assert is_region(code) is known


def test_north_american_numbers_do_not_load_phonenumbers() -> None:
    program = (
        "import sys; from transforms.phones import to_e164, is_region;"
        "assert to_e164('(858) 877-7382', 'US') == '+18588777382' and is_region('US');"
        "assert 'phonenumbers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
