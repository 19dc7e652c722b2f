-- Forget a process that stops. $1 id
DELETE FROM processes WHERE id = $1::text
