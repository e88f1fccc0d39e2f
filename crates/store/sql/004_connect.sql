-- Services that a person connected by name. They stay until they are withdrawn.

CREATE TABLE connect (
    -- The client's own, so that a retry is the same one.
    id          VARCHAR NOT NULL,
    at_ns       BIGINT NOT NULL,
    caller      VARCHAR NOT NULL,
    namespace   VARCHAR NOT NULL,
    service     VARCHAR NOT NULL,
    -- One of the two says which processes are meant.
    port        USMALLINT,
    exe_pattern VARCHAR,
    -- tcp, http or none; the path of http.
    check_kind  VARCHAR NOT NULL,
    check_path  VARCHAR,
    kind        VARCHAR NOT NULL
);
