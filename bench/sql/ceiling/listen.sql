-- Hears the bell.
LISTEN ceiling
