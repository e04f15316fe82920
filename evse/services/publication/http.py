"""Delivery by HTTP or HTTPS: the file as one field of a form (multipart POST, RFC 7578)."""

from __future__ import annotations

import asyncio

import httpx

from evse.services.publication.delivery import LIMITS, DeliveryError, Limits, ReportFile, reason, tls_context, words
from evse.services.publication.settings import HttpTarget

_ANSWER_LIMIT = 2_000
"""Bytes of an answer that are read at most: what people need to know stands at its beginning."""


async def post_file(
    target: HttpTarget, file: ReportFile, address: str, ca_file: str = "", limits: Limits = LIMITS
) -> str:
    """Deliver ``file`` to the server at ``address``. Returns the server's confirmation. Raises ``DeliveryError`` for every answer but 2xx.

    A redirection is a failure that names the new place: a file with people's data goes where it was sent, nowhere else.
    """
    scheme = "https" if target.secure else "http"
    place = f"[{address}]" if ":" in address else address
    url = f"{scheme}://{place}:{target.port}{target.path}"
    auth = httpx.BasicAuth(target.login.username, target.login.password) if target.login is not None else None
    headers = {"Host": f"{target.server}:{target.port}", "Idempotency-Key": file.identity}
    # The certificate is checked against the name, not against the address.
    named = {"sni_hostname": target.server}
    form = {target.field_name: (file.name, file.content, "text/csv")}
    verify = tls_context(ca_file) if target.secure else False
    client = httpx.AsyncClient(verify=verify, timeout=limits.operation_s, trust_env=False, auth=auth)
    try:
        async with (
            asyncio.timeout(limits.delivery_s),
            client,
            client.stream("POST", url, files=form, headers=headers, extensions=named) as answer,
        ):
            said = words(await _beginning(answer))
    except TimeoutError as error:
        raise DeliveryError(f"no delivery within {limits.delivery_s:.0f} s") from error
    except httpx.TimeoutException as error:
        raise DeliveryError(f"web server {target.server}:{target.port}: the server did not answer in time") from error
    except httpx.HTTPError as error:
        raise DeliveryError(f"web server {target.server}:{target.port}: {_reason(error)}") from error
    if answer.is_redirect:
        raise DeliveryError(
            f"the web server sent us on to {words(answer.headers.get('location', ''))}: set that address"
        )
    if not answer.is_success:
        raise DeliveryError(f"the web server said: {answer.status_code} {words(answer.reason_phrase)} {said}".strip())
    return f"{answer.status_code} {said}".strip()


async def _beginning(answer: httpx.Response) -> bytes:
    read = b""
    async for piece in answer.aiter_raw():
        read += piece
        if len(read) >= _ANSWER_LIMIT:
            break
    return read[:_ANSWER_LIMIT]


def _reason(error: httpx.HTTPError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return reason(cause)
        cause = cause.__cause__ or cause.__context__
    return words(str(error) or type(error).__name__)
