-- Remove the lock of the state of a project.
-- $1 project  $2 execution or null  $3 id of the lock, or null for any  $4 by force?  $5 actor  $6 request id
SELECT o.outcome, o.holder FROM unlock_terraform_state($1, $2, $3, $4, $5, $6) AS o
