"""A border is stamped the first time it is crossed."""

import pytest

from chat.models import Turn
from chat.stamps import ORDER, Stamps


def test_first_crossing_counts() -> None:
    turn = Turn()
    times = iter([10.0, 11.0, 12.0])
    stamp = Stamps(turn, lambda: next(times))
    stamp("first_token")
    stamp("first_token")
    stamp("delivered", 5.5)
    assert turn.stamps == {"first_token": 10.0, "delivered": 5.5}


def test_only_borders_are_stamped() -> None:
    with pytest.raises(ValueError, match="lunch"):
        Stamps(Turn())("lunch")


def test_order_is_that_of_the_trip() -> None:
    assert ORDER[0] == "received"
    assert ORDER[-1] == "displayed"
    assert len(set(ORDER)) == len(ORDER)
