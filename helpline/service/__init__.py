"""Use cases: one public function per sentence an actor would say. Each takes the runtime first."""
