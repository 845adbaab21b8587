"""The telephone: a leg each for callers, specialists and people paged, and what came of them."""
