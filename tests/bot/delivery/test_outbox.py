"""Writing down what is to be said."""

import pytest
from sqlalchemy import select

from bot.delivery import outbox
from bot.delivery.outbox import Address
from bot.storage.tables import OutboxRow


@pytest.mark.parametrize("given", [{}, {"channel_id": "D1", "user_ids": ("U1",)}])
def test_an_address_is_either_a_channel_or_people(given: dict[str, object]) -> None:
    """Neither or both is a mistake of ours, and is told where it is made."""
    with pytest.raises(ValueError, match="either a channel or people"):
        Address("T1", **given)  # type: ignore[arg-type]


def test_one_place_has_one_lane() -> None:
    """Whoever names its people first; a thread is said in its channel's lane."""
    assert Address("T1", user_ids=("U2", "U1")).lane == Address("T1", user_ids=("U1", "U2")).lane
    assert Address("T1", "D1").lane == Address("T1", "D1", thread_ts="1.0").lane == "T1:D1"


def test_a_key_fits_its_column(database, clock) -> None:
    """However long a name: one thing is still said once."""
    for _ in range(2):
        with database.writing() as session:
            outbox.post(session, clock(), Address("T1", "D1"), key="k" * 127, text="hello")
    with database.reading() as session:
        (row,) = session.scalars(select(OutboxRow))
    assert len(row.dedupe_key) == 128
