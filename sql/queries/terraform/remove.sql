-- Delete the state of a project; its earlier versions stay.
-- $1 project  $2 execution or null  $3 actor  $4 request id
SELECT o.outcome, o.holder FROM remove_terraform_state($1, $2, $3, $4) AS o
