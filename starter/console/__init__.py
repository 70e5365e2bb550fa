"""Where do people see what waits for them, and answer? Server-rendered pages for a browser."""

from starter.console.app import create_app

__all__ = ["create_app"]
