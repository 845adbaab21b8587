"""Is the line well? Signs of life, invariants, figures, drills, and who did what."""
