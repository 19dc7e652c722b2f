-- Notifies outside of the transaction that enqueues.
SELECT pg_notify('ceiling', '')
