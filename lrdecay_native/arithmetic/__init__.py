"""In which numbers a formula is recorded; nothing but the standard library is imported here."""
