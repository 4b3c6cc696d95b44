"""A snapshot ready to answer under one policy: the only matcher, used by checks and lookups."""

from registry.index.index import Index

__all__ = ["Index"]
