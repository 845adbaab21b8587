"""When the database or the whole line was away: answer, keep, page, and catch up."""
