"""Pictures to measure on, from Debian packages; none of them is kept here."""
