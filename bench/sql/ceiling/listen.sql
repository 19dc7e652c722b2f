-- Subscribes to the notifications.
LISTEN ceiling
