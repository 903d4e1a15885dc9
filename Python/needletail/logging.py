"""What is said while studies run: Python's logging under the name `needletail`."""

from needletail._client import (
    disable_default_handler,
    disable_propagation,
    enable_default_handler,
    enable_propagation,
    get_logger,
    get_verbosity,
    set_verbosity,
)

CRITICAL = FATAL = 50
ERROR = 40
WARNING = WARN = 30
INFO = 20
DEBUG = 10

__all__ = [
    "CRITICAL",
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "WARNING",
    "disable_default_handler",
    "disable_propagation",
    "enable_default_handler",
    "enable_propagation",
    "get_logger",
    "get_verbosity",
    "set_verbosity",
]
