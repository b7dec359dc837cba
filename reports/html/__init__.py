"""`report.html`: one self-contained page, no script, no request."""

from reports.html.page import render

__all__ = ["render"]
