"""The thin edge: verify, parse, call one use case, answer."""
