"""Whom a limit counts, and how many."""

import pytest

from chat.address_limit import LONGEST_ADDRESS, AddressLimit, get_peer_address


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.7", 5000), "192.0.2.7"),
        (("::ffff:192.0.2.7", 5000), "192.0.2.7"),
        (("2001:db8:1:2:3::4", 5000), "2001:db8:1:2::/64"),
        (("unknown", 0), "unknown"),
        (("x" * 1000, 0), "x" * LONGEST_ADDRESS),
        (None, ""),
    ],
)
def test_address_that_counts(client: tuple[str, int] | None, address: str) -> None:
    assert get_peer_address({"client": client}) == address


def test_address_and_process_have_their_limits() -> None:
    limit = AddressLimit(2, 3)
    assert [limit.enter("a"), limit.enter("a"), limit.enter("a")] == [True, True, False]
    assert [limit.enter("b"), limit.enter("c")] == [True, False]
    limit.leave("a")
    assert limit.open == 2
    assert limit.enter("c")
