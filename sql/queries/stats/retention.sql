-- How much was forgotten so far, by class?
SELECT class, removed, pruned_at FROM retention ORDER BY class
