-- I am going, in good order.
DELETE FROM workers WHERE id = $1
