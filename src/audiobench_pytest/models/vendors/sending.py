"""What the vendors' protocols have in common: who asks, and a question that is sent and read as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.endpoints.reading import complaint, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble

if TYPE_CHECKING:
    import httpx

Advice = Callable[[int, str], str]
"""From a status and the base address to what the user could do about it, or ""."""

NO_ENTRY = 401
"""The status that stands for a refused account, of which these vendors tell in the reply's body."""


@dataclass(frozen=True, slots=True)
class Account:
    """The two halves by which a vendor knows who asks.

    Attributes:
        name: Sent as it is.
        secret: Signs, or is sent in a header; never shown.
    """

    name: str
    secret: str = field(repr=False)


async def post(
    client: httpx.AsyncClient, address: str, body: bytes, headers: Mapping[str, str], advice: Callable[[int], str]
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Send a body and return the JSON object that comes back, and the headers with it.

    Raises:
        Trouble: The server refused, or what it sent is no JSON object.
    """
    response = await client.post(address, content=body, headers=dict(headers))
    if not response.is_success:
        found = complaint(response, response.content)
        found.what += advice(response.status_code)
        raise found
    try:
        reply = json.loads(response.content or b"{}")
    except ValueError:
        raise Trouble(Kind.FAILED, "the reply is not JSON") from None
    if not isinstance(reply, dict):
        raise wrong_shape("not an object", reply)
    return reply, response.headers
