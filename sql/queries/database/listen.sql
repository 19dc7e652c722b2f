-- Tell this connection whenever somebody rings.
LISTEN provost
