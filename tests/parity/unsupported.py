"""Why a reference may be missing."""


class Unsupported(Exception):
    """The framework has no such layer, or not with these settings."""
