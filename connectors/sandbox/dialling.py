"""Phone numbers of seeded people: valid, written in many ways, and a different one each."""

from __future__ import annotations

_AREA_CODES = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239
240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312
313 314 315 316 317 318 319 320 321 323 325 330 331 334 336 337 347 351 352 360 361 385 386 401
402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 443 469
478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551
559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615
616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706
707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772
773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813
"""
AREA_CODES = tuple(_AREA_CODES.split())
_US_FORMATS = (
    "+1 %s %d %04d",
    "(%s) %d-%04d",
    "%s-%d-%04d",
    "+1%s%d%04d",
    "%s.%d.%04d",
    "1-%s-%d-%04d",
    "%s%d%04d",
)
_ABROAD = (("+49 151 ", 8), ("+44 75", 8), ("+33 1 ", 8))
_PER_EXCHANGE = len(AREA_CODES) * 10_000
_PRIME = 999_983  # shares no factor with _PER_EXCHANGE, so every number comes once


def us_number(n: int, style: int) -> str:
    """The n-th number: exchange 555 for the first two million or so, then 556 and on."""
    lap, rest = divmod(n, _PER_EXCHANGE)
    area, line = divmod(rest * _PRIME % _PER_EXCHANGE, 10_000)
    return _US_FORMATS[style % 7] % (AREA_CODES[area], 555 + lap % 400, line)


def number_abroad(n: int, country: int) -> str:
    """The n-th German, British or French number, in international form."""
    prefix, digits = _ABROAD[country % len(_ABROAD)]
    return f"{prefix}{n * _PRIME % 10**digits:0{digits}d}"
