-- List what retention has removed, by class.
SELECT class, removed, pruned_at FROM retention ORDER BY class
