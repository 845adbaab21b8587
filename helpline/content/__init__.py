"""``config/*.yaml`` → `Protocol`, or every mistake at once with file and line."""

from helpline.content.loading import load_protocol, summarise
from helpline.content.problems import ContentError, Problem
from helpline.content.ready import load_kept
from helpline.content.summary import ContentSummary

__all__ = ["ContentError", "ContentSummary", "Problem", "load_kept", "load_protocol", "summarise"]
