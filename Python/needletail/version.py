"""The version."""

from needletail._client import __version__

__all__ = ["__version__"]
