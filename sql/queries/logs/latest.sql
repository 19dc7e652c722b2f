-- Read the last lines of an attempt, oldest first. $1 execution  $2 max lines
SELECT id, execution_id, at, stream, line
FROM (SELECT * FROM execution_logs WHERE execution_id = $1 ORDER BY id DESC LIMIT $2) AS l
ORDER BY id
