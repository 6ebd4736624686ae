"""Names, companies and jobs to draw people from: made by Faker once, for one seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

LOCALES = ("de_DE", "fr_FR", "es_ES", "pl_PL", "ja_JP", "ru_RU", "zh_CN", "el_GR")
"""Where four people in ten have their names from; the others are en_US."""


@dataclass(frozen=True, slots=True)
class NamePool:
    """First and last names that go together."""

    first: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pools:
    """`names` holds one pool per locale; the first is en_US."""

    names: tuple[NamePool, ...]
    companies: tuple[str, ...]
    jobs: tuple[str, ...]


@lru_cache(maxsize=4)
def draw_pools(seed: int) -> Pools:
    """The pools of a seed (the same for the same release of Faker)."""
    from faker import Faker

    def speaker(locale: str) -> Faker:
        fake = Faker(locale)
        fake.seed_instance(seed)
        return fake

    english = speaker("en_US")
    names = [_names(english, 250)]
    companies = [english.company() for _ in range(300)]
    for locale in LOCALES:
        fake = speaker(locale)
        names.append(_names(fake, 80))
        companies.extend(fake.company() for _ in range(20))
    jobs = tuple(english.job() for _ in range(200))
    return Pools(tuple(names), tuple(companies), jobs)


def _names(fake: object, count: int) -> NamePool:
    first, last = fake.first_name, fake.last_name  # type: ignore[attr-defined]
    return NamePool(tuple(first() for _ in range(count)), tuple(last() for _ in range(count)))
