"""A relay takes a lease from its own city only."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from safetynet.core.grants import Refused
from safetynet.core.terms import CameraId, CentreId, GrantId, Why
from safetynet.edge import clock
from safetynet.edge.relay.leases import Leases
from safetynet.edge.relay.words import SetLease, lease_part

CITY, ADVERSARY = Ed25519PrivateKey.from_private_bytes(b"c" * 32), Ed25519PrivateKey.from_private_bytes(b"a" * 32)


@pytest.mark.parametrize(("by", "answer"), [(CITY, None), (ADVERSARY, Refused(Why.BAD_SIGNATURE))])
def test_a_lease_needs_the_seal_of_its_city(by, answer):
    lease = SetLease(
        grant=GrantId("g"),
        receiver=CentreId("control"),
        cameras=(CameraId("c"),),
        lease_ms=5_000,
        issued_ms=clock.monotonic(),
        urls={},
    )
    sealed = msgspec.structs.replace(lease, signature=by.sign(lease_part(lease)))
    assert Leases(CITY.public_key().public_bytes_raw()).accept(sealed) == answer
