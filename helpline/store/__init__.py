"""The database and nothing else: one module per noun, every function takes a transaction."""

from helpline.store.columns import KeyRing, Sealed
from helpline.store.contention import Contended, retried
from helpline.store.database import DatabaseClock, Road, Store, Transaction, open_engine
from helpline.store.patience import DATABASE_ERRORS, within

__all__ = [
    "DATABASE_ERRORS",
    "Contended",
    "DatabaseClock",
    "KeyRing",
    "Road",
    "Sealed",
    "Store",
    "Transaction",
    "open_engine",
    "retried",
    "within",
]
