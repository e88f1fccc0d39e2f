-- What shows each piece of evidence again. The question is a coral.v1.Question about its window.

CREATE TABLE evidence (
    id        VARCHAR PRIMARY KEY,
    -- When it was last found; times are unix nanoseconds.
    at_ns     BIGINT NOT NULL,
    namespace VARCHAR,
    service   VARCHAR,
    question  BLOB NOT NULL,
    text      VARCHAR NOT NULL
);
