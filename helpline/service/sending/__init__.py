"""What leaves us: written down first, sent in its turn, followed until it arrived."""
