"""Collections that no product code knows: what a storage promises holds for any declaration."""

from __future__ import annotations

from typing import Any

from connectors.repository.adapter import Adapter
from connectors.repository.factory import open_storage
from connectors.repository.storage import Collection

CARDS = Collection(
    name="cards",
    key=("box", "number"),
    columns={
        "box": str,
        "number": int,
        "order": str,
        "at": int,
        "weight": int,
        "holder": str,
    },
    unique=(("holder",),),
    indexes=(("order", "at"),),
    summed=("weight",),
)
METERS = Collection(name="meters", key=("key",), columns={"key": str, "value": int})


def open_samples(url: str, *, create: bool = False) -> Adapter:
    storage = open_storage(url)
    assert isinstance(storage, Adapter)
    if create:
        storage.create((CARDS, METERS))
    return storage


def card(number: int, *, box: str = "a", **fields: Any) -> dict[str, Any]:
    """A card that nobody else's unique value is in the way of."""
    return {"box": box, "number": number, "holder": f"{box}-{number}", **fields}
