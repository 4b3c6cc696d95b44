"""Faults of servers and networks: what is tried again, and errors that say what happened.

The packages for the places raise errors of many kinds. Here each becomes an OSError whose
`strerror` is a text for people.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from typing import TypeVar

from registry.errors import RegistryError
from registry.text import visible

Result = TypeVar("Result")
# Seconds between the attempts of one request.
PAUSES = (0.5, 1.0, 2.0)
# Answers of servers after which a request is not repeated, and those 4xx after which it is.
_LATER = frozenset({408, 425, 429})
_ABSENT = frozenset({404, 410})
_CLOSED = frozenset({401, 403})
_LONGEST = 300
NO_ACCESS = "no access"
_FINAL = frozenset({errno.ENOENT, errno.EACCES, errno.EINVAL, errno.ELOOP, errno.ESTALE})
_NO_CREDENTIALS = frozenset({"NoCredentialsError", "PartialCredentialsError", "RefreshError"}) | {
    *("DefaultCredentialsError", "CredentialRetrievalError", "GatedRepoError"),
}
_ABSENT_NAMES = frozenset({"NoSuchBucket", "NoSuchKey", "RepositoryNotFoundError"}) | {
    *("EntryNotFoundError", "RevisionNotFoundError"),
}
# Of requests and botocore, and of httpx.
_TIMEOUTS = frozenset({"ReadTimeout", "ConnectTimeout", "ReadTimeoutError", "ConnectTimeoutError"})
# Of what cannot be a request at all.
_INVALID = frozenset({"ParamValidationError", "InvalidURL", "InvalidUrlClientError", "ValueError"})


def retried(work: Callable[[], Result], *, again: bool = True) -> Result:
    """Return the result of a request, which is repeated a few times. Raises OSError.

    A server that is silent until the time is over is asked only once more.
    """
    was_silent = False
    for pause in (*PAUSES, None) if again else (None,):
        try:
            return work()
        except (ImportError, RegistryError):
            raise
        except Exception as error:
            told = told_of(error)
            is_silent = told.errno == errno.ETIMEDOUT
            if pause is None or told.errno in _FINAL or (is_silent and was_silent):
                raise told from error
            was_silent = is_silent
        time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def told_of(error: Exception) -> OSError:
    """Return the error to be told for one of any package."""
    if isinstance(error, OSError) and error.errno in _FINAL and error.strerror:
        return error
    names = {kind.__name__ for kind in type(error).__mro__}
    status = _status(error)
    if status in _CLOSED or isinstance(error, PermissionError) or names & _NO_CREDENTIALS:
        why = f"the server answered {status}" if status else _text(error)
        return OSError(errno.EACCES, f"{NO_ACCESS} ({why})")
    if status in _ABSENT or isinstance(error, FileNotFoundError) or names & _ABSENT_NAMES:
        return OSError(errno.ENOENT, "it does not exist")
    return OSError(*_number_and_text(error, names, status))


def _number_and_text(error: Exception, names: set[str], status: int | None) -> tuple[int, str]:
    if "TooManyRedirects" in names:
        return errno.ELOOP, "the server redirects without end"
    if status is not None:
        is_final = 400 <= status < 500 and status not in _LATER
        return errno.EINVAL if is_final else errno.EIO, f"the server answered {status}"
    if isinstance(error, TimeoutError) or names & _TIMEOUTS:
        return errno.ETIMEDOUT, "the server did not answer in time"
    return errno.EINVAL if names & _INVALID else errno.EIO, _text(error)


def _status(error: Exception) -> int | None:
    """Return the status of an answer that an error is about."""
    response = getattr(error, "response", None)
    # aiohttp has `status`, gcsfs `code`.
    found = [error.status if hasattr(error, "status") else getattr(error, "code", None)]
    if isinstance(response, dict):
        # As botocore has it.
        found.append(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    found.append(getattr(response, "status_code", None))
    return next((one for one in found if isinstance(one, int) and 300 <= one < 600), None)


def _text(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return visible(re.sub(r"\s+", " ", str(text)))[:_LONGEST]
