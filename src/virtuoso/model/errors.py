"""Errors, as a tree.

VirtuosoError
├── UsageError            wrong use of a command: exit code 2, one clear line
│   └── ConfigError       a bad configuration: file, key path, value, what would be right
├── ExchangeError         the exchange said no, or said nothing
│   ├── ExchangeUnavailable   refused, timed out, 5xx, maintenance page: worth another try
│   ├── ExchangeRejected      a retCode other than 0: the request itself is wrong
│   ├── RateLimited           the budget or the exchange says wait (carries for how long)
│   ├── NotOffered            this exchange has no such data: never worth another try
│   └── MalformedMessage      not what the wire rules promise
├── StoreUnavailable      a store does not answer, is full, or answers garbage
└── InvariantError        a promise of our own code is broken: a bug
"""


class VirtuosoError(Exception):
    """Root of every error raised on purpose here."""


class UsageError(VirtuosoError):
    """The program was called wrongly; the message is one line that says what would be right."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration is wrong; the message names file, key path, value and the nearest valid key."""


class ExchangeError(VirtuosoError):
    """The exchange said no, or said nothing."""


class ExchangeUnavailable(ExchangeError):
    """The exchange could not be reached or is not serving; worth another try later."""


class ExchangeRejected(ExchangeError):
    """The exchange refused the request itself.

    Attributes:
        code: the exchange's own error code.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class RateLimited(ExchangeError):
    """A rate limit was hit, by our own budget or by the exchange's word.

    Attributes:
        retry_after_s: seconds until a request may go out again.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotOffered(ExchangeError):
    """The exchange has no such data, or not through this adapter; the message says which and why."""


class MalformedMessage(ExchangeError):
    """A message is not what the wire rules promise."""


class StoreUnavailable(VirtuosoError):
    """A store does not answer, is full, or answers garbage; worth another try later."""


class InvariantError(VirtuosoError):
    """A promise of our own code is broken."""
