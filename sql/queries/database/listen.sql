-- Subscribe this connection to wakeups.
LISTEN provost
