"""What staff do and see on their pages (DESIGN 10): every function asks for the right again."""

from helpline.store.accounts import Stage as Stage
from helpline.store.people import Person as Person
