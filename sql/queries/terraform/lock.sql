-- Lock the state of a project.
-- $1 project  $2 execution or null  $3 id of the lock  $4 description of the holder (JSON)  $5 actor
SELECT o.outcome, o.holder FROM lock_terraform_state($1, $2, $3, $4, $5) AS o
